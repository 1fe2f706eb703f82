// The array-like methods of readable streams: map, filter, take, toArray and their kin, all of them lazy and abortable.
'use strict';

const {
  ArrayPrototypePush,
  FunctionPrototypeCall,
  MathFloor,
  Number,
  NumberIsNaN,
  Promise,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  Symbol,
} = primordials;

const {
  AbortError,
  codes: { ERR_INVALID_ARG_VALUE, ERR_MISSING_ARGS, ERR_OUT_OF_RANGE },
} = require('internal/errors');
const { validateAbortSignal, validateFunction, validateInteger, validateObject } = require('internal/validators');
const { finished } = require('internal/streams/end-of-stream');
const { addValidAbortSignal } = require('internal/streams/add-abort-signal');
const { isNodeStream, isWritable } = require('internal/streams/utils');
const { AbortController, AbortSignal } = require('internal/abort_controller');

const kEmpty = Symbol('kEmpty');
const kEof = Symbol('kEof');

function checkOptions(options) {
  if (options != null) {
    validateObject(options, 'options');
  }
  if (options?.signal != null) {
    validateAbortSignal(options.signal, 'options.signal');
  }
}

function compose(stream, options) {
  checkOptions(options);
  if (isNodeStream(stream) && !isWritable(stream)) {
    throw new ERR_INVALID_ARG_VALUE('stream', stream, 'must be writable');
  }
  const composed = require('internal/streams/compose').compose(this, stream);
  if (options?.signal) {
    addValidAbortSignal(options.signal, composed);
  }
  return composed;
}

function map(fn, options) {
  validateFunction(fn, 'fn');
  checkOptions(options);
  let concurrency = 1;
  if (options?.concurrency != null) {
    concurrency = MathFloor(options.concurrency);
  }
  let highWaterMark = concurrency - 1;
  if (options?.highWaterMark != null) {
    highWaterMark = MathFloor(options.highWaterMark);
  }
  validateInteger(concurrency, 'options.concurrency', 1);
  validateInteger(highWaterMark, 'options.highWaterMark', 0);
  highWaterMark += concurrency;

  return FunctionPrototypeCall(async function* mapped() {
    const { signal } = combined(options);
    const stream = this;
    const queue = [];
    const signalOptions = { signal };
    let next;
    let resume;
    let done = false;
    let running = 0;

    function onFailed() {
      done = true;
      afterItem();
    }
    function afterItem() {
      running -= 1;
      maybeResume();
    }
    function maybeResume() {
      if (resume && !done && running < concurrency && queue.length < highWaterMark) {
        resume();
        resume = null;
      }
    }

    async function pump() {
      try {
        for await (let value of stream) {
          if (done) {
            return;
          }
          if (signal.aborted) {
            throw new AbortError();
          }
          try {
            value = fn(value, signalOptions);
            if (value === kEmpty) {
              continue;
            }
            value = PromiseResolve(value);
          } catch (error) {
            value = PromiseReject(error);
          }
          running += 1;
          PromisePrototypeThen(value, afterItem, onFailed);
          ArrayPrototypePush(queue, value);
          if (next) {
            next();
            next = null;
          }
          if (!done && (queue.length >= highWaterMark || running >= concurrency)) {
            await new Promise((resolve) => {
              resume = resolve;
            });
          }
        }
        ArrayPrototypePush(queue, kEof);
      } catch (error) {
        const failed = PromiseReject(error);
        PromisePrototypeThen(failed, afterItem, onFailed);
        ArrayPrototypePush(queue, failed);
      } finally {
        done = true;
        if (next) {
          next();
          next = null;
        }
      }
    }

    pump();
    try {
      for (;;) {
        while (queue.length > 0) {
          const value = await queue[0];
          if (value === kEof) {
            return;
          }
          if (signal.aborted) {
            throw new AbortError();
          }
          if (value !== kEmpty) {
            yield value;
          }
          queue.shift();
          maybeResume();
        }
        await new Promise((resolve) => {
          next = resolve;
        });
      }
    } finally {
      done = true;
      if (resume) {
        resume();
        resume = null;
      }
    }
  }, this);
}

// A signal that the given one aborts; without one, one that never aborts.
function combined(options) {
  const given = options?.signal;
  return { signal: AbortSignal.any(given ? [given] : []) };
}

async function some(fn, options) {
  for await (const unused of FunctionPrototypeCall(filter, this, fn, options)) {
    void unused;
    return true;
  }
  return false;
}

async function every(fn, options) {
  validateFunction(fn, 'fn');
  // Every one holds when there is none that does not.
  return !(await FunctionPrototypeCall(some, this, async (...args) => !(await fn(...args)), options));
}

async function find(fn, options) {
  for await (const result of FunctionPrototypeCall(filter, this, fn, options)) {
    return result;
  }
  return undefined;
}

async function forEach(fn, options) {
  validateFunction(fn, 'fn');
  async function call(value, signalOptions) {
    await fn(value, signalOptions);
    return kEmpty;
  }
  for await (const unused of FunctionPrototypeCall(map, this, call, options)) {
    void unused;
  }
}

function filter(fn, options) {
  validateFunction(fn, 'fn');
  async function test(value, signalOptions) {
    return (await fn(value, signalOptions)) ? value : kEmpty;
  }
  return FunctionPrototypeCall(map, this, test, options);
}

class ReduceAwareErrMissingArgs extends ERR_MISSING_ARGS {
  constructor() {
    super('reduce');
    this.message = 'Reduce of an empty stream requires an initial value';
  }
}

async function reduce(reducer, initialValue, options) {
  validateFunction(reducer, 'reducer');
  checkOptions(options);
  let hasInitialValue = arguments.length > 1;
  if (options?.signal?.aborted) {
    const error = new AbortError(undefined, { cause: options.signal.reason });
    this.once('error', () => {});
    await finished(this.destroy(error));
    throw error;
  }
  const controller = new AbortController();
  const { signal } = controller;
  if (options?.signal) {
    options.signal.addEventListener('abort', () => controller.abort(), { once: true });
  }
  let gotAny = false;
  try {
    for await (const value of this) {
      gotAny = true;
      if (options?.signal?.aborted) {
        throw new AbortError();
      }
      if (!hasInitialValue) {
        initialValue = value;
        hasInitialValue = true;
      } else {
        initialValue = await reducer(initialValue, value, { signal });
      }
    }
    if (!gotAny && !hasInitialValue) {
      throw new ReduceAwareErrMissingArgs();
    }
  } finally {
    controller.abort();
  }
  return initialValue;
}

async function toArray(options) {
  checkOptions(options);
  const result = [];
  for await (const value of this) {
    if (options?.signal?.aborted) {
      throw new AbortError(undefined, { cause: options.signal.reason });
    }
    ArrayPrototypePush(result, value);
  }
  return result;
}

function flatMap(fn, options) {
  const values = FunctionPrototypeCall(map, this, fn, options);
  return FunctionPrototypeCall(async function* flatMapped() {
    for await (const value of values) {
      yield* value;
    }
  }, this);
}

function toCount(number) {
  // As the iterator helpers do.
  number = Number(number);
  if (NumberIsNaN(number)) {
    return 0;
  }
  if (number < 0) {
    throw new ERR_OUT_OF_RANGE('number', '>= 0', number);
  }
  return number;
}

function drop(number, options) {
  checkOptions(options);
  number = toCount(number);
  return FunctionPrototypeCall(async function* dropped() {
    if (options?.signal?.aborted) {
      throw new AbortError();
    }
    for await (const value of this) {
      if (options?.signal?.aborted) {
        throw new AbortError();
      }
      if (number-- <= 0) {
        yield value;
      }
    }
  }, this);
}

function take(number, options) {
  checkOptions(options);
  number = toCount(number);
  return FunctionPrototypeCall(async function* taken() {
    if (options?.signal?.aborted) {
      throw new AbortError();
    }
    for await (const value of this) {
      if (options?.signal?.aborted) {
        throw new AbortError();
      }
      if (number-- > 0) {
        yield value;
      }
      // Not asked for the next one: it may never come.
      if (number <= 0) {
        return;
      }
    }
  }, this);
}

module.exports.streamReturningOperators = { drop, filter, flatMap, map, take, compose };
module.exports.promiseReturningOperators = { every, forEach, reduce, toArray, some, find };
