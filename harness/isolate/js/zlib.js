// The `zlib` module: deflate, zlib and gzip in every form; Brotli and Zstandard are refused.
'use strict';

const {
  ArrayBufferIsView, ArrayPrototypePush, ObjectDefineProperty, ObjectFreeze, ObjectSetPrototypeOf, ReflectApply,
  SafeArrayIterator, Uint8Array,
} = primordials;

const { refuseClasses, refuseFunctions } = require('internal/refuse');
const {
  codes: { ERR_BUFFER_TOO_LARGE, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE },
  genericNodeError,
} = require('internal/errors');
const { validateFunction, validateUint32 } = require('internal/validators');
const { codes, constants } = require('internal/refuse/zlib_constants');
const Transform = require('internal/streams/transform');

const kMaxLength = require('buffer').kMaxLength;

function bytesOf(data, name = 'buffer') {
  if (typeof data === 'string') {
    return require('buffer').Buffer.from(data);
  }
  if (native.buffer.isAnyArrayBuffer(data)) {
    return new Uint8Array(data);
  }
  if (!ArrayBufferIsView(data)) {
    throw new ERR_INVALID_ARG_TYPE(name, ['string', 'Buffer', 'TypedArray', 'DataView', 'ArrayBuffer'], data);
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

// A number of the options, within its bounds; infinite and absent ones are the default.
function bounded(value, name, least, most, otherwise) {
  if (value === undefined || value !== value) {
    return otherwise;
  }
  if (typeof value !== 'number') {
    throw new ERR_INVALID_ARG_TYPE(name, 'number', value);
  }
  if (value < least || value > most) {
    throw new ERR_OUT_OF_RANGE(name, `>= ${least} and <= ${most}`, value);
  }
  return value;
}

function settingsOf(options) {
  return {
    chunkSize: bounded(options?.chunkSize, 'options.chunkSize', 64, kMaxLength, 16384),
    flush: bounded(options?.flush, 'options.flush', 0, 5, constants.Z_NO_FLUSH),
    finishFlush: bounded(options?.finishFlush, 'options.finishFlush', 0, 5, constants.Z_FINISH),
    level: bounded(options?.level, 'options.level', -1, 9, -1),
    memLevel: bounded(options?.memLevel, 'options.memLevel', 1, 9, 8),
    strategy: bounded(options?.strategy, 'options.strategy', 0, 4, 0),
    windowBits: bounded(options?.windowBits, 'options.windowBits', 0, 15, 15),
    maxOutputLength: bounded(options?.maxOutputLength, 'options.maxOutputLength', 1, kMaxLength, kMaxLength),
    info: options?.info === true,
  };
}

const numbers = { __proto__: null, Z_NEED_DICT: 2, Z_DATA_ERROR: -3, Z_BUF_ERROR: -5 };

function run(kind, input, settings, place) {
  if (kind.compress) {
    return native.zlib.compress(kind.format, settings.level, input);
  }
  const partial = settings.finishFlush !== constants.Z_FINISH;
  const result = native.zlib.decompress(kind.format, input, settings.maxOutputLength, partial, place);
  if (!native.buffer.isAnyArrayBuffer(result)) {
    const code = result[0];
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new ERR_BUFFER_TOO_LARGE(settings.maxOutputLength);
    }
    throw genericNodeError(result[1], { __proto__: null, errno: numbers[code], code });
  }
  return result;
}

function processSync(kind, input, options) {
  const settings = settingsOf(options);
  const { Buffer } = require('buffer');
  const place = { __proto__: null, consumed: 0 };
  const buffer = Buffer.from(run(kind, bytesOf(input), settings, place));
  return settings.info ? { buffer, engine: new kind.Class(options) } : buffer;
}

function processLater(kind, input, options, callback) {
  if (typeof options === 'function') {
    callback = options;
    options = undefined;
  }
  validateFunction(callback, 'callback');
  const bytes = bytesOf(input);
  settingsOf(options);
  const frames = require('internal/async_context_frame');
  const captured = frames.current();
  native.loop.defer(() => {
    const before = frames.exchange(captured);
    try {
      let result;
      try {
        result = processSync(kind, bytes, options);
      } catch (error) {
        callback(error);
        return;
      }
      callback(null, result);
    } finally {
      frames.set(before);
    }
  });
}

// The streams take all of their input before they give any of their output: a package is small, and memory is limited anyway.
function ZlibBase(self, kind, options) {
  const settings = settingsOf(options);
  ReflectApply(Transform, self, [{ autoDestroy: true, ...options }]);
  self.bytesWritten = 0;
  self._level = settings.level;
  self._strategy = settings.strategy;
  self._chunkSize = settings.chunkSize;
  self._maxOutputLength = settings.maxOutputLength;
  hidden(self, kState, { kind, settings, chunks: [], closed: false });
}

const kState = primordials.Symbol('kState');

function hidden(target, key, value) {
  ObjectDefineProperty(target, key, { __proto__: null, configurable: true, enumerable: false, value, writable: true });
}

function defineClass(name, format, compress) {
  const kind = { __proto__: null, Class: undefined, compress, format };
  const Class = { [name]: function(options) {
    if (!(this instanceof Class)) {
      return new Class(options);
    }
    ZlibBase(this, kind, options);
  } }[name];
  kind.Class = Class;
  ObjectSetPrototypeOf(Class.prototype, Zlib.prototype);
  ObjectSetPrototypeOf(Class, Zlib);
  exports[name] = Class;
  return kind;
}

function Zlib() {
  throw new ERR_INVALID_ARG_TYPE('mode', 'number', undefined);
}
ObjectSetPrototypeOf(Zlib.prototype, Transform.prototype);
ObjectSetPrototypeOf(Zlib, Transform);

Zlib.prototype._transform = function(chunk, encoding, callback) {
  const bytes = bytesOf(chunk);
  this.bytesWritten += bytes.length;
  ArrayPrototypePush(this[kState].chunks, bytes);
  callback();
};
Zlib.prototype._flush = function(callback) {
  const { Buffer } = require('buffer');
  const { kind, settings, chunks } = this[kState];
  const place = { __proto__: null, consumed: this.bytesWritten };
  let bytes;
  try {
    bytes = Buffer.from(run(kind, Buffer.concat(chunks), settings, place));
  } catch (error) {
    callback(error);
    return;
  }
  if (!kind.compress) {
    this.bytesWritten = place.consumed;
  }
  for (let at = 0; at < bytes.length; at += settings.chunkSize) {
    this.push(bytes.subarray(at, at + settings.chunkSize));
  }
  callback();
};
Zlib.prototype._final = function(callback) {
  callback();
};
Zlib.prototype.flush = function(kind, callback) {
  if (typeof kind === 'function') {
    callback = kind;
  }
  if (typeof callback === 'function') {
    this.write('', '', callback);
  }
};
Zlib.prototype.params = function(level, strategy, callback) {
  this[kState].settings.level = bounded(level, 'level', -1, 9, -1);
  bounded(strategy, 'strategy', 0, 4, 0);
  this._level = level;
  this._strategy = strategy;
  if (typeof callback === 'function') {
    require('process').nextTick(callback);
  }
};
Zlib.prototype.reset = function() {
  this[kState].chunks = [];
};
Zlib.prototype.close = function(callback) {
  if (typeof callback === 'function') {
    this.once('close', callback);
  }
  this.destroy();
};
ObjectDefineProperty(Zlib.prototype, '_closed', { __proto__: null, configurable: true, enumerable: true, get() {
  return this.destroyed;
} });

const kinds = {
  __proto__: null,
  Deflate: defineClass('Deflate', 'zlib', true),
  Inflate: defineClass('Inflate', 'zlib', false),
  Gzip: defineClass('Gzip', 'gzip', true),
  Gunzip: defineClass('Gunzip', 'gzip', false),
  DeflateRaw: defineClass('DeflateRaw', 'raw', true),
  InflateRaw: defineClass('InflateRaw', 'raw', false),
  Unzip: defineClass('Unzip', 'either', false),
};
refuseClasses(exports, 'zlib', 'Zlib', ['BrotliCompress', 'BrotliDecompress', 'ZstdCompress', 'ZstdDecompress'], Transform);

exports.crc32 = function crc32(data, value = 0) {
  if (typeof data !== 'string' && !ArrayBufferIsView(data)) {
    throw new ERR_INVALID_ARG_TYPE('data', ['Buffer', 'TypedArray', 'DataView', 'string'], data);
  }
  validateUint32(value, 'value');
  return native.zlib.crc32(bytesOf(data), value);
};

for (const [name, Class] of new SafeArrayIterator([
  ['deflate', 'Deflate'], ['gzip', 'Gzip'], ['deflateRaw', 'DeflateRaw'], ['unzip', 'Unzip'], ['inflate', 'Inflate'],
  ['gunzip', 'Gunzip'], ['inflateRaw', 'InflateRaw'],
])) {
  const kind = kinds[Class];
  exports[name] = { [name](buffer, options, callback) {
    processLater(kind, buffer, options, callback);
  } }[name];
  exports[`${name}Sync`] = { [`${name}Sync`](buffer, options) {
    return processSync(kind, buffer, options);
  } }[`${name}Sync`];
}
refuseFunctions(exports, 'zlib', 'Zlib', [
  'brotliCompress', 'brotliCompressSync', 'brotliDecompress', 'brotliDecompressSync', 'zstdCompress',
  'zstdCompressSync', 'zstdDecompress', 'zstdDecompressSync',
]);
for (const name of new SafeArrayIterator(['Deflate', 'Inflate', 'DeflateRaw', 'InflateRaw', 'Gzip', 'Gunzip', 'Unzip'])) {
  const { Class } = kinds[name];
  exports[`create${name}`] = { [`create${name}`](options) {
    return new Class(options);
  } }[`create${name}`];
}
refuseFunctions(exports, 'zlib', 'Zlib', [
  'createBrotliCompress', 'createBrotliDecompress', 'createZstdCompress', 'createZstdDecompress',
]);
exports.constants = ObjectFreeze(constants);
exports.codes = ObjectFreeze(codes);
