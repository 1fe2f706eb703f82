// scrypt (RFC 7914) with Node's names of its costs.
'use strict';

const { MathLog2, NumberIsInteger, NumberMAX_SAFE_INTEGER, RangeError } = primordials;

const { codes: { ERR_INCOMPATIBLE_OPTION_PAIR } } = require('internal/errors');
const { validateFunction, validateInteger, validateUint32 } = require('internal/validators');
const { material } = require('internal/crypto/hash');
const { later } = require('internal/crypto/random');

const MAX = 2 ** 31 - 1;
const defaults = { __proto__: null, N: 16384, r: 8, p: 1, maxmem: 32 << 20 };
const pairs = [
  { short: 'N', long: 'cost' }, { short: 'r', long: 'blockSize' }, { short: 'p', long: 'parallelization' },
];

function invalid(detail = '') {
  const error = new RangeError(`Invalid scrypt params${detail}`);
  error.code = 'ERR_CRYPTO_INVALID_SCRYPT_PARAMS';
  return error;
}

const TOO_MUCH = ': error:030000AC:digital envelope routines::memory limit exceeded';

// What the options say; 0 and nothing are the default.
function costsOf(options) {
  const costs = { ...defaults };
  if (options === undefined || options === null) {
    return costs;
  }
  for (let i = 0; i < pairs.length; i++) {
    const { short, long } = pairs[i];
    const brief = options[short];
    if (brief !== undefined) {
      validateUint32(brief, short);
      costs[short] = brief;
    }
    const spelt = options[long];
    if (spelt !== undefined) {
      if (brief !== undefined) {
        throw new ERR_INCOMPATIBLE_OPTION_PAIR(short, long);
      }
      validateUint32(spelt, long);
      costs[short] = spelt;
    }
    costs[short] ||= defaults[short];
  }
  if (options.maxmem !== undefined) {
    validateInteger(options.maxmem, 'maxmem', 0);
    costs.maxmem = options.maxmem || defaults.maxmem;
  }
  return costs;
}

// What OpenSSL refuses, in its order.
function check({ N, r, p, maxmem }) {
  if (N < 2 || !NumberIsInteger(MathLog2(N))) {
    throw invalid();
  }
  const memory = 128 * r * p + 128 * r * (N + 2);
  if (p > (2 ** 30 - 1) / r || (16 * r <= 63 && N >= 2 ** (16 * r)) || memory > maxmem || memory > NumberMAX_SAFE_INTEGER ||
      !native.crypto.affords(memory)) {
    throw invalid(TOO_MUCH);
  }
}

function derivation(password, salt, keylen, options) {
  const secret = material(password, 'password');
  const grain = material(salt, 'salt');
  validateInteger(keylen, 'keylen', 0, MAX);
  const costs = costsOf(options);
  const derive = () => {
    const { Buffer } = require('buffer');
    const key = Buffer.alloc(keylen);
    if (keylen > 0 && !native.crypto.scrypt(secret, grain, MathLog2(costs.N), costs.r, costs.p, key)) {
      throw invalid();
    }
    return key;
  };
  return { costs, derive };
}

function scryptSync(password, salt, keylen, options = defaults) {
  const { costs, derive } = derivation(password, salt, keylen, options);
  check(costs);
  return derive();
}

function scrypt(password, salt, keylen, options, callback = defaults) {
  if (callback === defaults) {
    callback = options;
    options = defaults;
  }
  const { costs, derive } = derivation(password, salt, keylen, options);
  validateFunction(callback, 'callback');
  check(costs);
  later(callback, derive);
}

module.exports = { scrypt, scryptSync };
