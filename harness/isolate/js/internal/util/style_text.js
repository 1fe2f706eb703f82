// Gives `util.styleText`: text between the escape codes of its formats.
'use strict';

const {
  ArrayIsArray, ArrayPrototypeJoin, Boolean, ObjectGetOwnPropertyNames, SafeArrayIterator,
  StringPrototypeSplit,
} = primordials;
const {
  codes: { ERR_INVALID_ARG_TYPE },
} = require('internal/errors');
const { inspect } = require('internal/util/inspect');
const { validateBoolean, validateOneOf, validateString } = require('internal/validators');

function isStream(stream) {
  return stream !== null && typeof stream === 'object' && typeof stream.write === 'function';
}

// Whether the stream is a terminal that takes colours, unless the environment decides.
function wantsColors(stream) {
  const { env } = require('process');
  if (env.FORCE_COLOR !== undefined) {
    return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  }
  if (env.NODE_DISABLE_COLORS || env.NO_COLOR) {
    return false;
  }
  return Boolean(stream?.isTTY) && (typeof stream.getColorDepth !== 'function' || stream.getColorDepth() > 2);
}

exports.styleText = function styleText(format, text, options) {
  const { validateStream = true, stream } = options ?? { __proto__: null };
  validateString(text, 'text');
  if (options !== undefined) {
    validateBoolean(validateStream, 'options.validateStream');
  }
  let skip = false;
  if (validateStream) {
    const target = stream ?? require('process').stdout;
    if (!isStream(target)) {
      throw new ERR_INVALID_ARG_TYPE('stream', ['ReadableStream', 'WritableStream', 'Stream'], target);
    }
    skip = !wantsColors(target);
  }
  const formats = ArrayIsArray(format) ? format : [format];
  let left = '';
  let right = '';
  let body = text;
  for (const key of new SafeArrayIterator(formats)) {
    if (key === 'none') {
      continue;
    }
    const codes = typeof key === 'string' ? inspect.colors[key] : undefined;
    if (codes == null) {
      validateOneOf(key, 'format', ObjectGetOwnPropertyNames(inspect.colors));
    }
    left += `\u001b[${codes[0]}m`;
    const close = `\u001b[${codes[1]}m`;
    right = `${close}${right}`;
    // A style that ends inside the text takes ours up again.
    // Bold and dim share their end, so that end stays for the one that is inside.
    const open = `\u001b[${codes[0]}m`;
    body = ArrayPrototypeJoin(StringPrototypeSplit(body, close), codes[1] === 22 ? `${close}${open}` : open);
  }
  return skip ? text : `${left}${body}${right}`;
};
