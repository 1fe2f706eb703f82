// Readable.from: a Readable over any iterable.
'use strict';

const { PromisePrototypeThen, SymbolAsyncIterator, SymbolIterator } = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE, ERR_STREAM_NULL_VALUES },
} = require('internal/errors');
const { Buffer } = require('buffer');
const { nextTick } = require('internal/task_queues');

function from(Readable, iterable, options) {
  if (typeof iterable === 'string' || iterable instanceof Buffer) {
    return new Readable({
      objectMode: true,
      ...options,
      read() {
        this.push(iterable);
        this.push(null);
      },
    });
  }
  let iterator;
  let isAsync;
  if (iterable?.[SymbolAsyncIterator]) {
    isAsync = true;
    iterator = iterable[SymbolAsyncIterator]();
  } else if (iterable?.[SymbolIterator]) {
    isAsync = false;
    iterator = iterable[SymbolIterator]();
  } else {
    throw new ERR_INVALID_ARG_TYPE('iterable', ['Iterable'], iterable);
  }
  return overIterator(Readable, iterator, isAsync, options);
}

function overIterator(Readable, iterator, isAsync, options) {
  const readable = new Readable({ objectMode: true, highWaterMark: 1, ...options });
  // A read may be asked for while the previous one still waits for the iterator.
  let reading = false;
  let isAsyncValues = false;

  readable._read = function() {
    if (reading) {
      return;
    }
    reading = true;
    if (isAsync) {
      nextAsync();
    } else if (isAsyncValues) {
      nextSyncWithAsyncValues();
    } else {
      nextSync();
    }
  };

  readable._destroy = function(error, callback) {
    PromisePrototypeThen(
      close(error),
      // In a tick: an error thrown by the callback is not to become a rejection here.
      () => nextTick(callback, error),
      (failure) => nextTick(callback, failure || error),
    );
  };

  async function close(error) {
    const hadError = error !== undefined && error !== null;
    if (hadError && typeof iterator.throw === 'function') {
      const { value, done } = await iterator.throw(error);
      await value;
      if (done) {
        return;
      }
    }
    if (typeof iterator.return === 'function') {
      const { value } = await iterator.return();
      await value;
    }
  }

  // Each returns when the stream has enough; it is called again by the next _read.
  function nextSync() {
    for (;;) {
      try {
        const { value, done } = iterator.next();
        if (done) {
          readable.push(null);
          return;
        }
        if (value && typeof value.then === 'function') {
          isAsyncValues = true;
          changeToAsyncValues(value);
          return;
        }
        if (value === null) {
          reading = false;
          throw new ERR_STREAM_NULL_VALUES();
        }
        if (readable.push(value)) {
          continue;
        }
        reading = false;
      } catch (error) {
        readable.destroy(error);
      }
      break;
    }
  }

  async function changeToAsyncValues(value) {
    try {
      const settled = await value;
      if (settled === null) {
        reading = false;
        throw new ERR_STREAM_NULL_VALUES();
      }
      if (readable.push(settled)) {
        nextSyncWithAsyncValues();
        return;
      }
      reading = false;
    } catch (error) {
      readable.destroy(error);
    }
  }

  async function nextSyncWithAsyncValues() {
    for (;;) {
      try {
        const { value, done } = iterator.next();
        if (done) {
          readable.push(null);
          return;
        }
        const settled = value && typeof value.then === 'function' ? await value : value;
        if (settled === null) {
          reading = false;
          throw new ERR_STREAM_NULL_VALUES();
        }
        if (readable.push(settled)) {
          continue;
        }
        reading = false;
      } catch (error) {
        readable.destroy(error);
      }
      break;
    }
  }

  async function nextAsync() {
    for (;;) {
      try {
        const { value, done } = await iterator.next();
        if (done) {
          readable.push(null);
          return;
        }
        if (value === null) {
          reading = false;
          throw new ERR_STREAM_NULL_VALUES();
        }
        if (readable.push(value)) {
          continue;
        }
        reading = false;
      } catch (error) {
        readable.destroy(error);
      }
      break;
    }
  }

  return readable;
}

module.exports = { from };
