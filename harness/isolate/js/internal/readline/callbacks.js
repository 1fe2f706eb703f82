// Moves the cursor of a terminal and clears parts of it, with the sequences that all of them know.
'use strict';

const { NumberNaN: NaN } = primordials;

const { nextTick } = require('internal/task_queues');
const {
  codes: { ERR_INVALID_ARG_VALUE, ERR_INVALID_CURSOR_POS },
} = require('internal/errors');
const { validateFunction } = require('internal/validators');

// Writes a control sequence, and calls back as the stream does.
function send(stream, data, callback) {
  if (callback !== undefined) {
    validateFunction(callback, 'callback');
  }
  if (stream === null || stream === undefined || data === '') {
    if (typeof callback === 'function') {
      nextTick(callback, null);
    }
    return true;
  }
  return stream.write(data, callback);
}

function cursorTo(stream, x, y, callback) {
  if (typeof y === 'function') {
    callback = y;
    y = undefined;
  }
  // eslint-disable-next-line no-self-compare -- NaN is the one value that is not itself
  if (x !== x || y !== y) {
    throw new ERR_INVALID_ARG_VALUE(x !== x ? 'x' : 'y', NaN);
  }
  if (typeof x !== 'number' && typeof y === 'number') {
    throw new ERR_INVALID_CURSOR_POS();
  }
  const data = typeof x !== 'number' ? '' : typeof y !== 'number' ? `\u001b[${x + 1}G` : `\u001b[${y + 1};${x + 1}H`;
  return send(stream, data, callback);
}

function moveCursor(stream, dx, dy, callback) {
  let data = '';
  if (dx < 0) {
    data += `\u001b[${-dx}D`;
  } else if (dx > 0) {
    data += `\u001b[${dx}C`;
  }
  if (dy < 0) {
    data += `\u001b[${-dy}A`;
  } else if (dy > 0) {
    data += `\u001b[${dy}B`;
  }
  return send(stream, data, callback);
}

function clearLine(stream, direction, callback) {
  return send(stream, direction < 0 ? '\u001b[1K' : direction > 0 ? '\u001b[0K' : '\u001b[2K', callback);
}

function clearScreenDown(stream, callback) {
  return send(stream, '\u001b[0J', callback);
}

module.exports = { clearLine, clearScreenDown, cursorTo, moveCursor };
