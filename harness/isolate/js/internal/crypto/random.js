// Random bytes, numbers and identifiers, and what derives keys.
'use strict';

const {
  ArrayBufferIsView,
  MathFloor,
  NumberIsSafeInteger,
  Promise,
  StringPrototypeSlice,
  Uint8Array,
} = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE },
  genericNodeError,
} = require('internal/errors');
const {
  validateBoolean, validateFunction, validateInteger, validateNumber, validateObject, validateString,
} = require('internal/validators');
const { canonical, material, secretOf, toBytes } = require('internal/crypto/hash');
const { lazyDOMException } = require('internal/util');

const { crypto } = native;
const MAX = 2 ** 31 - 1;

function later(callback, make) {
  const frames = require('internal/async_context_frame');
  const captured = frames.current();
  native.loop.defer(() => {
    const before = frames.exchange(captured);
    try {
      let value;
      try {
        value = make();
      } catch (error) {
        callback(error);
        return;
      }
      callback(null, value);
    } finally {
      frames.set(before);
    }
  });
}

function bytesOf(size) {
  const { Buffer } = require('buffer');
  const bytes = Buffer.alloc(size);
  crypto.random(bytes);
  return bytes;
}

function randomBytes(size, callback) {
  validateNumber(size, 'size', 0, MAX);
  if (callback === undefined) {
    return bytesOf(size);
  }
  validateFunction(callback, 'callback');
  later(callback, () => bytesOf(size));
  return undefined;
}

function part(buffer, offset = 0, size = undefined) {
  if (!ArrayBufferIsView(buffer) && !native.buffer.isAnyArrayBuffer(buffer)) {
    throw new ERR_INVALID_ARG_TYPE('buf', ['ArrayBuffer', 'ArrayBufferView'], buffer);
  }
  const view = ArrayBufferIsView(buffer) ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
  const unit = buffer.BYTES_PER_ELEMENT ?? 1;
  validateNumber(offset, 'offset');
  const start = offset * unit;
  if (start > view.length || start < 0) {
    throw new ERR_OUT_OF_RANGE('offset', `>= 0 && <= ${view.length / unit}`, offset);
  }
  if (size === undefined) {
    return view.subarray(start);
  }
  validateNumber(size, 'size');
  if (size < 0 || start + size * unit > view.length) {
    throw new ERR_OUT_OF_RANGE('size + offset', `<= ${view.length}`, size + offset);
  }
  return view.subarray(start, start + size * unit);
}

function randomFillSync(buffer, offset = 0, size = undefined) {
  crypto.random(part(buffer, offset, size));
  return buffer;
}

function randomFill(buffer, offset, size, callback) {
  if (typeof offset === 'function') {
    callback = offset;
    offset = 0;
    size = undefined;
  } else if (typeof size === 'function') {
    callback = size;
    size = undefined;
  }
  validateFunction(callback, 'callback');
  const target = part(buffer, offset, size);
  later(callback, () => {
    crypto.random(target);
    return buffer;
  });
}

// A number below `range` (at most 2^48), each as likely as the other.
function below(range) {
  const limit = 2 ** 48 - (2 ** 48 % range);
  for (;;) {
    const number = bytesOf(6).readUIntBE(0, 6);
    if (number < limit) {
      return number % range;
    }
  }
}

function randomInt(min, max, callback) {
  const minAbsent = max === undefined || typeof max === 'function';
  if (minAbsent) {
    callback = max;
    max = min;
    min = 0;
  }
  if (callback !== undefined) {
    validateFunction(callback, 'callback');
  }
  if (!NumberIsSafeInteger(min)) {
    throw new ERR_INVALID_ARG_TYPE('min', 'a safe integer', min);
  }
  if (!NumberIsSafeInteger(max)) {
    throw new ERR_INVALID_ARG_TYPE('max', 'a safe integer', max);
  }
  if (max <= min) {
    throw new ERR_OUT_OF_RANGE('max', `greater than the value of "min" (${min})`, max);
  }
  const range = max - min;
  if (range > 2 ** 48 - 1) {
    throw new ERR_OUT_OF_RANGE(minAbsent ? 'max' : 'max - min', `<= ${2 ** 48 - 1}`, range);
  }
  if (callback === undefined) {
    return min + below(range);
  }
  require('process').nextTick(callback, undefined, min + below(range));
  return undefined;
}

function dashed(bytes) {
  const hex = bytes.toString('hex');
  return `${StringPrototypeSlice(hex, 0, 8)}-${StringPrototypeSlice(hex, 8, 12)}-${StringPrototypeSlice(hex, 12, 16)}-` +
    `${StringPrototypeSlice(hex, 16, 20)}-${StringPrototypeSlice(hex, 20)}`;
}

function checkUUIDOptions(options) {
  if (options !== undefined) {
    validateObject(options, 'options');
    if (options.disableEntropyCache !== undefined) {
      validateBoolean(options.disableEntropyCache, 'options.disableEntropyCache');
    }
  }
}

function randomUUID(options) {
  checkUUIDOptions(options);
  const bytes = bytesOf(16);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return dashed(bytes);
}

function randomUUIDv7(options) {
  checkUUIDOptions(options);
  const bytes = bytesOf(16);
  bytes.writeUIntBE(primordials.DateNow(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return dashed(bytes);
}

const integerViews = {
  __proto__: null,
  Int8Array: true, Uint8Array: true, Uint8ClampedArray: true, Int16Array: true, Uint16Array: true, Int32Array: true,
  Uint32Array: true, BigInt64Array: true, BigUint64Array: true,
};

function getRandomValues(array) {
  if (!ArrayBufferIsView(array) || integerViews[primordials.TypedArrayPrototypeGetSymbolToStringTag(array)] !== true) {
    throw lazyDOMException('The data argument must be an integer-type TypedArray', 'TypeMismatchError');
  }
  if (array.byteLength > 65536) {
    throw lazyDOMException(
      `The requested length exceeds 65,536 bytes`, 'QuotaExceededError');
  }
  crypto.random(array);
  return array;
}

function timingSafeEqual(buf1, buf2) {
  for (const [name, value] of new primordials.SafeArrayIterator([['buf1', buf1], ['buf2', buf2]])) {
    if (!ArrayBufferIsView(value) && !native.buffer.isAnyArrayBuffer(value)) {
      throw new ERR_INVALID_ARG_TYPE(name, ['ArrayBuffer', 'Buffer', 'TypedArray', 'DataView'], value);
    }
  }
  if (buf1.byteLength !== buf2.byteLength) {
    const error = new primordials.RangeError('Input buffers must have the same byte length');
    error.code = 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH';
    throw error;
  }
  return crypto.equal(buf1, buf2);
}

function derivation(password, salt, iterations, keylen, digest) {
  validateString(digest, 'digest');
  const secret = material(password, 'password');
  const grain = material(salt, 'salt');
  validateInteger(iterations, 'iterations', 1, MAX);
  validateInteger(keylen, 'keylen', 0, MAX);
  const name = canonical(digest);
  if (name === undefined) {
    throw genericNodeError(`Invalid digest: ${digest}`, { code: 'ERR_CRYPTO_INVALID_DIGEST' });
  }
  return () => {
    const { Buffer } = require('buffer');
    const key = Buffer.alloc(keylen);
    crypto.pbkdf2(name, secret, grain, iterations, key);
    return key;
  };
}

function pbkdf2Sync(password, salt, iterations, keylen, digest) {
  return derivation(password, salt, iterations, keylen, digest)();
}

function pbkdf2(password, salt, iterations, keylen, digest, callback) {
  if (typeof digest === 'function') {
    callback = digest;
    digest = undefined;
  }
  const derive = derivation(password, salt, iterations, keylen, digest);
  validateFunction(callback, 'callback');
  later(callback, derive);
}

function extraction(digest, key, salt, info, length) {
  validateString(digest, 'digest');
  const secret = secretOf(key) ?? toBytes(key, 'utf8', 'ikm');
  const grain = toBytes(salt, 'utf8', 'salt');
  const context = toBytes(info, 'utf8', 'info');
  validateInteger(length, 'length', 0, MAX);
  const name = canonical(digest);
  if (name === undefined) {
    throw genericNodeError(`Invalid digest: ${digest}`, { code: 'ERR_CRYPTO_INVALID_DIGEST' });
  }
  const size = crypto.digest(name, []).byteLength;
  if (length > 255 * size) {
    throw genericNodeError('Invalid key length', { code: 'ERR_CRYPTO_INVALID_KEYLEN' });
  }
  // RFC 5869, sections 2.2 and 2.3.
  return () => {
    const extracted = new Uint8Array(crypto.hmac(name, grain.length === 0 ? new Uint8Array(size) : grain, [secret]));
    const output = new Uint8Array(length);
    let block = new Uint8Array(0);
    for (let at = 0, number = 1; at < length; at += size, number++) {
      block = new Uint8Array(crypto.hmac(name, extracted, [block, context, new Uint8Array([number])]));
      output.set(block.subarray(0, MathFloor(primordials.MathMin(size, length - at))), at);
    }
    return output.buffer;
  };
}

function hkdfSync(digest, key, salt, info, length) {
  return extraction(digest, key, salt, info, length)();
}

function hkdf(digest, key, salt, info, length, callback) {
  const extract = extraction(digest, key, salt, info, length);
  validateFunction(callback, 'callback');
  later(callback, extract);
}

// A promise of what `make` gives, in the poll phase.
function promised(make) {
  return new Promise((resolve, reject) => {
    later((error, value) => (error ? reject(error) : resolve(value)), make);
  });
}

module.exports = {
  getRandomValues, hkdf, hkdfSync, later, pbkdf2, pbkdf2Sync, promised, randomBytes, randomFill, randomFillSync, randomInt,
  randomUUID, randomUUIDv7, timingSafeEqual,
};
