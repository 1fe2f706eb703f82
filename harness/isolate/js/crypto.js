// The `crypto` module: digests, keyed digests, random values, secret and derived keys; what needs key pairs or ciphers is refused.
'use strict';

const { ObjectDefineProperties, ObjectKeys, ObjectPrototypeHasOwnProperty, SafeArrayIterator } = primordials;

const { refuseClasses, refuseFunctions } = require('internal/refuse');
const Transform = require('internal/streams/transform');
const Writable = require('internal/streams/writable');

const NAME = 'crypto';
const PERMISSION = 'Crypto';

refuseFunctions(exports, NAME, PERMISSION, [
  'argon2', 'argon2Sync', 'checkPrime', 'checkPrimeSync', 'createCipheriv', 'createDecipheriv',
  'createDiffieHellman', 'createDiffieHellmanGroup', 'createECDH', 'createHash', 'createHmac', 'createPrivateKey',
  'createPublicKey', 'createSecretKey', 'createSign', 'createVerify', 'diffieHellman', 'generatePrime',
  'generatePrimeSync', 'getCiphers', 'getCipherInfo', 'getCurves', 'getDiffieHellman', 'getHashes', 'hkdf',
  'hkdfSync', 'pbkdf2', 'pbkdf2Sync', 'generateKeyPair', 'generateKeyPairSync', 'generateKey', 'generateKeySync',
  'privateDecrypt', 'privateEncrypt', 'publicDecrypt', 'publicEncrypt', 'randomBytes', 'randomFill',
  'randomFillSync', 'randomInt', 'randomUUID', 'randomUUIDv7', 'scrypt', 'scryptSync', 'sign', 'setEngine',
  'timingSafeEqual', 'getFips', 'setFips', 'verify', 'hash', 'encapsulate', 'decapsulate', 'secureHeapUsed',
  'getRandomValues',
]);
refuseClasses(exports, NAME, PERMISSION, [
  'Certificate', 'DiffieHellman', 'DiffieHellmanGroup', 'ECDH', 'KeyObject', 'X509Certificate',
]);
refuseClasses(exports, NAME, PERMISSION, ['Cipheriv', 'Decipheriv', 'Hash', 'Hmac'], Transform);
refuseClasses(exports, NAME, PERMISSION, ['Sign', 'Verify'], Writable);
exports.constants = require('internal/refuse/crypto_constants');

// In the places that their names have above.
for (const own of new SafeArrayIterator([
  require('internal/crypto/hash'), require('internal/crypto/random'), require('internal/crypto/keys'), require('internal/crypto/scrypt'),
])) {
  for (const name of new SafeArrayIterator(ObjectKeys(own))) {
    if (ObjectPrototypeHasOwnProperty(exports, name)) {
      exports[name] = own[name];
    }
  }
}

function webcrypto() {
  return require('internal/crypto/webcrypto').crypto;
}
const lazily = { __proto__: null, configurable: false, enumerable: true };
ObjectDefineProperties(exports, {
  webcrypto: { __proto__: null, ...lazily, get: webcrypto },
  subtle: { __proto__: null, ...lazily, get() {
    return webcrypto().subtle;
  } },
});
