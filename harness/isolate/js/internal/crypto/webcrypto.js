// The Web Crypto API as far as it needs no keys: random values and digests; the rest is refused by name.
'use strict';

const { ObjectDefineProperties, ObjectDefineProperty, PromiseReject, SymbolToStringTag, TypeError, Uint8Array } = primordials;

const {
  codes: { ERR_ILLEGAL_CONSTRUCTOR, ERR_INVALID_THIS },
} = require('internal/errors');
const { kEnumerableProperty, lazyDOMException } = require('internal/util');
const { refused } = require('internal/process/refusals');
const random = require('internal/crypto/random');

const kOwn = { __proto__: null };

const digests = { '__proto__': null, 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };

function digestNamed(algorithm) {
  const name = typeof algorithm === 'object' && algorithm !== null ? algorithm.name : algorithm;
  if (name === undefined) {
    throw new TypeError("Failed to normalize algorithm: 'name' is required in 'Algorithm'.");
  }
  const digest = digests[primordials.StringPrototypeToUpperCase(`${name}`)];
  if (digest === undefined) {
    throw lazyDOMException('Unrecognized algorithm name', 'NotSupportedError');
  }
  return digest;
}

class SubtleCrypto {
  #own = true;

  constructor(own) {
    if (own !== kOwn) {
      throw new ERR_ILLEGAL_CONSTRUCTOR();
    }
  }

  async digest(algorithm, data) {
    if (!(#own in this)) {
      throw new ERR_INVALID_THIS('SubtleCrypto');
    }
    const name = digestNamed(algorithm);
    const { toBytes } = require('internal/crypto/hash');
    if (typeof data === 'string') {
      throw new TypeError("Failed to execute 'digest' on 'SubtleCrypto': 2nd argument is not instance of ArrayBuffer, Buffer, TypedArray, or DataView.");
    }
    const bytes = new Uint8Array(toBytes(data));
    return random.promised(() => native.crypto.digest(name, [bytes]));
  }
}

const withKeys = [
  'encrypt', 'decrypt', 'sign', 'verify', 'generateKey', 'deriveBits', 'deriveKey', 'importKey', 'exportKey', 'wrapKey',
  'unwrapKey',
];
primordials.ArrayPrototypeForEach(withKeys, (name) => {
  ObjectDefineProperty(SubtleCrypto.prototype, name, {
    __proto__: null,
    configurable: true,
    enumerable: true,
    value: { [name]() {
      return PromiseReject(refused(`crypto.subtle.${name}`, 'Crypto'));
    } }[name],
    writable: true,
  });
});
ObjectDefineProperties(SubtleCrypto.prototype, {
  [SymbolToStringTag]: { __proto__: null, configurable: true, enumerable: false, value: 'SubtleCrypto', writable: false },
  digest: kEnumerableProperty,
});

class CryptoKey {
  constructor() {
    throw new ERR_ILLEGAL_CONSTRUCTOR();
  }
}
ObjectDefineProperty(CryptoKey.prototype, SymbolToStringTag, {
  __proto__: null, configurable: true, enumerable: false, value: 'CryptoKey', writable: false,
});

class Crypto {
  #subtle;

  constructor(own) {
    if (own !== kOwn) {
      throw new ERR_ILLEGAL_CONSTRUCTOR();
    }
    this.#subtle = new SubtleCrypto(kOwn);
  }

  #check() {
    if (!(#subtle in this)) {
      throw new ERR_INVALID_THIS('Crypto');
    }
  }

  get subtle() {
    this.#check();
    return this.#subtle;
  }

  getRandomValues(array) {
    this.#check();
    return random.getRandomValues(array);
  }

  randomUUID() {
    this.#check();
    return random.randomUUID();
  }
}
ObjectDefineProperties(Crypto.prototype, {
  [SymbolToStringTag]: { __proto__: null, configurable: true, enumerable: false, value: 'Crypto', writable: false },
  subtle: kEnumerableProperty,
  getRandomValues: kEnumerableProperty,
  randomUUID: kEnumerableProperty,
});

module.exports = { Crypto, CryptoKey, SubtleCrypto, crypto: new Crypto(kOwn) };
