// Gives `node:util`.
'use strict';

const {
  Array, ArrayIsArray, ArrayPrototypeMap, ArrayPrototypePop, ArrayPrototypeReverse,
  ArrayPrototypeSlice, ErrorCaptureStackTrace, FunctionPrototypeBind, Object, ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptors, ObjectKeys, ObjectSetPrototypeOf, PromisePrototypeThen,
  ReflectApply, ReflectOwnKeys, SafeArrayIterator, StringPrototypeSplit,
} = primordials;
const {
  ErrnoException, ExceptionWithHostPort,
  codes: { ERR_FALSY_VALUE_REJECTION, ERR_INVALID_ARG_TYPE },
} = require('internal/errors');
const { MIMEParams, MIMEType } = require('internal/util/mime');
const { TextDecoder, TextEncoder } = require('internal/encoding');
const {
  convertProcessSignalToExitCode, deprecate, getSystemErrorMap, getSystemErrorMessage,
  getSystemErrorName, promisify, toUSVString,
} = require('internal/util');
const { debuglog } = require('internal/util/debuglog');
const { format, formatWithOptions, inspect, stripVTControlCharacters } = require('internal/util/inspect');
const { parseArgs } = require('internal/util/parse_args');
const { styleText } = require('internal/util/style_text');
const types = require('internal/util/types');
const {
  validateBoolean, validateFunction, validateNumber, validateString, validateStringArray,
} = require('internal/validators');

function _extend(target, source) {
  if (source === null || typeof source !== 'object') {
    return target;
  }
  const keys = ObjectKeys(source);
  for (let i = keys.length - 1; i >= 0; i--) {
    target[keys[i]] = source[keys[i]];
  }
  return target;
}

const callbackifyOnRejected = (reason, callback) => {
  let error = reason;
  // A falsy reason would look like success to the callback.
  if (!error) {
    error = new ERR_FALSY_VALUE_REJECTION(error);
    ErrorCaptureStackTrace(error, callbackifyOnRejected);
  }
  return callback(error);
};

function callbackify(original) {
  validateFunction(original, 'original');
  function callbackified(...args) {
    const callback = ArrayPrototypePop(args);
    validateFunction(callback, 'last argument');
    const bound = FunctionPrototypeBind(callback, this);
    const { nextTick } = require('process');
    PromisePrototypeThen(ReflectApply(original, this, args),
      (result) => nextTick(bound, null, result),
      (error) => nextTick(callbackifyOnRejected, error, bound));
  }
  const descriptors = ObjectGetOwnPropertyDescriptors(original);
  if (typeof descriptors.length.value === 'number') {
    descriptors.length.value++;
  }
  if (typeof descriptors.name.value === 'string') {
    descriptors.name.value += 'Callbackified';
  }
  for (const key of new SafeArrayIterator(ReflectOwnKeys(descriptors))) {
    ObjectSetPrototypeOf(descriptors[key], null);
    ObjectDefineProperty(callbackified, key, descriptors[key]);
  }
  return callbackified;
}

function inherits(constructor, superConstructor) {
  if (constructor === undefined || constructor === null) {
    throw new ERR_INVALID_ARG_TYPE('ctor', 'Function', constructor);
  }
  if (superConstructor === undefined || superConstructor === null) {
    throw new ERR_INVALID_ARG_TYPE('superCtor', 'Function', superConstructor);
  }
  if (superConstructor.prototype === undefined) {
    throw new ERR_INVALID_ARG_TYPE('superCtor.prototype', 'Object', superConstructor.prototype);
  }
  ObjectDefineProperty(constructor, 'super_', {
    __proto__: null, value: superConstructor, writable: true, configurable: true,
  });
  ObjectSetPrototypeOf(constructor.prototype, superConstructor.prototype);
}

function isDeepStrictEqual(a, b, skipPrototype) {
  const { isDeepStrictEqual: compare } = require('internal/util/comparisons');
  return compare(a, b, skipPrototype);
}

function getCallSites(frameCount = 8, options) {
  let count = frameCount;
  if (options === undefined && typeof frameCount === 'object') {
    options = frameCount;
    count = 8;
  }
  if (options !== undefined) {
    require('internal/validators').validateObject(options, 'options');
    if (options.sourceMap !== undefined) {
      validateBoolean(options.sourceMap, 'options.sourceMap');
    }
  }
  validateNumber(count, 'frameCount', 1, 200);
  const sites = ArrayPrototypeSlice(native.util.getCallSites(count + 1), 1);
  return ArrayPrototypeMap(sites, (site) => ({
    functionName: site[0], scriptId: site[1], scriptName: site[2], lineNumber: site[3], columnNumber: site[4],
    column: site[4],
  }));
}

function parseEnv(content) {
  validateString(content, 'content');
  return require('internal/util/parse_env').parseEnv(content);
}

function diff(actual, expected) {
  if (actual === expected) {
    return [];
  }
  const lists = ArrayPrototypeMap([['actual', actual], ['expected', expected]], (pair) => {
    if (ArrayIsArray(pair[1])) {
      validateStringArray(pair[1], pair[0]);
      return pair[1];
    }
    validateString(pair[1], pair[0]);
    return StringPrototypeSplit(pair[1], '');
  });
  return ArrayPrototypeReverse(require('internal/util/diff').myersDiff(lists[0], lists[1]));
}

function setTraceSigInt(enable) {
  validateBoolean(enable, 'enable');
}

module.exports = {
  _errnoException: ErrnoException,
  _exceptionWithHostPort: ExceptionWithHostPort,
  _extend: deprecate(_extend, 'The `util._extend` API is deprecated. Please use Object.assign() instead.', 'DEP0060'),
  callbackify,
  convertProcessSignalToExitCode,
  debug: debuglog,
  debuglog,
  deprecate,
  format,
  styleText,
  formatWithOptions,
  getCallSites,
  getSystemErrorMap,
  getSystemErrorName,
  getSystemErrorMessage,
  inherits,
  inspect,
  isArray: deprecate(ArrayIsArray, 'The `util.isArray` API is deprecated. Please use `Array.isArray()` instead.', 'DEP0044'),
  isDeepStrictEqual,
  promisify,
  stripVTControlCharacters,
  toUSVString,
  get transferableAbortSignal() {
    return refuseTransfer('transferableAbortSignal');
  },
  get transferableAbortController() {
    return refuseTransfer('transferableAbortController');
  },
  get aborted() {
    return require('internal/abort_controller').aborted;
  },
  types,
  parseEnv,
  parseArgs,
  TextDecoder,
  TextEncoder,
  MIMEType,
  MIMEParams,
  diff,
  setTraceSigInt,
};

// Signals are only transferred to workers, and this runtime starts none.
function refuseTransfer(name) {
  const refusal = { [name]() {
    const {
      codes: { ERR_ACCESS_DENIED },
    } = require('internal/errors');
    throw new ERR_ACCESS_DENIED(`Access to this API has been restricted: util.${name}`, 'util', name);
  } };
  return refusal[name];
}
