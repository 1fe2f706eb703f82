// Gives `AbortController` and `AbortSignal`: abort, timeout, any.
'use strict';

const {
  ArrayPrototypePush, FunctionPrototypeCall, ObjectDefineProperties, ObjectDefineProperty, Promise,
  PromiseResolve, SafeArrayIterator, SafeSet, SafeWeakRef, Symbol, SymbolFor, SymbolIterator,
  SymbolToStringTag, TypeError,
} = primordials;
const {
  codes: { ERR_ILLEGAL_CONSTRUCTOR, ERR_INVALID_THIS },
} = require('internal/errors');
const {
  Event, EventTarget, defineEventHandler, inspectFields, kNewListener, kRemoveListener, kResistStopPropagation,
  kTrustEvent, kWeakHandler,
} = require('internal/event_target');
const { kEnumerableProperty, lazyDOMException } = require('internal/util');
const { validateObject, validateUint32 } = require('internal/validators');

const kAborted = Symbol('kAborted');
const kReason = Symbol('kReason');
const kTimeout = Symbol('kTimeout');
const kComposite = Symbol('kComposite');
const kSources = Symbol('kSources');
const kDependents = Symbol('kDependents');
const kDontThrow = Symbol('kDontThrowSymbol');
const kCustomInspect = SymbolFor('nodejs.util.inspect.custom');

// A timed or composite signal lives as long as somebody listens to it.
const observed = new SafeSet();

// The timer must not keep its signal alive: it holds it weakly.
function abortAfter(reference, delay) {
  const timer = require('timers').setTimeout(() => {
    const signal = reference.deref();
    if (signal !== undefined) {
      observed.delete(signal);
      abortSignal(signal, lazyDOMException('The operation was aborted due to timeout', 'TimeoutError'));
    }
  }, delay);
  timer.unref();
  return timer;
}

class AbortSignal extends EventTarget {
  constructor(token = undefined, state = undefined) {
    if (token !== kDontThrow) {
      throw new ERR_ILLEGAL_CONSTRUCTOR();
    }
    super();
    this[kAborted] = state?.aborted ?? false;
    this[kReason] = state?.reason;
    this[kComposite] = state?.composite ?? false;
    // What only `inspect` would see is hidden.
    for (const key of new SafeArrayIterator([kAborted, kReason, kComposite])) {
      ObjectDefineProperty(this, key, { __proto__: null, enumerable: false });
    }
  }

  get aborted() {
    checkSignal(this);
    return !!this[kAborted];
  }

  get reason() {
    checkSignal(this);
    return this[kReason];
  }

  throwIfAborted() {
    checkSignal(this);
    if (this[kAborted]) {
      throw this[kReason];
    }
  }

  [kCustomInspect](depth, options) {
    return inspectFields('AbortSignal', { aborted: this.aborted }, depth, options);
  }

  static abort(reason = lazyDOMException('This operation was aborted', 'AbortError')) {
    return new AbortSignal(kDontThrow, { aborted: true, reason });
  }

  static timeout(delay) {
    validateUint32(delay, 'delay', false);
    const signal = new AbortSignal(kDontThrow);
    define(signal, kTimeout, true);
    abortAfter(new SafeWeakRef(signal), delay);
    return signal;
  }

  static any(signals) {
    const list = sequence(signals);
    for (let i = 0; i < list.length; i++) {
      if (!isSignal(list[i])) {
        throw webIdlError(`signals[${i}] is not of type AbortSignal.`);
      }
    }
    const result = new AbortSignal(kDontThrow, { composite: true });
    for (const signal of new SafeArrayIterator(list)) {
      if (signal.aborted) {
        abortSignal(result, signal.reason);
        return result;
      }
    }
    define(result, kSources, new SafeSet());
    for (const signal of new SafeArrayIterator(list)) {
      if (signal[kComposite]) {
        for (const source of new SafeArrayIterator(asArray(signal[kSources]))) {
          follow(result, source);
        }
      } else {
        follow(result, signal);
      }
    }
    return result;
  }

  [kNewListener](size, type, listener, once, capture, passive, weak) {
    super[kNewListener](size, type, listener, once, capture, passive, weak);
    if (this[kComposite] && type === 'abort' && size === 1 && !this.aborted) {
      // Composites hear of an abort in the order in which they were first listened to.
      for (const source of new SafeArrayIterator(asArray(this[kSources]))) {
        source[kDependents].delete(this);
        source[kDependents].add(this);
      }
    }
    const waits = this[kTimeout] || (this[kComposite] && this[kSources]?.size > 0);
    if (waits && type === 'abort' && !this.aborted && !weak && size === 1) {
      observed.add(this);
    }
  }

  [kRemoveListener](size, type, listener, capture) {
    super[kRemoveListener](size, type, listener, capture);
    if (type === 'abort' && size === 0) {
      observed.delete(this);
    }
  }
}

function define(target, key, value) {
  ObjectDefineProperty(target, key, {
    __proto__: null, value, writable: true, enumerable: false, configurable: true,
  });
}

function isSignal(value) {
  return value !== null && typeof value === 'object' && kAborted in value;
}

function checkSignal(value) {
  if (!isSignal(value)) {
    throw new ERR_INVALID_THIS('AbortSignal');
  }
}

function webIdlError(message) {
  const error = new TypeError(message);
  error.code = 'ERR_INVALID_ARG_TYPE';
  return error;
}

function asArray(set) {
  const list = [];
  set?.forEach((item) => ArrayPrototypePush(list, item));
  return list;
}

function sequence(value) {
  const method = value !== null && (typeof value === 'object' || typeof value === 'function')
    ? value[SymbolIterator] : undefined;
  if (typeof method !== 'function') {
    throw webIdlError('signals cannot be converted to sequence.');
  }
  const list = [];
  const iterator = FunctionPrototypeCall(method, value);
  for (;;) {
    const result = iterator.next();
    if (result.done) {
      return list;
    }
    ArrayPrototypePush(list, result.value);
  }
}

function follow(composite, source) {
  composite[kSources].add(source);
  if (source[kDependents] === undefined) {
    define(source, kDependents, new SafeSet());
  }
  source[kDependents].add(composite);
}

ObjectDefineProperties(AbortSignal, {
  abort: kEnumerableProperty, timeout: kEnumerableProperty, any: kEnumerableProperty,
});
ObjectDefineProperties(AbortSignal.prototype, {
  aborted: kEnumerableProperty,
  [SymbolToStringTag]: { __proto__: null, writable: false, enumerable: false, configurable: true, value: 'AbortSignal' },
});
ObjectDefineProperty(AbortSignal.prototype, 'reason', kEnumerableProperty);
ObjectDefineProperty(AbortSignal.prototype, 'throwIfAborted', kEnumerableProperty);
defineEventHandler(AbortSignal.prototype, 'abort');

// Every dependent is marked before the first listener runs, so that none sees another half done.
function abortSignal(signal, reason) {
  if (signal[kAborted]) {
    return;
  }
  signal[kAborted] = true;
  signal[kReason] = reason;
  const toRun = [signal];
  for (const dependent of new SafeArrayIterator(asArray(signal[kDependents]))) {
    if (!dependent[kAborted]) {
      dependent[kAborted] = true;
      dependent[kReason] = reason;
      ArrayPrototypePush(toRun, dependent);
    }
  }
  for (const item of new SafeArrayIterator(toRun)) {
    item.dispatchEvent(new Event('abort', { [kTrustEvent]: true }));
    observed.delete(item);
  }
}

class AbortController {
  #signal;

  get signal() {
    this.#signal ??= new AbortSignal(kDontThrow);
    return this.#signal;
  }

  abort(reason = lazyDOMException('This operation was aborted', 'AbortError')) {
    this.#signal ??= new AbortSignal(kDontThrow);
    abortSignal(this.#signal, reason);
  }

  [kCustomInspect](depth, options) {
    return inspectFields('AbortController', { signal: this.signal }, depth, options);
  }
}
ObjectDefineProperties(AbortController.prototype, {
  signal: kEnumerableProperty,
  abort: kEnumerableProperty,
  [SymbolToStringTag]: { __proto__: null, writable: false, enumerable: false, configurable: true, value: 'AbortController' },
});

// `util.aborted`: settles at the abort; the resource is held weakly, so that waiting does not keep it alive.
async function aborted(signal, resource) {
  if (!isSignal(signal)) {
    throw webIdlError('signal is not of type AbortSignal.');
  }
  validateObject(resource, 'resource', 6);
  if (signal.aborted) {
    return PromiseResolve();
  }
  return new Promise((resolve) => {
    const reference = new SafeWeakRef(resource);
    signal.addEventListener('abort', () => {
      if (reference.deref() !== undefined) {
        resolve();
      }
    }, { __proto__: null, once: true, [kWeakHandler]: false, [kResistStopPropagation]: true });
  });
}

module.exports = { AbortController, AbortSignal, aborted };
