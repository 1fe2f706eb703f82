// What readable and writable streams of the Streams Standard share: strategies, callbacks of sources and sinks, promises.
'use strict';

const {
  ArrayPrototypeForEach, NumberIsNaN, ObjectDefineProperties, ObjectDefineProperty, PromisePrototypeThen,
  PromiseReject, PromiseResolve, RangeError, ReflectApply, SymbolToStringTag, TypeError,
} = primordials;

const {
  codes: { ERR_ILLEGAL_CONSTRUCTOR, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_INVALID_STATE, ERR_INVALID_THIS },
} = require('internal/errors');
const { kEnumerableProperty } = require('internal/util');

// Given to constructors that only the standard's own operations may call.
const kOwn = { __proto__: null };

function nothing() {
  // Most often what a promise's settling is to do.
}

// A promise with its two ends. Its rejection is nobody's fault if nobody looks at it.
function deferred() {
  const { promise, resolve, reject } = primordials.PromiseWithResolvers();
  return { __proto__: null, promise, resolve, reject, settled: false };
}

function handled(promise) {
  PromisePrototypeThen(promise, undefined, nothing);
  return promise;
}

function then(promise, fulfilled, rejected) {
  return handled(PromisePrototypeThen(promise, fulfilled, rejected));
}

// Calls a source's or sink's method: always a promise, also of what it threw.
function invoke(fn, self, ...args) {
  if (fn === undefined) {
    return PromiseResolve(undefined);
  }
  try {
    return PromiseResolve(ReflectApply(fn, self, args));
  } catch (error) {
    return PromiseReject(error);
  }
}

function methodOf(object, name) {
  const method = object[name];
  if (method !== undefined && typeof method !== 'function') {
    throw new ERR_INVALID_ARG_TYPE(name, 'Function', method);
  }
  return method;
}

function dictionary(value, name) {
  if (value === undefined || value === null) {
    return { __proto__: null };
  }
  if (typeof value !== 'object' && typeof value !== 'function') {
    throw new ERR_INVALID_ARG_TYPE(name, 'Object', value);
  }
  return value;
}

function highWaterMarkOf(strategy, otherwise) {
  const { highWaterMark } = strategy;
  if (highWaterMark === undefined) {
    return otherwise;
  }
  const mark = +highWaterMark;
  if (NumberIsNaN(mark) || mark < 0) {
    throw new ERR_INVALID_ARG_VALUE.RangeError('strategy.highWaterMark', highWaterMark);
  }
  return mark;
}

function one() {
  return 1;
}

function sizeOf(strategy) {
  return methodOf(strategy, 'size') ?? one;
}

function checkSize(size, chunk) {
  const number = +ReflectApply(size, undefined, [chunk]);
  if (NumberIsNaN(number) || number < 0 || number === Infinity) {
    throw new ERR_INVALID_ARG_VALUE.RangeError('size', number);
  }
  return number;
}

// Makes the named members enumerable and the class known by its name.
function finish(Class, name, members) {
  const properties = { __proto__: null };
  ArrayPrototypeForEach(members, (member) => {
    properties[member] = kEnumerableProperty;
  });
  ObjectDefineProperties(Class.prototype, properties);
  ObjectDefineProperty(Class.prototype, SymbolToStringTag, {
    __proto__: null, configurable: true, enumerable: false, value: name, writable: false,
  });
}

function strategyClass(name, size) {
  const Strategy = { [name]: class {
    #highWaterMark;
    #own = true;

    constructor(init) {
      if (init === null || (typeof init !== 'object' && typeof init !== 'function')) {
        throw new ERR_INVALID_ARG_TYPE('init', 'Object', init);
      }
      if (init.highWaterMark === undefined) {
        throw new TypeError("Failed to construct '" + name + "': Failed to read the 'highWaterMark' property from 'QueuingStrategyInit': Required member is undefined.");
      }
      this.#highWaterMark = +init.highWaterMark;
    }

    get highWaterMark() {
      if (!(#own in this)) {
        throw new ERR_INVALID_THIS(name);
      }
      return this.#highWaterMark;
    }

    get size() {
      if (!(#own in this)) {
        throw new ERR_INVALID_THIS(name);
      }
      return size;
    }
  } }[name];
  finish(Strategy, name, ['highWaterMark', 'size']);
  return Strategy;
}

const ByteLengthQueuingStrategy = strategyClass('ByteLengthQueuingStrategy', { size: (chunk) => chunk.byteLength }.size);
const CountQueuingStrategy = strategyClass('CountQueuingStrategy', { size: () => 1 }.size);

function illegal() {
  throw new ERR_ILLEGAL_CONSTRUCTOR();
}

function wrongState(text) {
  return new ERR_INVALID_STATE.TypeError(text);
}

module.exports = {
  ByteLengthQueuingStrategy, CountQueuingStrategy, ERR_INVALID_THIS, RangeError, checkSize, deferred, dictionary, finish,
  handled, highWaterMarkOf, illegal, invoke, kOwn, methodOf, nothing, sizeOf, then, wrongState,
};
