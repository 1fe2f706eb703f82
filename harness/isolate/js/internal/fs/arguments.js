// What `fs` takes as paths, flags, modes, options and descriptors, checked as Node checks them.
'use strict';

const {
  ArrayBufferIsView,
  ArrayIsArray,
  DateNow,
  Number,
  NumberIsFinite,
  NumberParseInt,
  RegExpPrototypeExec,
  StringPrototypeIncludes,
  TypedArrayPrototypeIncludes,
  hardenRegExp,
} = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE },
} = require('internal/errors');
const { validateAbortSignal, validateFunction, validateInt32, validateInteger, validateUint32 } =
  require('internal/validators');
const { kEmptyObject } = require('internal/util');
const constants = require('internal/fs/constants');

function buffers() {
  return require('buffer').Buffer;
}

function isUint8Array(value) {
  return require('internal/util/types').isUint8Array(value);
}

// A path as text. Bytes are UTF-8 here, as every name in the tree is.
function toPath(given, name = 'path') {
  let path = given;
  if (path !== null && typeof path === 'object' && !isUint8Array(path)) {
    const { isURL } = require('internal/url');
    if (isURL(path)) {
      path = require('url').fileURLToPath(path);
    }
  }
  if (typeof path !== 'string' && !isUint8Array(path)) {
    throw new ERR_INVALID_ARG_TYPE(name, ['string', 'Buffer', 'URL'], path);
  }
  const hasNull = typeof path === 'string' ?
    StringPrototypeIncludes(path, '\u0000') :
    TypedArrayPrototypeIncludes(path, 0);
  if (hasNull) {
    throw new ERR_INVALID_ARG_VALUE(name, path, 'must be a string, Uint8Array, or URL without null bytes');
  }
  return typeof path === 'string' ? path : buffers().from(path.buffer, path.byteOffset, path.byteLength).toString();
}

function toFd(fd) {
  if (typeof fd === 'number') {
    validateInteger(fd, 'fd', 0, 2147483647);
    return fd;
  }
  validateInt32(fd, 'fd', 0, 2147483647);
  return fd;
}

function toCallback(callback) {
  validateFunction(callback, 'cb');
  return callback;
}

function checkEncoding(encoding) {
  if (encoding && encoding !== 'buffer' && !buffers().isEncoding(encoding)) {
    throw new ERR_INVALID_ARG_VALUE('encoding', encoding, 'is invalid encoding');
  }
}

// Options that may be given as an encoding, as an object, or not at all.
function getOptions(options, defaults = kEmptyObject) {
  if (options == null || typeof options === 'function') {
    return defaults;
  }
  if (typeof options === 'string') {
    options = { ...defaults, encoding: options };
  } else if (typeof options !== 'object') {
    throw new ERR_INVALID_ARG_TYPE('options', ['string', 'Object'], options);
  }
  checkEncoding(options.encoding);
  if (options.signal !== undefined) {
    validateAbortSignal(options.signal, 'options.signal');
  }
  return options;
}

const FLAGS = {
  __proto__: null,
  'r': 0,
  'rs': 0o4010000,
  'sr': 0o4010000,
  'r+': 2,
  'rs+': 0o4010002,
  'sr+': 0o4010002,
  'w': 0o1101,
  'wx': 0o1301,
  'xw': 0o1301,
  'w+': 0o1102,
  'wx+': 0o1302,
  'xw+': 0o1302,
  'a': 0o2101,
  'ax': 0o2301,
  'xa': 0o2301,
  'as': 0o4012101,
  'sa': 0o4012101,
  'a+': 0o2102,
  'ax+': 0o2302,
  'xa+': 0o2302,
  'as+': 0o4012102,
  'sa+': 0o4012102,
};

function toFlags(flags, name = 'flags') {
  if (typeof flags === 'number') {
    validateInt32(flags, name);
    return flags;
  }
  if (flags == null) {
    return constants.O_RDONLY;
  }
  const value = typeof flags === 'string' ? FLAGS[flags] : undefined;
  if (value === undefined) {
    throw new ERR_INVALID_ARG_VALUE(name, flags);
  }
  return value;
}

const octal = hardenRegExp(/^[0-7]+$/);

function toMode(value, name, fallback) {
  if (value == null && fallback !== undefined) {
    return fallback;
  }
  if (typeof value === 'string') {
    if (RegExpPrototypeExec(octal, value) === null) {
      throw new ERR_INVALID_ARG_VALUE(name, value, 'must be a 32-bit unsigned integer or an octal string');
    }
    value = NumberParseInt(value, 8);
  }
  validateUint32(value, name);
  return value;
}

function toAccessMode(mode) {
  if (mode == null) {
    return constants.F_OK;
  }
  if (typeof mode !== 'number') {
    const error = new ERR_INVALID_ARG_TYPE('mode', 'integer', mode);
    error.message = 'mode must be int32 or null/undefined';
    throw error;
  }
  if (mode < 0 || mode > 7) {
    const error = new ERR_OUT_OF_RANGE('mode', '>= 0 && <= 7', mode);
    error.message = 'mode is out of range: >= 0 && <= 7';
    throw error;
  }
  return mode | 0;
}

function toTime(time, name = 'time') {
  // eslint-disable-next-line eqeqeq -- a numeric string counts as well
  if (typeof time === 'string' && +time == time) {
    return +time;
  }
  if (NumberIsFinite(time)) {
    return time < 0 ? DateNow() / 1000 : time;
  }
  if (require('internal/util/types').isDate(time)) {
    return Number(time) / 1000;
  }
  throw new ERR_INVALID_ARG_TYPE(name, ['Date', 'Time in seconds'], time);
}

function checkBuffer(buffer, name = 'buffer') {
  if (!ArrayBufferIsView(buffer)) {
    throw new ERR_INVALID_ARG_TYPE(name, ['Buffer', 'TypedArray', 'DataView'], buffer);
  }
}

function checkBuffers(list) {
  const isList = ArrayIsArray(list);
  for (let i = 0; isList && i < list.length; i++) {
    if (!ArrayBufferIsView(list[i])) {
      throw new ERR_INVALID_ARG_TYPE('buffers', 'ArrayBufferView[]', list);
    }
  }
  if (!isList) {
    throw new ERR_INVALID_ARG_TYPE('buffers', 'ArrayBufferView[]', list);
  }
}

// Text or bytes to be written, as bytes.
function toData(data, encoding) {
  if (ArrayBufferIsView(data)) {
    return data;
  }
  if (typeof data !== 'string') {
    throw new ERR_INVALID_ARG_TYPE('data', ['string', 'Buffer', 'TypedArray', 'DataView'], data);
  }
  return buffers().from(data, encoding || 'utf8');
}

// Names that come back: text, bytes, or text in another encoding.
function encodeName(name, encoding) {
  if (!encoding || encoding === 'utf8' || encoding === 'utf-8') {
    return name;
  }
  const bytes = buffers().from(name);
  return encoding === 'buffer' ? bytes : bytes.toString(encoding);
}

module.exports = {
  checkBuffer,
  checkBuffers,
  checkEncoding,
  encodeName,
  getOptions,
  toAccessMode,
  toCallback,
  toData,
  toFd,
  toFlags,
  toMode,
  toPath,
  toTime,
};
