// KeyObject: secret keys, which are bytes that nobody sees by accident; key pairs are refused.
'use strict';

const {
  ArrayBufferIsView, MathFloor, ObjectDefineProperty, SafeWeakMap, SymbolToStringTag, TypeError,
  Uint8Array,
} = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE },
} = require('internal/errors');
const {
  validateFunction, validateInteger, validateObject, validateOneOf, validateString,
} = require('internal/validators');
const { toBytes } = require('internal/crypto/hash');
const { later, randomBytes } = require('internal/crypto/random');
const { refused } = require('internal/process/refusals');

// The bytes of each secret key.
const secrets = new SafeWeakMap();

// What makes a key: a guest has none, so it makes none by `new`.
class Handle {}

// Node's own has a base without a name.
const Base = (() => class {})();

class KeyObject extends Base {
  constructor(type, handle) {
    if (type !== 'secret' && type !== 'public' && type !== 'private') {
      throw new ERR_INVALID_ARG_VALUE('type', type);
    }
    if (!(handle instanceof Handle)) {
      throw new ERR_INVALID_ARG_TYPE('handle', 'object', handle);
    }
    super();
    secrets.set(this, handle.bytes);
  }

  get type() {
    bytesOf(this);
    return 'secret';
  }

  static from(key) {
    throw new ERR_INVALID_ARG_TYPE('key', 'CryptoKey', key);
  }

  toCryptoKey(algorithm, extractable, keyUsages) {
    throw refused('crypto.KeyObject.toCryptoKey', 'Crypto');
  }

  equals(otherKeyObject) {
    if (!isKeyObject(otherKeyObject)) {
      throw new ERR_INVALID_ARG_TYPE('otherKeyObject', 'KeyObject', otherKeyObject);
    }
    const left = bytesOf(this);
    const right = bytesOf(otherKeyObject);
    return left.length === right.length && native.crypto.equal(left, right);
  }
}
ObjectDefineProperty(KeyObject.prototype, SymbolToStringTag, {
  __proto__: null, configurable: true, enumerable: false, value: 'KeyObject', writable: false,
});

class SecretKeyObject extends KeyObject {
  constructor(handle) {
    super('secret', handle);
  }

  get symmetricKeySize() {
    return bytesOf(this).length;
  }

  export(options) {
    const bytes = bytesOf(this);
    if (options !== undefined) {
      validateObject(options, 'options');
      validateOneOf(options.format, 'options.format', [undefined, 'buffer', 'jwk']);
      if (options.format === 'jwk') {
        return { kty: 'oct', k: copyOf(bytes).toString('base64url') };
      }
    }
    return copyOf(bytes);
  }
}

function bytesOf(key) {
  const bytes = secrets.get(key);
  if (bytes === undefined) {
    // Thrown by native code in Node: the code is a property and not part of the stack.
    const error = new TypeError('Value of "this" must be of type KeyObject');
    error.code = 'ERR_INVALID_THIS';
    throw error;
  }
  return bytes;
}

function copyOf(bytes) {
  const { Buffer } = require('buffer');
  return Buffer.from(bytes);
}

function isKeyObject(value) {
  return typeof value === 'object' && value !== null && secrets.has(value);
}

function secretKey(bytes) {
  const handle = new Handle();
  handle.bytes = bytes;
  return new SecretKeyObject(handle);
}

function createSecretKey(key, encoding) {
  if (typeof key !== 'string' && !ArrayBufferIsView(key) && !native.buffer.isAnyArrayBuffer(key)) {
    throw new ERR_INVALID_ARG_TYPE('key', ['ArrayBuffer', 'Buffer', 'TypedArray', 'DataView'], key);
  }
  return secretKey(new Uint8Array(toBytes(key, encoding, 'key')));
}

function generation(type, options) {
  validateString(type, 'type');
  validateObject(options, 'options');
  const { length } = options;
  if (type === 'hmac') {
    validateInteger(length, 'options.length', 8, 2 ** 31 - 1);
  } else if (type === 'aes') {
    validateOneOf(length, 'options.length', [128, 192, 256]);
  } else {
    throw new ERR_INVALID_ARG_VALUE('type', type, 'must be a supported key type');
  }
  return () => secretKey(new Uint8Array(randomBytes(MathFloor(length / 8))));
}

function generateKeySync(type, options) {
  return generation(type, options)();
}

function generateKey(type, options, callback) {
  const generate = generation(type, options);
  validateFunction(callback, 'callback');
  later(callback, generate);
}

module.exports = { KeyObject, createSecretKey, generateKey, generateKeySync, isKeyObject, secretOf: (key) => secrets.get(key) };
