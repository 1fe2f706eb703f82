// Gives `events.once` and `events.on`: the next event as a promise, all of them as an async iterator.
'use strict';

const {
  ArrayPrototypePush, ArrayPrototypeShift, AsyncIteratorPrototype, Error, NumberMAX_SAFE_INTEGER,
  ObjectGetPrototypeOf, ObjectSetPrototypeOf, Promise, PromiseReject, PromiseResolve,
  SafeArrayIterator, SymbolAsyncIterator, SymbolDispose, SymbolFor,
} = primordials;
const {
  AbortError,
  codes: { ERR_INVALID_ARG_TYPE },
} = require('internal/errors');
const { kEmptyObject } = require('internal/util');
const { validateAbortSignal, validateInteger, validateObject } = require('internal/validators');
const { addAbortListener } = require('internal/events/abort_listener');

function addTo(emitter, name, listener, flags) {
  if (typeof emitter.on === 'function') {
    if (flags?.once) {
      emitter.once(name, listener);
    } else {
      emitter.on(name, listener);
    }
  } else if (typeof emitter.addEventListener === 'function') {
    emitter.addEventListener(name, listener, flags);
  } else {
    throw new ERR_INVALID_ARG_TYPE('emitter', 'EventEmitter', emitter);
  }
}

function removeFrom(emitter, name, listener, flags) {
  if (typeof emitter.removeListener === 'function') {
    emitter.removeListener(name, listener);
  } else if (typeof emitter.removeEventListener === 'function') {
    emitter.removeEventListener(name, listener, flags);
  } else {
    throw new ERR_INVALID_ARG_TYPE('emitter', 'EventEmitter', emitter);
  }
}

exports.once = function once(emitter, name, options = kEmptyObject) {
  validateObject(options, 'options');
  const { signal } = options;
  validateAbortSignal(signal, 'options.signal');
  if (signal?.aborted) {
    throw new AbortError(undefined, { cause: signal.reason });
  }
  return new Promise((resolve, reject) => {
    const onError = (error) => {
      emitter.removeListener(name, onEvent);
      if (signal != null) {
        removeFrom(signal, 'abort', onAbort);
      }
      reject(error);
    };
    const onEvent = (...args) => {
      if (typeof emitter.removeListener === 'function') {
        emitter.removeListener('error', onError);
      }
      if (signal != null) {
        removeFrom(signal, 'abort', onAbort);
      }
      resolve(args);
    };
    function onAbort() {
      removeFrom(emitter, name, onEvent);
      removeFrom(emitter, 'error', onError);
      reject(new AbortError(undefined, { cause: signal?.reason }));
    }
    const { kResistStopPropagation } = require('internal/event_target');
    addTo(emitter, name, onEvent, { __proto__: null, once: true, [kResistStopPropagation]: true });
    if (name !== 'error' && typeof emitter.once === 'function') {
      emitter.once('error', onError);
    }
    if (signal != null) {
      addTo(signal, 'abort', onAbort, { __proto__: null, once: true, [kResistStopPropagation]: true });
    }
  });
};

const AsyncIteratorMethods = ObjectGetPrototypeOf(AsyncIteratorPrototype);
const kWatermarkData = SymbolFor('nodejs.watermarkData');

// The iterator's queues: events that nobody asked for yet, and calls of `next` that wait for one.
class EventIterator {
  #emitter;
  #listeners = [];
  #unconsumed = [];
  #waiting = [];
  #finished = false;
  #error = null;
  #paused = false;
  #high;
  #low;
  #disposable;

  constructor(emitter, high, low) {
    this.#emitter = emitter;
    this.#high = high;
    this.#low = low;
  }

  listen(target, name, listener, flags) {
    addTo(target, name, listener, flags);
    ArrayPrototypePush(this.#listeners, [target, name, listener, flags]);
  }

  watch(signal) {
    this.#disposable = addAbortListener(signal, () => {
      this.fail(new AbortError(undefined, { cause: signal.reason }));
    });
  }

  push(args) {
    const waiting = ArrayPrototypeShift(this.#waiting);
    if (waiting !== undefined) {
      waiting.resolve({ value: args, done: false });
      return;
    }
    ArrayPrototypePush(this.#unconsumed, args);
    if (!this.#paused && this.#unconsumed.length > this.#high) {
      this.#paused = true;
      this.#emitter.pause?.();
    }
  }

  fail(error) {
    const waiting = ArrayPrototypeShift(this.#waiting);
    if (waiting !== undefined) {
      waiting.reject(error);
    } else {
      this.#error = error;
    }
    this.close();
  }

  close() {
    this.#disposable?.[SymbolDispose]();
    for (const entry of new SafeArrayIterator(this.#listeners)) {
      removeFrom(entry[0], entry[1], entry[2], entry[3]);
    }
    this.#listeners = [];
    this.#finished = true;
    for (const waiting of new SafeArrayIterator(this.#waiting)) {
      waiting.resolve({ value: undefined, done: true });
    }
    this.#waiting = [];
    return PromiseResolve({ value: undefined, done: true });
  }

  next() {
    if (this.#unconsumed.length > 0) {
      const value = ArrayPrototypeShift(this.#unconsumed);
      if (this.#paused && this.#unconsumed.length < this.#low) {
        this.#paused = false;
        this.#emitter.resume?.();
      }
      return PromiseResolve({ value, done: false });
    }
    if (this.#error !== null) {
      const rejected = PromiseReject(this.#error);
      this.#error = null;
      return rejected;
    }
    if (this.#finished) {
      return this.close();
    }
    return new Promise((resolve, reject) => ArrayPrototypePush(this.#waiting, { resolve, reject }));
  }

  get watermark() {
    const iterator = this;
    return {
      get size() {
        return iterator.#unconsumed.length;
      },
      low: this.#low,
      high: this.#high,
      get isPaused() {
        return iterator.#paused;
      },
    };
  }
}

exports.on = function on(emitter, event, options = kEmptyObject) {
  validateObject(options, 'options');
  const { signal } = options;
  validateAbortSignal(signal, 'options.signal');
  if (signal?.aborted) {
    throw new AbortError(undefined, { cause: signal.reason });
  }
  const high = options.highWaterMark ?? options.highWatermark ?? NumberMAX_SAFE_INTEGER;
  validateInteger(high, 'options.highWaterMark', 1);
  const low = options.lowWaterMark ?? options.lowWatermark ?? 1;
  validateInteger(low, 'options.lowWaterMark', 1);
  const state = new EventIterator(emitter, high, low);
  const iterator = ObjectSetPrototypeOf({
    next() {
      return state.next();
    },
    return() {
      return state.close();
    },
    throw(error) {
      if (!error || !(error instanceof Error)) {
        throw new ERR_INVALID_ARG_TYPE('EventEmitter.AsyncIterator', 'Error', error);
      }
      state.fail(error);
    },
    [SymbolAsyncIterator]() {
      return this;
    },
    [kWatermarkData]: state.watermark,
  }, AsyncIteratorMethods);
  state.listen(emitter, event, options[SymbolFor('nodejs.events.firstEventOnly')] ? (value) => state.push(value) : (...args) => state.push(args));
  if (event !== 'error' && typeof emitter.on === 'function') {
    state.listen(emitter, 'error', (error) => state.fail(error));
  }
  for (const name of new SafeArrayIterator(options.close ?? [])) {
    state.listen(emitter, name, () => state.close());
  }
  if (signal) {
    state.watch(signal);
  }
  return iterator;
};
