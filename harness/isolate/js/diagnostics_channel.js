// Gives `node:diagnostics_channel`: named channels that publish messages to whoever subscribed.
'use strict';

const {
  ArrayPrototypeIndexOf, ArrayPrototypePush, ArrayPrototypeSlice, ArrayPrototypeSplice,
  FunctionPrototypeCall, FunctionPrototypeSymbolHasInstance, ObjectDefineProperty,
  ObjectGetPrototypeOf, PromisePrototypeThen, PromiseReject, PromiseResolve, ReflectApply,
  SafeArrayIterator, SafeMap, SafeSet, SafeWeakRef, SymbolHasInstance,
} = primordials;
const {
  codes: { ERR_INVALID_ARG_TYPE },
} = require('internal/errors');
const { validateFunction } = require('internal/validators');

// A channel that nobody holds may go; one with subscribers may not.
const channels = new SafeMap();
const active = new SafeSet();

function runThrough(channel, data, run) {
  const stores = channel._stores;
  let next = run;
  stores.forEach((transform, store) => {
    const inner = next;
    next = () => {
      let context = data;
      if (transform !== undefined) {
        try {
          context = transform(data);
        } catch (error) {
          require('process').nextTick(() => {
            throw error;
          });
          return inner();
        }
      }
      return store.run(context, inner);
    };
  });
  return next();
}

class Channel {
  constructor(name) {
    this._subscribers = undefined;
    this._stores = new SafeMap();
    this.name = name;
    ObjectDefineProperty(this, '_stores', { __proto__: null, enumerable: false });
  }

  static [SymbolHasInstance](instance) {
    const prototype = instance === null || typeof instance !== 'object' ? undefined : ObjectGetPrototypeOf(instance);
    return prototype === Channel.prototype || (prototype !== undefined && prototype !== null &&
      FunctionPrototypeCall(FunctionPrototypeSymbolHasInstance, Channel, instance));
  }

  subscribe(subscription) {
    validateFunction(subscription, 'subscription');
    // A copy, so that a round that is going on does not change.
    this._subscribers = ArrayPrototypeSlice(this._subscribers ?? []);
    ArrayPrototypePush(this._subscribers, subscription);
    active.add(this);
  }

  unsubscribe(subscription) {
    const index = this._subscribers === undefined ? -1 : ArrayPrototypeIndexOf(this._subscribers, subscription);
    if (index === -1) {
      return false;
    }
    this._subscribers = ArrayPrototypeSlice(this._subscribers);
    ArrayPrototypeSplice(this._subscribers, index, 1);
    this.#settle();
    return true;
  }

  #settle() {
    if (this._subscribers?.length === 0) {
      this._subscribers = undefined;
    }
    if (!this.hasSubscribers) {
      active.delete(this);
    }
  }

  bindStore(store, transform) {
    this._stores.set(store, transform);
    active.add(this);
  }

  unbindStore(store) {
    if (!this._stores.has(store)) {
      return false;
    }
    this._stores.delete(store);
    this.#settle();
    return true;
  }

  get hasSubscribers() {
    return this._subscribers !== undefined || this._stores.size > 0;
  }

  publish(data) {
    const subscribers = this._subscribers;
    for (let i = 0; i < (subscribers?.length ?? 0); i++) {
      try {
        const listener = subscribers[i];
        listener(data, this.name);
      } catch (error) {
        require('process').nextTick(() => {
          throw error;
        });
      }
    }
  }

  runStores(data, fn, thisArg, ...args) {
    return runThrough(this, data, () => {
      this.publish(data);
      return ReflectApply(fn, thisArg, args);
    });
  }
}

function channel(name) {
  const existing = channels.get(name)?.deref();
  if (existing !== undefined) {
    return existing;
  }
  if (typeof name !== 'string' && typeof name !== 'symbol') {
    throw new ERR_INVALID_ARG_TYPE('channel', ['string', 'symbol'], name);
  }
  const made = new Channel(name);
  channels.set(name, new SafeWeakRef(made));
  return made;
}

function subscribe(name, subscription) {
  return channel(name).subscribe(subscription);
}

function unsubscribe(name, subscription) {
  return channel(name).unsubscribe(subscription);
}

function hasSubscribers(name) {
  return channels.get(name)?.deref()?.hasSubscribers ?? false;
}

const traceEvents = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];

function tracePart(nameOrChannels, name) {
  if (typeof nameOrChannels === 'string') {
    return channel(`tracing:${nameOrChannels}:${name}`);
  }
  if (typeof nameOrChannels === 'object' && nameOrChannels !== null) {
    const part = nameOrChannels[name];
    if (!(part instanceof Channel)) {
      throw new ERR_INVALID_ARG_TYPE(`nameOrChannels.${name}`, ['Channel'], part);
    }
    return part;
  }
  throw new ERR_INVALID_ARG_TYPE('nameOrChannels', ['string', 'object', 'TracingChannel'], nameOrChannels);
}

class TracingChannel {
  constructor(nameOrChannels) {
    for (const name of new SafeArrayIterator(traceEvents)) {
      ObjectDefineProperty(this, name, { __proto__: null, value: tracePart(nameOrChannels, name) });
    }
  }

  get hasSubscribers() {
    return this.start.hasSubscribers || this.end.hasSubscribers || this.asyncStart.hasSubscribers ||
      this.asyncEnd.hasSubscribers || this.error.hasSubscribers;
  }

  subscribe(handlers) {
    for (const name of new SafeArrayIterator(traceEvents)) {
      if (handlers[name]) {
        this[name]?.subscribe(handlers[name]);
      }
    }
  }

  unsubscribe(handlers) {
    let done = true;
    for (const name of new SafeArrayIterator(traceEvents)) {
      if (handlers[name] && !this[name]?.unsubscribe(handlers[name])) {
        done = false;
      }
    }
    return done;
  }

  traceSync(fn, context = {}, thisArg, ...args) {
    if (!this.hasSubscribers) {
      return ReflectApply(fn, thisArg, args);
    }
    return this.start.runStores(context, () => {
      try {
        const result = ReflectApply(fn, thisArg, args);
        context.result = result;
        return result;
      } catch (error) {
        context.error = error;
        this.error.publish(context);
        throw error;
      } finally {
        this.end.publish(context);
      }
    });
  }

  tracePromise(fn, context = {}, thisArg, ...args) {
    if (!this.hasSubscribers) {
      return ReflectApply(fn, thisArg, args);
    }
    const reject = (error) => {
      context.error = error;
      this.error.publish(context);
      this.asyncStart.publish(context);
      this.asyncEnd.publish(context);
      return PromiseReject(error);
    };
    const resolve = (result) => {
      context.result = result;
      this.asyncStart.publish(context);
      this.asyncEnd.publish(context);
      return result;
    };
    return this.start.runStores(context, () => {
      try {
        let promise = ReflectApply(fn, thisArg, args);
        if (!native.util.isPromise(promise)) {
          promise = PromiseResolve(promise);
        }
        return PromisePrototypeThen(promise, resolve, reject);
      } catch (error) {
        context.error = error;
        this.error.publish(context);
        throw error;
      } finally {
        this.end.publish(context);
      }
    });
  }

  traceCallback(fn, position = -1, context = {}, thisArg, ...args) {
    if (!this.hasSubscribers) {
      return ReflectApply(fn, thisArg, args);
    }
    const at = position < 0 ? args.length + position : position;
    const callback = args[at];
    validateFunction(callback, 'callback');
    const { asyncStart, asyncEnd, error: errorChannel } = this;
    args[at] = function wrappedCallback(error, result, ...rest) {
      if (error) {
        context.error = error;
        errorChannel.publish(context);
      } else {
        context.result = result;
      }
      return asyncStart.runStores(context, () => {
        try {
          return ReflectApply(callback, this, [error, result, ...new SafeArrayIterator(rest)]);
        } finally {
          asyncEnd.publish(context);
        }
      });
    };
    return this.start.runStores(context, () => {
      try {
        return ReflectApply(fn, thisArg, args);
      } catch (error) {
        context.error = error;
        this.error.publish(context);
        throw error;
      } finally {
        this.end.publish(context);
      }
    });
  }
}

function tracingChannel(nameOrChannels) {
  return new TracingChannel(nameOrChannels);
}

module.exports = { channel, hasSubscribers, subscribe, tracingChannel, unsubscribe, Channel };
