// The `timers/promises` module: setTimeout, setImmediate, setInterval and the scheduler as promises, abortable.
'use strict';

const {
  Promise,
  PromiseReject,
  SafePromisePrototypeFinally,
  Symbol,
} = primordials;

const {
  AbortError,
  codes: { ERR_ILLEGAL_CONSTRUCTOR, ERR_INVALID_THIS },
} = require('internal/errors');
const { validateAbortSignal, validateBoolean, validateNumber, validateObject } = require('internal/validators');
const { kEmptyObject } = require('internal/util');
const { Immediate, clearImmediate, clearTimeout, makeTimeout } = require('internal/timers');

const kScheduler = Symbol('kScheduler');

// What is wrong with the arguments, to be given as a rejection.
function faultOf(delay, options) {
  try {
    if (delay !== undefined) {
      validateNumber(delay, 'delay');
    }
    validateObject(options, 'options');
    if (options?.signal !== undefined) {
      validateAbortSignal(options.signal, 'options.signal');
    }
    if (options?.ref !== undefined) {
      validateBoolean(options.ref, 'options.ref');
    }
  } catch (error) {
    return { error };
  }
  return undefined;
}

function abortError(signal) {
  return new AbortError(undefined, { __proto__: null, cause: signal.reason });
}

// A promise that `start(resolve)` settles with a timer, and that the signal may reject first.
function abortable(signal, start, clear) {
  let onAbort;
  const promise = new Promise((resolve, reject) => {
    const timer = start(resolve);
    if (signal) {
      onAbort = () => {
        if (!timer._destroyed) {
          clear(timer);
          reject(abortError(signal));
        }
      };
      signal.addEventListener('abort', onAbort, { __proto__: null, once: true });
    }
  });
  return onAbort === undefined ?
    promise :
    SafePromisePrototypeFinally(promise, () => signal.removeEventListener('abort', onAbort));
}

function setTimeout(delay, value, options = kEmptyObject) {
  const fault = faultOf(delay, options);
  if (fault !== undefined) {
    return PromiseReject(fault.error);
  }
  const { signal, ref = true } = options;
  if (signal?.aborted) {
    return PromiseReject(abortError(signal));
  }
  return abortable(signal, (resolve) => makeTimeout(resolve, delay, [value], false, ref), clearTimeout);
}

function setImmediate(value, options = kEmptyObject) {
  const fault = faultOf(undefined, options);
  if (fault !== undefined) {
    return PromiseReject(fault.error);
  }
  const { signal, ref = true } = options;
  if (signal?.aborted) {
    return PromiseReject(abortError(signal));
  }
  return abortable(signal, (resolve) => {
    const immediate = new Immediate(resolve, [value]);
    if (!ref) {
      immediate.unref();
    }
    return immediate;
  }, clearImmediate);
}

async function* setInterval(delay, value, options = kEmptyObject) {
  const fault = faultOf(delay, options);
  if (fault !== undefined) {
    throw fault.error;
  }
  const { signal, ref = true } = options;
  if (signal?.aborted) {
    throw abortError(signal);
  }

  let due = 0;
  let wake;
  let onAbort;
  const interval = makeTimeout(() => {
    due++;
    if (wake !== undefined) {
      wake();
      wake = undefined;
    }
  }, delay, undefined, true, ref);
  try {
    if (signal) {
      onAbort = () => {
        clearTimeout(interval);
        if (wake !== undefined) {
          wake(PromiseReject(abortError(signal)));
          wake = undefined;
        }
      };
      signal.addEventListener('abort', onAbort, { __proto__: null, once: true });
    }
    while (!signal?.aborted) {
      if (due === 0) {
        await new Promise((resolve) => (wake = resolve));
      }
      for (; due > 0; due--) {
        yield value;
      }
    }
    throw abortError(signal);
  } finally {
    clearTimeout(interval);
    signal?.removeEventListener('abort', onAbort);
  }
}

class Scheduler {
  constructor() {
    throw new ERR_ILLEGAL_CONSTRUCTOR();
  }

  yield() {
    if (!this[kScheduler]) {
      throw new ERR_INVALID_THIS('Scheduler');
    }
    return setImmediate();
  }

  wait(delay, options) {
    if (!this[kScheduler]) {
      throw new ERR_INVALID_THIS('Scheduler');
    }
    return setTimeout(delay, undefined, options);
  }
}

const scheduler = { __proto__: Scheduler.prototype, [kScheduler]: true };

module.exports = { setTimeout, setImmediate, setInterval, scheduler };
