// Gives `node:async_hooks`: `AsyncLocalStorage` and `AsyncResource` on the frame that V8 carries along promises.
'use strict';

const {
  NumberIsSafeInteger, ObjectDefineProperties, ObjectFreeze, ObjectIs, ReflectApply,
  SafeArrayIterator,
} = primordials;
const frames = require('internal/async_context_frame');
const {
  codes: { ERR_ASYNC_CALLBACK, ERR_INVALID_ASYNC_ID },
} = require('internal/errors');
const { validateBoolean, validateFunction, validateObject, validateString } = require('internal/validators');

const { kEmptyObject } = require('internal/util');

// Ids only tell resources apart here: no hook of ours reports them. The main script is 1.
let lastId = 1;
let executionId = 1;
let triggerId = 0;
let currentResource;
const rootResource = {};

class AsyncLocalStorage {
  #defaultValue;
  #name;

  constructor(options = kEmptyObject) {
    validateObject(options, 'options');
    this.#defaultValue = options.defaultValue;
    if (options.name !== undefined) {
      this.#name = `${options.name}`;
    }
  }

  get name() {
    return this.#name || '';
  }

  static bind(fn) {
    return AsyncResource.bind(fn);
  }

  static snapshot() {
    const frame = frames.current();
    return function(fn, ...args) {
      const before = frames.exchange(frame);
      try {
        return ReflectApply(fn, this, args);
      } finally {
        frames.set(before);
      }
    };
  }

  disable() {
    if (frames.current() !== undefined) {
      frames.set(frames.without(this));
    }
  }

  enterWith(data) {
    frames.set(frames.extended(this, data));
  }

  run(data, fn, ...args) {
    const before = frames.current();
    // The same value again needs no new frame.
    if (ObjectIs(data, this.getStore()) && before !== undefined && before.has(this)) {
      return ReflectApply(fn, null, args);
    }
    frames.set(frames.extended(this, data));
    try {
      return ReflectApply(fn, null, args);
    } finally {
      frames.set(before);
    }
  }

  exit(fn, ...args) {
    return ReflectApply(this.run, this, [undefined, fn, ...new SafeArrayIterator(args)]);
  }

  getStore() {
    const frame = frames.current();
    return frame !== undefined && frame.has(this) ? frame.get(this) : this.#defaultValue;
  }
}

class AsyncResource {
  #asyncId;
  #triggerAsyncId;
  #frame;

  constructor(type, options = kEmptyObject) {
    validateString(type, 'type');
    let trigger = options;
    if (typeof options !== 'number') {
      trigger = options.triggerAsyncId === undefined ? executionId : options.triggerAsyncId;
      if (options.requireManualDestroy !== undefined) {
        validateBoolean(options.requireManualDestroy, 'options.requireManualDestroy');
      }
    }
    if (!NumberIsSafeInteger(trigger) || trigger < -1) {
      throw new ERR_INVALID_ASYNC_ID('triggerAsyncId', trigger);
    }
    this.#asyncId = ++lastId;
    this.#triggerAsyncId = trigger;
    this.#frame = frames.current();
  }

  runInAsyncScope(fn, thisArg, ...args) {
    const before = frames.exchange(this.#frame);
    const outer = [executionId, triggerId, currentResource];
    executionId = this.#asyncId;
    triggerId = this.#triggerAsyncId;
    currentResource = this;
    try {
      return ReflectApply(fn, thisArg, args);
    } finally {
      executionId = outer[0];
      triggerId = outer[1];
      currentResource = outer[2];
      frames.set(before);
    }
  }

  emitDestroy() {
    return this;
  }

  asyncId() {
    return this.#asyncId;
  }

  triggerAsyncId() {
    return this.#triggerAsyncId;
  }

  bind(fn, thisArg) {
    validateFunction(fn, 'fn');
    const resource = this;
    const bound = thisArg === undefined
      ? function(...args) {
        return ReflectApply(resource.runInAsyncScope, resource, [fn, this, ...new SafeArrayIterator(args)]);
      }
      : (...args) => ReflectApply(resource.runInAsyncScope, resource, [fn, thisArg, ...new SafeArrayIterator(args)]);
    ObjectDefineProperties(bound, {
      length: { __proto__: null, configurable: true, enumerable: false, value: fn.length, writable: false },
    });
    return bound;
  }

  static bind(fn, type, thisArg) {
    const name = type || fn.name;
    return (new AsyncResource(name || 'bound-anonymous-fn')).bind(fn, thisArg);
  }
}

const hookNames = ['init', 'before', 'after', 'destroy', 'promiseResolve'];

// Hooks can be made and switched, as libraries do at load; this runtime reports nothing to them.
class AsyncHook {
  enable() {
    return this;
  }

  disable() {
    return this;
  }
}

function createHook(callbacks) {
  for (const name of new SafeArrayIterator(hookNames)) {
    if (callbacks[name] !== undefined && typeof callbacks[name] !== 'function') {
      throw new ERR_ASYNC_CALLBACK(`hook.${name}`);
    }
  }
  return new AsyncHook();
}

function executionAsyncId() {
  return executionId;
}

function triggerAsyncId() {
  return triggerId;
}

function executionAsyncResource() {
  return currentResource ?? rootResource;
}

module.exports = {
  AsyncLocalStorage,
  createHook,
  executionAsyncId,
  triggerAsyncId,
  executionAsyncResource,
  asyncWrapProviders: ObjectFreeze({ __proto__: null, NONE: 0, PROMISE: 1, Timeout: 2, Immediate: 3, TickObject: 4 }),
  AsyncResource,
};
