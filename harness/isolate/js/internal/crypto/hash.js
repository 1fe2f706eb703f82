// Hash and Hmac: what was written is kept and digested at the end.
'use strict';

const {
  ArrayBufferIsView,
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  ObjectSetPrototypeOf,
  ReflectApply,
  StringPrototypeReplaceAll,
  StringPrototypeToLowerCase,
  Uint8Array,
} = primordials;

const {
  codes: { ERR_CRYPTO_HASH_FINALIZED, ERR_INVALID_ARG_TYPE },
  genericNodeError,
} = require('internal/errors');
const { validateString, validateUint32 } = require('internal/validators');
const Transform = require('internal/streams/transform');

const { crypto } = native;

// Names that OpenSSL takes for the same digest.
const aliases = {
  '__proto__': null,
  'rmd160': 'ripemd160',
  'ripemd': 'ripemd160',
  'ssl3-md5': 'md5',
  'ssl3-sha1': 'sha1',
  'sha-1': 'sha1',
  'sha2-224': 'sha224',
  'sha2-256': 'sha256',
  'sha2-384': 'sha384',
  'sha2-512': 'sha512',
  'sha-224': 'sha224',
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
  'sha512224': 'sha512-224',
  'sha512256': 'sha512-256',
};

function canonical(algorithm) {
  let name = StringPrototypeToLowerCase(StringPrototypeReplaceAll(algorithm, '/', '-'));
  if (name.length > 4 && name[0] === 'r' && name[3] === '-') {
    name = name.slice(4);
  }
  name = aliases[name] ?? name;
  return crypto.digest(name) === true ? name : undefined;
}

function invalidDigest() {
  return genericNodeError('Digest method not supported');
}

function toBytes(data, encoding, name = 'data') {
  const { Buffer } = require('buffer');
  if (typeof data === 'string') {
    return Buffer.from(data, encoding === 'buffer' ? undefined : encoding);
  }
  if (native.buffer.isAnyArrayBuffer(data)) {
    return new Uint8Array(data);
  }
  if (!ArrayBufferIsView(data)) {
    throw new ERR_INVALID_ARG_TYPE(name, ['string', 'Buffer', 'TypedArray', 'DataView'], data);
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

// A password or a salt.
function material(data, name) {
  if (typeof data !== 'string' && !ArrayBufferIsView(data) && !native.buffer.isAnyArrayBuffer(data)) {
    throw new ERR_INVALID_ARG_TYPE(name, ['string', 'ArrayBuffer', 'Buffer', 'TypedArray', 'DataView'], data);
  }
  return toBytes(data, 'utf8', name);
}

// The bytes of a secret key, or nothing; who passes anything else never loads keys.
function secretOf(value) {
  return typeof value === 'object' && value !== null && !ArrayBufferIsView(value) ?
    require('internal/crypto/keys').secretOf(value) : undefined;
}

// A copy: what the caller does to it later must not show.
function copyOf(data, encoding) {
  if (data === undefined || data === null || (typeof data !== 'string' && !ArrayBufferIsView(data))) {
    throw new ERR_INVALID_ARG_TYPE('data', ['string', 'Buffer', 'TypedArray', 'DataView'], data);
  }
  const bytes = toBytes(data, encoding);
  return typeof data === 'string' ? bytes : new Uint8Array(bytes);
}

function encoded(buffer, encoding) {
  const { Buffer } = require('buffer');
  const bytes = Buffer.from(buffer);
  return encoding === undefined || encoding === null || encoding === 'buffer' ? bytes : bytes.toString(encoding);
}

// What both classes share; the state is private to them.
class State {
  constructor(algorithm, key) {
    this.algorithm = algorithm;
    this.key = key;
    this.chunks = [];
    this.finalized = false;
  }

  digest() {
    return this.key === undefined ? crypto.digest(this.algorithm, this.chunks)
      : crypto.hmac(this.algorithm, this.key, this.chunks);
  }
}

const states = new (class extends primordials.SafeWeakMap {})();

function Hash(algorithm, options) {
  if (!new.target) {
    return new Hash(algorithm, options);
  }
  const from = states.get(algorithm);
  if (from === undefined) {
    validateString(algorithm, 'algorithm');
  }
  if (options?.outputLength !== undefined) {
    validateUint32(options.outputLength, 'options.outputLength');
  }
  const name = from === undefined ? canonical(algorithm) : from.algorithm;
  if (name === undefined) {
    throw invalidDigest();
  }
  const state = new State(name, undefined);
  if (from !== undefined) {
    state.chunks = ArrayPrototypeSlice(from.chunks);
  }
  if (options?.outputLength !== undefined && options.outputLength !== crypto.digest(name, []).byteLength) {
    throw genericNodeError('Unsupported state or unable to set output length', { code: 'ERR_OSSL_EVP_NOT_XOF_OR_INVALID_LENGTH' });
  }
  states.set(this, state);
  ReflectApply(Transform, this, [options]);
}
ObjectSetPrototypeOf(Hash.prototype, Transform.prototype);
ObjectSetPrototypeOf(Hash, Transform);

Hash.prototype.copy = function copy(options) {
  if (states.get(this).finalized) {
    throw new ERR_CRYPTO_HASH_FINALIZED();
  }
  return new Hash(this, options);
};

function transform(chunk, encoding, callback) {
  ArrayPrototypePush(states.get(this).chunks, copyOf(chunk, encoding));
  callback();
}

function update(data, encoding) {
  const state = states.get(this);
  if (state.finalized) {
    throw new ERR_CRYPTO_HASH_FINALIZED();
  }
  ArrayPrototypePush(state.chunks, copyOf(data, encoding));
  return this;
}

Hash.prototype._transform = transform;
Hash.prototype._flush = function _flush(callback) {
  this.push(encoded(states.get(this).digest()));
  callback();
};
Hash.prototype.update = update;
Hash.prototype.digest = function digest(outputEncoding) {
  const state = states.get(this);
  if (state.finalized) {
    throw new ERR_CRYPTO_HASH_FINALIZED();
  }
  const bytes = state.digest();
  state.finalized = true;
  return encoded(bytes, outputEncoding === undefined ? undefined : `${outputEncoding}`);
};

function Hmac(algorithm, key, options) {
  if (!new.target) {
    return new Hmac(algorithm, key, options);
  }
  validateString(algorithm, 'hmac');
  key = secretOf(key) ?? key;
  if (key === undefined || key === null || (typeof key !== 'string' && !ArrayBufferIsView(key) &&
      !native.buffer.isAnyArrayBuffer(key))) {
    throw new ERR_INVALID_ARG_TYPE('key', ['string', 'ArrayBuffer', 'Buffer', 'TypedArray', 'DataView', 'KeyObject', 'CryptoKey'], key);
  }
  const name = canonical(algorithm);
  if (name === undefined) {
    throw genericNodeError(`Invalid digest: ${algorithm}`, { code: 'ERR_CRYPTO_INVALID_DIGEST' });
  }
  states.set(this, new State(name, new Uint8Array(toBytes(key, options?.encoding, 'key'))));
  ReflectApply(Transform, this, [options]);
}
ObjectSetPrototypeOf(Hmac.prototype, Transform.prototype);
ObjectSetPrototypeOf(Hmac, Transform);

Hmac.prototype.update = update;
// Unlike a hash, it gives nothing the second time.
Hmac.prototype.digest = function digest(outputEncoding) {
  const { Buffer } = require('buffer');
  const state = states.get(this);
  if (state.finalized) {
    return outputEncoding === undefined || outputEncoding === 'buffer' ? Buffer.from('') : '';
  }
  const bytes = state.digest();
  state.finalized = true;
  return encoded(bytes, outputEncoding === undefined ? undefined : `${outputEncoding}`);
};
Hmac.prototype._flush = Hash.prototype._flush;
Hmac.prototype._transform = transform;

function createHash(algorithm, options) {
  return new Hash(algorithm, options);
}

function createHmac(hmac, key, options) {
  return new Hmac(hmac, key, options);
}

function hash(algorithm, input, options = 'hex') {
  validateString(algorithm, 'algorithm');
  const name = canonical(algorithm);
  if (name === undefined) {
    throw invalidDigest();
  }
  const encoding = typeof options === 'string' ? options : options?.outputEncoding ?? 'hex';
  return encoded(crypto.digest(name, [copyOf(input)]), encoding);
}

// In OpenSSL's order and spelling, as far as they are here.
function getHashes() {
  return [
    'RSA-MD5', 'RSA-RIPEMD160', 'RSA-SHA1', 'RSA-SHA1-2', 'RSA-SHA224', 'RSA-SHA256', 'RSA-SHA384', 'RSA-SHA512',
    'RSA-SHA512/224', 'RSA-SHA512/256', 'md5', 'md5WithRSAEncryption', 'ripemd', 'ripemd160', 'ripemd160WithRSA',
    'rmd160', 'sha1', 'sha1WithRSAEncryption', 'sha224', 'sha224WithRSAEncryption', 'sha256', 'sha256WithRSAEncryption',
    'sha384', 'sha384WithRSAEncryption', 'sha512', 'sha512-224', 'sha512-224WithRSAEncryption', 'sha512-256',
    'sha512-256WithRSAEncryption', 'sha512WithRSAEncryption', 'ssl3-md5', 'ssl3-sha1',
  ];
}

module.exports = { Hash, Hmac, canonical, createHash, createHmac, encoded, getHashes, hash, material, secretOf, toBytes };
