// pipeline(): joins streams, iterables and async functions, forwards errors and cleans all of them up.
'use strict';

const {
  ArrayIsArray,
  ArrayPrototypePop,
  ArrayPrototypePush,
  ArrayPrototypeShift,
  FunctionPrototypeCall,
  Promise,
  SymbolAsyncIterator,
  SymbolDispose,
} = primordials;

const {
  AbortError,
  aggregateTwoErrors,
  codes: {
    ERR_INVALID_ARG_TYPE,
    ERR_INVALID_RETURN_VALUE,
    ERR_MISSING_ARGS,
    ERR_STREAM_DESTROYED,
    ERR_STREAM_PREMATURE_CLOSE,
  },
} = require('internal/errors');
const { validateAbortSignal, validateFunction } = require('internal/validators');
const { once } = require('internal/util');
const { nextTick } = require('internal/task_queues');
const destroyImpl = require('internal/streams/destroy');
const { eos } = require('internal/streams/end-of-stream');
const Duplex = require('internal/streams/duplex');
const Readable = require('internal/streams/readable');
const {
  isIterable,
  isNodeStream,
  isReadable,
  isReadableFinished,
  isReadableNodeStream,
} = require('internal/streams/utils');

function destroyer(stream, reading, writing) {
  let finished = false;
  stream.on('close', () => {
    finished = true;
  });
  const cleanup = eos(stream, { readable: reading, writable: writing }, (error) => {
    finished = !error;
  });
  return {
    destroy(error) {
      if (!finished) {
        finished = true;
        destroyImpl.destroyer(stream, error || new ERR_STREAM_DESTROYED('pipe'));
      }
    },
    cleanup,
  };
}

function makeAsyncIterable(value) {
  if (isIterable(value)) {
    return value;
  }
  if (isReadableNodeStream(value)) {
    // Old streams have no iterator of their own.
    return fromReadable(value);
  }
  throw new ERR_INVALID_ARG_TYPE('val', ['Readable', 'Iterable', 'AsyncIterable'], value);
}

async function* fromReadable(value) {
  yield* FunctionPrototypeCall(Readable.prototype[SymbolAsyncIterator], value);
}

async function pumpToNode(iterable, writable, finish, { end }) {
  let error;
  let onresolve = null;
  const resume = (failure) => {
    if (failure) {
      error = failure;
    }
    if (onresolve) {
      const callback = onresolve;
      onresolve = null;
      callback();
    }
  };
  const wait = () => new Promise((resolve, reject) => {
    if (error) {
      reject(error);
    } else {
      onresolve = () => {
        if (error) {
          reject(error);
        } else {
          resolve();
        }
      };
    }
  });
  writable.on('drain', resume);
  const cleanup = eos(writable, { readable: false }, resume);
  try {
    if (writable.writableNeedDrain) {
      await wait();
    }
    for await (const chunk of iterable) {
      if (!writable.write(chunk)) {
        await wait();
      }
    }
    if (end) {
      writable.end();
      await wait();
    }
    finish();
  } catch (failure) {
    finish(error !== failure ? aggregateTwoErrors(error, failure) : failure);
  } finally {
    cleanup();
    writable.off('drain', resume);
  }
}

function pipe(source, dest, finish, finishOnlyHandleError, { end }) {
  let ended = false;
  dest.on('close', () => {
    if (!ended) {
      finishOnlyHandleError(new ERR_STREAM_PREMATURE_CLOSE());
    }
  });
  // The end is handled here, because the destination may be told not to end.
  source.pipe(dest, { end: false });
  if (end) {
    const endDest = () => {
      ended = true;
      dest.end();
    };
    if (isReadableFinished(source)) {
      nextTick(endDest);
    } else {
      source.once('end', endDest);
    }
  } else {
    finish();
  }
  eos(source, { readable: true, writable: false }, (error) => {
    const state = source._readableState;
    if (error?.code === 'ERR_STREAM_PREMATURE_CLOSE' && state?.ended && !state.errored && !state.errorEmitted) {
      // Some streams emit 'close' before 'end' has been read: wait for it.
      source.once('end', finish).once('error', finish);
    } else {
      finish(error);
    }
  });
  return eos(dest, { readable: false, writable: true }, finish);
}

function pipeline(...streams) {
  const callback = ArrayPrototypePop(streams);
  validateFunction(callback, 'streams[stream.length - 1]');
  return pipelineImpl(streams, once(callback));
}

// One run of a pipeline: who is to be destroyed, who still has to finish, and what came of it.
class Run {
  constructor(callback, options) {
    const { AbortController } = require('internal/abort_controller');
    this.controller = new AbortController();
    this.outer = options?.signal;
    this.endsLast = options?.end !== false;
    this.callback = callback;
    this.error = undefined;
    this.value = undefined;
    this.destroys = [];
    this.lastCleanup = [];
    this.pending = 0;
    this.finish = (error) => this.settle(error, --this.pending === 0);
    this.finishOnlyHandleError = (error) => this.settle(error, false);
    this.abort = () => this.settle(new AbortError(undefined, { cause: this.outer?.reason }));
    validateAbortSignal(this.outer, 'options.signal');
    this.disposable = this.outer ? require('events').addAbortListener(this.outer, this.abort) : undefined;
  }

  get signal() {
    return this.controller.signal;
  }

  settle(error, final) {
    if (error && (!this.error || this.error.code === 'ERR_STREAM_PREMATURE_CLOSE')) {
      this.error = error;
    }
    if (!this.error && !final) {
      return;
    }
    while (this.destroys.length) {
      ArrayPrototypeShift(this.destroys)(this.error);
    }
    this.disposable?.[SymbolDispose]();
    this.controller.abort();
    if (final) {
      if (!this.error) {
        for (let i = 0; i < this.lastCleanup.length; i++) {
          this.lastCleanup[i]();
        }
      }
      nextTick(this.callback, this.error, this.value);
    }
  }

  // Watches one stream of the row.
  guard(stream, reading, writing, isLast) {
    if (reading || this.endsLast) {
      const { destroy, cleanup } = destroyer(stream, reading, writing);
      ArrayPrototypePush(this.destroys, destroy);
      if (isReadable(stream) && isLast) {
        ArrayPrototypePush(this.lastCleanup, cleanup);
      }
    }
    const onError = (error) => {
      if (error && error.name !== 'AbortError' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') {
        this.finishOnlyHandleError(error);
      }
    };
    stream.on('error', onError);
    if (isReadable(stream) && isLast) {
      ArrayPrototypePush(this.lastCleanup, () => {
        stream.removeListener('error', onError);
      });
    }
  }

  source(stream) {
    if (typeof stream === 'function') {
      const result = stream({ signal: this.signal });
      if (!isIterable(result)) {
        throw new ERR_INVALID_RETURN_VALUE('Iterable, AsyncIterable or Stream', 'source', result);
      }
      return result;
    }
    return isIterable(stream) || isReadableNodeStream(stream) ? stream : Duplex.from(stream);
  }

  transform(fn, input, index, reading, isLast, end) {
    const result = fn(makeAsyncIterable(input), { signal: this.signal });
    if (reading) {
      if (!isIterable(result, true)) {
        throw new ERR_INVALID_RETURN_VALUE('AsyncIterable', `transform[${index - 1}]`, result);
      }
      return result;
    }
    return this.destination(result, isLast, end);
  }

  // The result of a function at the end of the row, as a stream that the caller can go on with.
  destination(result, isLast, end) {
    const PassThrough = require('internal/streams/passthrough');
    const pass = new PassThrough({ objectMode: true });
    const then = result?.then;
    if (typeof then === 'function') {
      this.pending++;
      FunctionPrototypeCall(then, result, (value) => {
        this.value = value;
        if (value != null) {
          pass.write(value);
        }
        if (end) {
          pass.end();
        }
        nextTick(this.finish);
      }, (error) => {
        pass.destroy(error);
        nextTick(this.finish, error);
      });
    } else if (isIterable(result, true)) {
      this.pending++;
      pumpToNode(result, pass, this.finish, { end });
    } else {
      throw new ERR_INVALID_RETURN_VALUE('AsyncIterable or Promise', 'destination', result);
    }
    const { destroy, cleanup } = destroyer(pass, false, true);
    ArrayPrototypePush(this.destroys, destroy);
    if (isLast) {
      ArrayPrototypePush(this.lastCleanup, cleanup);
    }
    return pass;
  }

  join(input, stream, isLast, end) {
    if (isReadableNodeStream(input)) {
      this.pending += 2;
      const cleanup = pipe(input, stream, this.finish, this.finishOnlyHandleError, { end });
      if (isReadable(stream) && isLast) {
        ArrayPrototypePush(this.lastCleanup, cleanup);
      }
    } else if (isIterable(input)) {
      this.pending++;
      pumpToNode(input, stream, this.finish, { end });
    } else {
      throw new ERR_INVALID_ARG_TYPE('val', ['Readable', 'Iterable', 'AsyncIterable', 'ReadableStream', 'TransformStream'], input);
    }
    return stream;
  }
}

function pipelineImpl(streams, callback, options) {
  if (streams.length === 1 && ArrayIsArray(streams[0])) {
    streams = streams[0];
  }
  if (streams.length < 2) {
    throw new ERR_MISSING_ARGS('streams');
  }
  const run = new Run(callback, options);
  let result;
  for (let i = 0; i < streams.length; i++) {
    const stream = streams[i];
    const reading = i < streams.length - 1;
    const isLast = i === streams.length - 1;
    const end = reading || run.endsLast;
    if (isNodeStream(stream)) {
      run.guard(stream, reading, i > 0, isLast);
    }
    if (i === 0) {
      result = run.source(stream);
    } else if (typeof stream === 'function') {
      result = run.transform(stream, result, i, reading, isLast, end);
    } else if (isNodeStream(stream)) {
      result = run.join(result, stream, isLast, end);
    } else {
      result = Duplex.from(stream);
    }
  }
  if (run.signal.aborted || run.outer?.aborted) {
    nextTick(run.abort);
  }
  return result;
}

module.exports = { pipeline, pipelineImpl };
