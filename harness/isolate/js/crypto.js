// The `crypto` module: the constants and names; every operation is refused.
'use strict';

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
exports.webcrypto = {};
exports.subtle = {};
refuseFunctions(exports.webcrypto, 'crypto.webcrypto', PERMISSION, ['getRandomValues', 'randomUUID']);
refuseFunctions(exports.subtle, 'crypto.subtle', PERMISSION, [
  'encrypt', 'decrypt', 'sign', 'verify', 'digest', 'generateKey', 'deriveKey', 'deriveBits', 'importKey', 'exportKey',
  'wrapKey', 'unwrapKey',
]);
exports.webcrypto.subtle = exports.subtle;
