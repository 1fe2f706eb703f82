// The high water marks: how much a stream buffers before it asks for patience.
'use strict';

const { MathFloor, NumberIsInteger } = primordials;

const {
  codes: { ERR_INVALID_ARG_VALUE },
} = require('internal/errors');
const { validateInteger } = require('internal/validators');

let defaultBytes = 64 * 1024;
let defaultObjects = 16;

function getDefaultHighWaterMark(objectMode) {
  return objectMode ? defaultObjects : defaultBytes;
}

function setDefaultHighWaterMark(objectMode, value) {
  validateInteger(value, 'value', 0);
  if (objectMode) {
    defaultObjects = value;
  } else {
    defaultBytes = value;
  }
}

function getHighWaterMark(state, options, duplexKey, isDuplex) {
  const mark = options.highWaterMark ?? (isDuplex ? options[duplexKey] : null);
  if (mark != null) {
    if (!NumberIsInteger(mark) || mark < 0) {
      const name = isDuplex ? `options.${duplexKey}` : 'options.highWaterMark';
      throw new ERR_INVALID_ARG_VALUE(name, mark);
    }
    return MathFloor(mark);
  }
  return getDefaultHighWaterMark(state.objectMode);
}

module.exports = { getDefaultHighWaterMark, getHighWaterMark, setDefaultHighWaterMark };
