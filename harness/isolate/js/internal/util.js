// Functions that many builtins share: promisify, deprecation, wrapping, encoding names.
'use strict';

const {
  ArrayPrototypeJoin, ArrayPrototypePop, ArrayPrototypePush, NumberIsSafeInteger,
  ObjectDefineProperty, ObjectFreeze, ObjectGetOwnPropertyDescriptor,
  ObjectGetOwnPropertyDescriptors, ObjectGetPrototypeOf, ObjectKeys, ObjectSetPrototypeOf, Promise,
  ReflectApply, ReflectConstruct, ReflectOwnKeys, SafeArrayIterator, SafeSet,
  StringPrototypeToLowerCase, StringPrototypeToUpperCase, StringPrototypeToWellFormed, Symbol,
  SymbolFor, SymbolPrototypeGetDescription,
} = primordials;
const {
  codes: { ERR_UNKNOWN_SIGNAL, ERR_OUT_OF_RANGE },
} = require('internal/errors');

const kCustomPromisify = SymbolFor('nodejs.util.promisify.custom');
const kCustomPromisifyArgs = Symbol('customPromisifyArgs');
const kEmptyObject = ObjectFreeze({ __proto__: null });
const kEnumerableProperty = ObjectFreeze({ __proto__: null, enumerable: true });

function once(callback, { preserveReturnValue = false } = kEmptyObject) {
  let called = false;
  let result;
  return function(...args) {
    if (called) {
      return result;
    }
    called = true;
    const value = ReflectApply(callback, this, args);
    result = preserveReturnValue ? value : undefined;
    return result;
  };
}

function getLazy(initializer) {
  let value;
  let made = false;
  return function() {
    if (!made) {
      value = initializer();
      made = true;
    }
    return value;
  };
}

function emitDeprecation(message, code, target) {
  if (code !== undefined) {
    process().emitWarning(message, 'DeprecationWarning', code, target);
  } else {
    process().emitWarning(message, 'DeprecationWarning', target);
  }
}

// `process` loads many builtins that need this file first.
function process() {
  return require('process');
}

const warnedCodes = new SafeSet();

function getDeprecationWarningEmitter(code, message, target, emit = emitDeprecation) {
  let warned = false;
  return function() {
    if (!warned && !process().noDeprecation) {
      warned = true;
      if (code !== undefined && code !== null) {
        if (warnedCodes.has(code)) {
          return;
        }
        warnedCodes.add(code);
      }
      emit(message, code, target);
    }
  };
}

function deprecate(fn, message, code, { modifyPrototype = true } = kEmptyObject) {
  if (code !== undefined) {
    require('internal/validators').validateString(code, 'code');
  }
  const warn = getDeprecationWarningEmitter(code, message, deprecated);
  function deprecated(...args) {
    warn();
    if (new.target) {
      return ReflectConstruct(fn, args, new.target);
    }
    return ReflectApply(fn, this, args);
  }
  if (modifyPrototype) {
    // A deprecated class goes on being its own `instanceof`.
    ObjectSetPrototypeOf(deprecated, fn);
    if (fn.prototype) {
      deprecated.prototype = fn.prototype;
    }
  }
  ObjectDefineProperty(deprecated, 'length', {
    __proto__: null, ...ObjectGetOwnPropertyDescriptor(fn, 'length'),
  });
  return deprecated;
}

function promisify(original) {
  const { validateFunction } = require('internal/validators');
  validateFunction(original, 'original');
  if (original[kCustomPromisify]) {
    const fn = original[kCustomPromisify];
    validateFunction(fn, 'util.promisify.custom');
    return ObjectDefineProperty(fn, kCustomPromisify, {
      __proto__: null, value: fn, enumerable: false, writable: false, configurable: true,
    });
  }
  const argumentNames = original[kCustomPromisifyArgs];
  function fn(...args) {
    if (isAsyncFunction(original)) {
      process().emitWarning('Calling promisify on a function that returns a Promise is likely a mistake.',
        'DeprecationWarning', 'DEP0174');
    }
    return new Promise((resolve, reject) => {
      ArrayPrototypePush(args, (error, ...values) => {
        if (error) {
          return reject(error);
        }
        if (argumentNames !== undefined && values.length > 1) {
          const object = {};
          for (let i = 0; i < argumentNames.length; i++) {
            object[argumentNames[i]] = values[i];
          }
          return resolve(object);
        }
        return resolve(values[0]);
      });
      ReflectApply(original, this, args);
    });
  }
  ObjectSetPrototypeOf(fn, ObjectGetPrototypeOf(original));
  ObjectDefineProperty(fn, kCustomPromisify, {
    __proto__: null, value: fn, enumerable: false, writable: false, configurable: true,
  });
  const descriptors = ObjectGetOwnPropertyDescriptors(original);
  for (const key of new SafeArrayIterator(ReflectOwnKeys(descriptors))) {
    // A guest may have put accessors on `Object.prototype`.
    ObjectSetPrototypeOf(descriptors[key], null);
    ObjectDefineProperty(fn, key, descriptors[key]);
  }
  return fn;
}
promisify.custom = kCustomPromisify;

function isAsyncFunction(fn) {
  return native.util.isAsyncFunction(fn);
}

const encodings = {
  '__proto__': null,
  'utf8': 'utf8',
  'utf-8': 'utf8',
  'ucs2': 'utf16le',
  'ucs-2': 'utf16le',
  'utf16le': 'utf16le',
  'utf-16le': 'utf16le',
  'latin1': 'latin1',
  'binary': 'latin1',
  'base64': 'base64',
  'base64url': 'base64url',
  'hex': 'hex',
  'ascii': 'ascii',
};

// `undefined` for a name that is no encoding; nothing at all means UTF-8.
function normalizeEncoding(encoding) {
  if (encoding == null || encoding === '') {
    return 'utf8';
  }
  return encodings[StringPrototypeToLowerCase(`${encoding}`)];
}

function defineLazyProperties(target, id, keys, enumerable = true) {
  for (const key of new SafeArrayIterator(keys)) {
    let value;
    let loaded = false;
    ObjectDefineProperty(target, key, {
      __proto__: null,
      enumerable,
      configurable: true,
      get: ObjectDefineProperty(() => {
        if (!loaded) {
          value = require(id)[key];
          loaded = true;
        }
        return value;
      }, 'name', { __proto__: null, value: key }),
      set: ObjectDefineProperty((replacement) => {
        ObjectDefineProperty(target, key, {
          __proto__: null, writable: true, enumerable: true, configurable: true, value: replacement,
        });
      }, 'name', { __proto__: null, value: key }),
    });
  }
}

function defineOperation(target, name, method) {
  ObjectDefineProperty(target, name, {
    __proto__: null, writable: true, enumerable: true, configurable: true, value: method,
  });
}

function assignFunctionName(name, fn, descriptor = kEmptyObject) {
  const text = typeof name === 'symbol' ? `[${SymbolPrototypeGetDescription(name)}]` : name;
  return ObjectDefineProperty(fn, 'name', {
    __proto__: null, writable: false, enumerable: false, configurable: true, ...descriptor, value: text,
  });
}

function convertToValidSignal(signal) {
  const { signals } = require('os').constants;
  if (typeof signal === 'number') {
    for (const name of new SafeArrayIterator(ObjectKeys(signals))) {
      if (signals[name] === signal) {
        return signal;
      }
    }
  }
  if (typeof signal === 'string') {
    const number = signals[StringPrototypeToUpperCase(signal)];
    if (number) {
      return number;
    }
  }
  throw new ERR_UNKNOWN_SIGNAL(signal);
}

// What a shell reports for a process that a signal ended.
function convertProcessSignalToExitCode(signal) {
  require('internal/validators').validateString(signal, 'signalCode');
  const { signals } = require('os').constants;
  require('internal/validators').validateOneOf(signal, 'signalCode', ObjectKeys(signals));
  return 128 + signals[signal];
}

function getSystemErrorName(error) {
  checkErrno(error);
  return require('internal/util/system_errors').getSystemErrorName(error);
}

function getSystemErrorMessage(error) {
  checkErrno(error);
  return require('internal/util/system_errors').getSystemErrorMessage(error);
}

function checkErrno(error) {
  require('internal/validators').validateNumber(error, 'err');
  if (error >= 0 || !NumberIsSafeInteger(error)) {
    throw new ERR_OUT_OF_RANGE('err', 'a negative integer', error);
  }
}

function lazyDOMException(message, name) {
  const { DOMException } = require('internal/dom_exception');
  return new DOMException(message, name);
}

function spliceOne(list, index) {
  for (let i = index; i + 1 < list.length; i++) {
    list[i] = list[i + 1];
  }
  ArrayPrototypePop(list);
}

function join(list, separator) {
  return ArrayPrototypeJoin(list, separator);
}

function isError(value) {
  return require('internal/util/inspect_error').isError(value);
}

function toUSVString(input) {
  return StringPrototypeToWellFormed(`${input}`);
}

module.exports = {
  assignFunctionName,
  convertProcessSignalToExitCode,
  convertToValidSignal,
  customInspectSymbol: SymbolFor('nodejs.util.inspect.custom'),
  customPromisifyArgs: kCustomPromisifyArgs,
  defineLazyProperties,
  defineOperation,
  deprecate,
  emitExperimentalWarning(feature) {
    process().emitWarning(`${feature} is an experimental feature and might change at any time`, 'ExperimentalWarning');
  },
  getDeprecationWarningEmitter,
  getLazy,
  getSystemErrorMap: () => require('internal/util/system_errors').getSystemErrorMap(),
  getSystemErrorMessage,
  getSystemErrorName,
  isError,
  isMacOS: false,
  isWindows: false,
  join,
  kEmptyObject,
  kEnumerableProperty,
  lazyDOMException,
  normalizeEncoding,
  once,
  promisify,
  removeColors: (text) => require('internal/util/inspect_text').removeColors(text),
  spliceOne,
  toUSVString,
};
