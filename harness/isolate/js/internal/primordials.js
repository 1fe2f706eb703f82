// Captures the language's intrinsics, under Node's names for them, before any guest code can patch them.
'use strict';

const { bind, call, apply } = Function.prototype;
const {
  ownKeys, getOwnPropertyDescriptor, defineProperty, getPrototypeOf, setPrototypeOf,
} = Reflect;

// `fn.call` and `fn.bind` are looked up on a prototype that a guest may patch; these two are bound to the originals once.
const uncurryThis = bind.bind(call);
const applyBind = bind.bind(apply);

const captured = { __proto__: null, uncurryThis, applyBind };

// The words of all builtins: what none of them names is not captured, since every context would pay for it.
let words = new Set(native.modules.builtinWords());

// These take any number of arguments, so that a list is best given as an array: `ArrayPrototypePushApply(target, list)`.
const variadic = {
  __proto__: null,
  ArrayOf: true,
  ArrayPrototypePush: true,
  ArrayPrototypeUnshift: true,
  MathHypot: true,
  MathMax: true,
  MathMin: true,
  StringFromCharCode: true,
  StringFromCodePoint: true,
  StringPrototypeConcat: true,
  TypedArrayOf: true,
};

function capital(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}`;
}

function nameOf(key) {
  return typeof key === 'symbol' ? `Symbol${capital(key.description.slice(7))}` : capital(key);
}

function captureVariadic(name, fn, receiver) {
  if (variadic[name] && words.has(`${name}Apply`)) {
    captured[`${name}Apply`] = applyBind(fn, receiver);
  }
}

function captureAccessors(prefix, suffix, descriptor) {
  if (words.has(`${prefix}Get${suffix}`)) {
    captured[`${prefix}Get${suffix}`] = uncurryThis(descriptor.get);
  }
  if (descriptor.set !== undefined && words.has(`${prefix}Set${suffix}`)) {
    captured[`${prefix}Set${suffix}`] = uncurryThis(descriptor.set);
  }
}

function captureStatics(source, prefix, bound) {
  for (const key of ownKeys(source)) {
    const suffix = nameOf(key);
    const name = `${prefix}${suffix}`;
    const descriptor = getOwnPropertyDescriptor(source, key);
    if (descriptor.get !== undefined) {
      captureAccessors(prefix, suffix, descriptor);
    } else if (!words.has(name) && !words.has(`${name}Apply`)) {
      continue;
    } else if (typeof descriptor.value === 'function' && bound) {
      captured[name] = bind.call(descriptor.value, source);
      captureVariadic(name, descriptor.value, source);
    } else {
      captured[name] = descriptor.value;
      if (typeof descriptor.value === 'function') {
        captureVariadic(name, descriptor.value, source);
      }
    }
  }
}

function capturePrototype(source, prefix) {
  for (const key of ownKeys(source)) {
    const suffix = nameOf(key);
    const name = `${prefix}${suffix}`;
    const descriptor = getOwnPropertyDescriptor(source, key);
    if (descriptor.get !== undefined) {
      captureAccessors(prefix, suffix, descriptor);
    } else if (!words.has(name) && !words.has(`${name}Apply`)) {
      continue;
    } else if (typeof descriptor.value === 'function') {
      captured[name] = uncurryThis(descriptor.value);
      if (variadic[name]) {
        captured[`${name}Apply`] = applyBind(descriptor.value);
      }
    } else {
      captured[name] = descriptor.value;
    }
  }
}

for (const name of [
  'decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'escape', 'unescape',
]) {
  captured[name] = globalThis[name];
}
captured.globalThis = globalThis;
// The language's own classes: taken here, before the runtime adds its globals. Asked without a regular expression: the guest
// would find its last match in `RegExp.lastMatch`.
captured.builtInNames = Object.getOwnPropertyNames(globalThis).filter((name) => name[0] >= 'A' && name[0] <= 'Z' && name.length > 1);
captured.Proxy = Proxy;

for (const name of ['Atomics', 'JSON', 'Math', 'Reflect']) {
  // `Atomics` may be switched off by the embedder.
  if (globalThis[name] !== undefined) {
    captureStatics(globalThis[name], name, true);
  }
}
captureStatics(Proxy, 'Proxy', false);

for (const name of [
  'AggregateError', 'Array', 'ArrayBuffer', 'BigInt', 'BigInt64Array', 'BigUint64Array', 'Boolean',
  'DataView', 'Date', 'Error', 'EvalError', 'FinalizationRegistry', 'Float32Array', 'Float64Array',
  'Function', 'Int16Array', 'Int32Array', 'Int8Array', 'Iterator', 'Map', 'Number', 'Object',
  'RangeError', 'ReferenceError', 'RegExp', 'Set', 'SharedArrayBuffer', 'String', 'Symbol',
  'SyntaxError', 'TypeError', 'URIError', 'Uint16Array', 'Uint32Array', 'Uint8Array',
  'Uint8ClampedArray', 'WeakMap', 'WeakRef', 'WeakSet',
]) {
  const original = globalThis[name];
  if (original !== undefined) {
    captured[name] = original;
    captureStatics(original, name, false);
    capturePrototype(original.prototype, `${name}Prototype`);
  }
}

// `Promise`'s static functions read their receiver as the constructor.
captured.Promise = Promise;
captureStatics(Promise, 'Promise', true);
capturePrototype(Promise.prototype, 'PromisePrototype');

const TypedArray = getPrototypeOf(Uint8Array);
captured.TypedArray = TypedArray;
captureStatics(TypedArray, 'TypedArray', false);
capturePrototype(TypedArray.prototype, 'TypedArrayPrototype');

const ArrayIteratorPrototype = getPrototypeOf([][Symbol.iterator]());
const StringIteratorPrototype = getPrototypeOf(''[Symbol.iterator]());
const MapIteratorPrototype = getPrototypeOf(new Map()[Symbol.iterator]());
const SetIteratorPrototype = getPrototypeOf(new Set()[Symbol.iterator]());
const RegExpStringIteratorPrototype = getPrototypeOf(''.matchAll(/a/g));
const AsyncIteratorPrototype = getPrototypeOf(getPrototypeOf((async function* () {}).prototype));
for (const [name, prototype] of [
  ['ArrayIteratorPrototype', ArrayIteratorPrototype],
  ['StringIteratorPrototype', StringIteratorPrototype],
  ['MapIteratorPrototype', MapIteratorPrototype],
  ['SetIteratorPrototype', SetIteratorPrototype],
  ['RegExpStringIteratorPrototype', RegExpStringIteratorPrototype],
]) {
  capturePrototype(prototype, name);
}
// These two are objects that our own classes inherit from, unlike the rest, which are looked into.
captured.AsyncIteratorPrototype = AsyncIteratorPrototype;
captured.AsyncFunctionPrototype = getPrototypeOf(async function () {});
captured.GeneratorFunctionPrototype = getPrototypeOf(function* () {});
captured.AsyncGeneratorFunctionPrototype = getPrototypeOf(async function* () {});

const {
  ArrayIteratorPrototypeNext, StringIteratorPrototypeNext, ArrayPrototypeMap,
  ArrayPrototypeSymbolIterator, StringPrototypeSymbolIterator,
  PromisePrototypeThen, ObjectFreeze, ObjectSetPrototypeOf,
} = captured;

// An iterator class over a source whose own iteration protocol was captured: `for (const x of new SafeArrayIterator(list))`.
function safeIterator(factory, next) {
  class SafeIterator {
    constructor(iterable) {
      this._iterator = factory(iterable);
    }

    next() {
      return next(this._iterator);
    }

    [Symbol.iterator]() {
      return this;
    }
  }
  ObjectSetPrototypeOf(SafeIterator.prototype, null);
  ObjectFreeze(SafeIterator.prototype);
  ObjectFreeze(SafeIterator);
  return SafeIterator;
}

const SafeArrayIterator = safeIterator(ArrayPrototypeSymbolIterator, ArrayIteratorPrototypeNext);
const SafeStringIterator = safeIterator(StringPrototypeSymbolIterator, StringIteratorPrototypeNext);

function copyMissing(source, target) {
  for (const key of ownKeys(source)) {
    if (getOwnPropertyDescriptor(target, key) === undefined) {
      defineProperty(target, key, { __proto__: null, ...getOwnPropertyDescriptor(source, key) });
    }
  }
}

// Copies a collection's methods onto the subclass, so that patches of the original do not reach it.
function makeSafe(unsafe, safe) {
  if (Symbol.iterator in unsafe.prototype) {
    const sample = new unsafe();
    const next = uncurryThis(sample[Symbol.iterator]().next);
    for (const key of ownKeys(unsafe.prototype)) {
      if (getOwnPropertyDescriptor(safe.prototype, key) !== undefined) {
        continue;
      }
      const descriptor = getOwnPropertyDescriptor(unsafe.prototype, key);
      const iterates = typeof descriptor.value === 'function' && descriptor.value.length === 0 &&
        Symbol.iterator in (call.call(descriptor.value, sample) ?? {});
      if (iterates) {
        const Iterator = safeIterator(uncurryThis(descriptor.value), next);
        descriptor.value = function () {
          return new Iterator(this);
        };
      }
      defineProperty(safe.prototype, key, { __proto__: null, ...descriptor });
    }
  } else {
    copyMissing(unsafe.prototype, safe.prototype);
  }
  copyMissing(unsafe, safe);
  setPrototypeOf(safe.prototype, null);
  ObjectFreeze(safe.prototype);
  ObjectFreeze(safe);
  return safe;
}

captured.SafePromiseAny = (promises, mapper) => captured.PromiseAny(
  new SafeArrayIterator(mapper ? ArrayPrototypeMap(promises, mapper) : promises));
captured.makeSafe = makeSafe;
captured.SafeArrayIterator = SafeArrayIterator;
captured.SafeStringIterator = SafeStringIterator;
/* eslint-disable no-useless-constructor -- an explicit constructor does not go through `Array.prototype[Symbol.iterator]` as the implied one may */
captured.SafeMap = makeSafe(Map, class SafeMap extends Map {
  constructor(i) { super(i); }
});
captured.SafeSet = makeSafe(Set, class SafeSet extends Set {
  constructor(i) { super(i); }
});
captured.SafeWeakMap = makeSafe(WeakMap, class SafeWeakMap extends WeakMap {
  constructor(i) { super(i); }
});
captured.SafeWeakSet = makeSafe(WeakSet, class SafeWeakSet extends WeakSet {
  constructor(i) { super(i); }
});
captured.SafeWeakRef = makeSafe(WeakRef, class SafeWeakRef extends WeakRef {
  constructor(target) { super(target); }
});
captured.SafeFinalizationRegistry = makeSafe(FinalizationRegistry,
  class SafeFinalizationRegistry extends FinalizationRegistry {
    constructor(callback) { super(callback); }
  });

// The subclass never leaves this file: `then` on it neither reads `constructor[Symbol.species]` of the guest's `Promise` nor a patched `then`.
const SafePromise = makeSafe(Promise, class SafePromise extends Promise {
  constructor(executor) { super(executor); }
});

captured.SafePromisePrototypeFinally = (promise, onFinally) => new Promise((resolve, reject) => {
  const wrapped = new SafePromise((resolveInner, rejectInner) => {
    PromisePrototypeThen(promise, resolveInner, rejectInner);
  });
  PromisePrototypeThen(wrapped.finally(onFinally), resolve, reject);
});

const asNative = (value) => captured.PromiseResolve(value);

captured.SafePromiseAll = (promises, mapper) => new Promise((resolve, reject) => {
  const { length } = promises;
  const results = captured.Array(length);
  let pending = length;
  if (length === 0) {
    resolve(results);
    return;
  }
  for (let i = 0; i < length; i++) {
    const index = i;
    PromisePrototypeThen(asNative(mapper ? mapper(promises[i], i) : promises[i]), (value) => {
      defineProperty(results, index, {
        __proto__: null, value, writable: true, enumerable: true, configurable: true,
      });
      if (--pending === 0) {
        resolve(results);
      }
    }, reject);
  }
});
captured.SafePromiseAllReturnArrayLike = captured.SafePromiseAll;

captured.SafePromiseAllReturnVoid = (promises, mapper) => new Promise((resolve, reject) => {
  let pending = promises.length;
  if (pending === 0) {
    resolve();
    return;
  }
  const settle = () => {
    if (--pending === 0) {
      resolve();
    }
  };
  for (let i = 0; i < promises.length; i++) {
    PromisePrototypeThen(asNative(mapper ? mapper(promises[i], i) : promises[i]), settle, reject);
  }
});

captured.SafePromiseAllSettled = (promises, mapper) => captured.SafePromiseAll(promises, (item, i) =>
  PromisePrototypeThen(asNative(mapper ? mapper(item, i) : item),
    (value) => ({ status: 'fulfilled', value }),
    (reason) => ({ status: 'rejected', reason })));

captured.SafePromiseAllSettledReturnVoid = (promises, mapper) => new Promise((resolve) => {
  let pending = promises.length;
  if (pending === 0) {
    resolve();
    return;
  }
  const settle = () => {
    if (--pending === 0) {
      resolve();
    }
  };
  for (let i = 0; i < promises.length; i++) {
    PromisePrototypeThen(asNative(mapper ? mapper(promises[i], i) : promises[i]), settle, settle);
  }
});

captured.SafePromiseRace = (promises, mapper) => new Promise((resolve, reject) => {
  for (let i = 0; i < promises.length; i++) {
    PromisePrototypeThen(asNative(mapper ? mapper(promises[i], i) : promises[i]), resolve, reject);
  }
});
// A regular expression whose methods no longer look at `RegExp.prototype`.
const exotic = new captured.Set(ownKeys(RegExp.prototype).filter((key) => {
  const descriptor = getOwnPropertyDescriptor(RegExp.prototype, key);
  return key !== 'constructor' && (descriptor.get !== undefined || key === 'exec' || typeof key === 'symbol');
}));
captured.hardenRegExp = function hardenRegExp(pattern) {
  for (const key of ownKeys(RegExp.prototype)) {
    if (exotic.has(key) && getOwnPropertyDescriptor(pattern, key) === undefined) {
      const { get, value } = getOwnPropertyDescriptor(RegExp.prototype, key);
      defineProperty(pattern, key, {
        __proto__: null,
        value: get === undefined ? value : call.call(get, pattern),
        writable: false,
        enumerable: false,
        configurable: true,
      });
    }
  }
  defineProperty(pattern, 'constructor', {
    __proto__: null, value: { [Symbol.species]: RegExp }, configurable: true,
  });
  return pattern;
};

captured.SafeStringPrototypeSearch = (text, pattern) => {
  pattern.lastIndex = 0;
  const match = captured.RegExpPrototypeExec(pattern, text);
  return match === null ? -1 : match.index;
};

words = undefined;
setPrototypeOf(captured, null);
module.exports = ObjectFreeze(captured);
