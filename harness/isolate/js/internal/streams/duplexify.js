// Duplex.from: a Duplex over a stream, a pair of streams, an iterable, an async function, a promise or a blob.
'use strict';

const {
  FunctionPrototypeCall,
  PromiseWithResolvers,
} = primordials;

const {
  AbortError,
  codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_RETURN_VALUE },
} = require('internal/errors');
const { nextTick } = require('internal/task_queues');
const { destroyer } = require('internal/streams/destroy');
const { eos } = require('internal/streams/end-of-stream');
const { from } = require('internal/streams/from');
const Duplex = require('internal/streams/duplex');
const Readable = require('internal/streams/readable');
const {
  isDuplexNodeStream,
  isIterable,
  isNodeStream,
  isReadable,
  isReadableNodeStream,
  isWritable,
  isWritableNodeStream,
} = require('internal/streams/utils');

// A Duplex that has no side to wait for when it is made with `readable: false` or `writable: false`.
class Duplexify extends Duplex {
  constructor(options) {
    super(options);
    if (options?.readable === false) {
      this._readableState.readable = false;
      this._readableState.ended = true;
      this._readableState.endEmitted = true;
    }
    if (options?.writable === false) {
      this._writableState.writable = false;
      this._writableState.ending = true;
      this._writableState.ended = true;
      this._writableState.finished = true;
    }
  }
}

function isBlob(value) {
  return typeof value?.arrayBuffer === 'function' && typeof value.stream === 'function' &&
    typeof value.size === 'number';
}

function duplexify(body, name) {
  if (isDuplexNodeStream(body)) {
    return body;
  }
  if (isReadableNodeStream(body)) {
    return joinSides({ readable: body });
  }
  if (isWritableNodeStream(body)) {
    return joinSides({ writable: body });
  }
  if (isNodeStream(body)) {
    return joinSides({ writable: false, readable: false });
  }
  if (typeof body === 'function') {
    return overFunction(body, name);
  }
  if (isBlob(body)) {
    return duplexify(body.arrayBuffer(), name);
  }
  if (isIterable(body)) {
    return from(Duplexify, body, { objectMode: true, writable: false });
  }
  if (typeof body?.writable === 'object' || typeof body?.readable === 'object') {
    const readable = sideOf(body.readable, isReadableNodeStream, name);
    const writable = sideOf(body.writable, isWritableNodeStream, name);
    return joinSides({ readable, writable });
  }
  const { then } = body ?? {};
  if (typeof then === 'function') {
    return overPromise(body, then);
  }
  throw new ERR_INVALID_ARG_TYPE(
    name,
    ['Blob', 'ReadableStream', 'WritableStream', 'Stream', 'Iterable', 'AsyncIterable', 'Function',
     '{ readable, writable } pair', 'Promise'],
    body,
  );
}

function sideOf(side, isNative, name) {
  return side ? (isNative(side) ? side : duplexify(side, name)) : undefined;
}

function overPromise(body, then) {
  let duplex;
  FunctionPrototypeCall(
    then,
    body,
    (value) => {
      if (value != null) {
        duplex.push(value);
      }
      duplex.push(null);
    },
    (error) => {
      destroyer(duplex, error);
    },
  );
  return (duplex = new Duplexify({ objectMode: true, writable: false, read() {} }));
}

function overFunction(body, name) {
  const { value, write, final, destroy } = feed(body);
  if (isIterable(value)) {
    return from(Duplexify, value, { objectMode: true, write, final, destroy });
  }
  const then = value?.then;
  if (typeof then === 'function') {
    let duplex;
    const promise = FunctionPrototypeCall(
      then,
      value,
      (result) => {
        if (result != null) {
          throw new ERR_INVALID_RETURN_VALUE('nully', 'body', result);
        }
      },
      (error) => {
        destroyer(duplex, error);
      },
    );
    duplex = new Duplexify({
      objectMode: true,
      readable: false,
      write,
      final(callback) {
        final(async () => {
          try {
            await promise;
            nextTick(callback, null);
          } catch (error) {
            nextTick(callback, error);
          }
        });
      },
      destroy,
    });
    return duplex;
  }
  throw new ERR_INVALID_RETURN_VALUE('Iterable, AsyncIterable or AsyncFunction', name, value);
}

// Calls an async generator function with what will be written as its input.
function feed(fn) {
  let { promise, resolve } = PromiseWithResolvers();
  const { AbortController } = require('internal/abort_controller');
  const controller = new AbortController();
  const { signal } = controller;
  const value = fn((async function* input() {
    for (;;) {
      const current = promise;
      promise = null;
      const { chunk, done, callback } = await current;
      nextTick(callback);
      if (done) {
        return;
      }
      if (signal.aborted) {
        throw new AbortError(undefined, { cause: signal.reason });
      }
      ({ promise, resolve } = PromiseWithResolvers());
      yield chunk;
    }
  })(), { signal });
  return {
    value,
    write(chunk, encoding, callback) {
      const give = resolve;
      resolve = null;
      give({ chunk, done: false, callback });
    },
    final(callback) {
      const give = resolve;
      resolve = null;
      give({ done: true, callback });
    },
    destroy(error, callback) {
      controller.abort();
      callback(error);
    },
  };
}

function joinSides(pair) {
  const source = pair.readable && typeof pair.readable.read !== 'function' ? Readable.wrap(pair.readable) : pair.readable;
  const sink = pair.writable;
  let readable = !!isReadable(source);
  let writable = !!isWritable(sink);
  let ondrain;
  let onfinish;
  let onreadable;
  let onclose;
  let duplex;

  function onfinished(error) {
    const callback = onclose;
    onclose = null;
    if (callback) {
      callback(error);
    } else if (error) {
      duplex.destroy(error);
    }
  }

  duplex = new Duplexify({
    readableObjectMode: !!source?.readableObjectMode,
    writableObjectMode: !!sink?.writableObjectMode,
    readable,
    writable,
  });

  if (writable) {
    eos(sink, (error) => {
      writable = false;
      if (error) {
        destroyer(source, error);
      }
      onfinished(error);
    });
    duplex._write = function(chunk, encoding, callback) {
      if (sink.write(chunk, encoding)) {
        callback();
      } else {
        ondrain = callback;
      }
    };
    duplex._final = function(callback) {
      sink.end();
      onfinish = callback;
    };
    sink.on('drain', () => {
      if (ondrain) {
        const callback = ondrain;
        ondrain = null;
        callback();
      }
    });
    sink.on('finish', () => {
      if (onfinish) {
        const callback = onfinish;
        onfinish = null;
        callback();
      }
    });
  }

  if (readable) {
    eos(source, (error) => {
      readable = false;
      if (error) {
        destroyer(source, error);
      }
      onfinished(error);
    });
    source.on('readable', () => {
      if (onreadable) {
        const callback = onreadable;
        onreadable = null;
        callback();
      }
    });
    source.on('end', () => {
      duplex.push(null);
    });
    duplex._read = function() {
      for (;;) {
        const chunk = source.read();
        if (chunk === null) {
          onreadable = duplex._read;
          return;
        }
        if (!duplex.push(chunk)) {
          return;
        }
      }
    };
  }

  duplex._destroy = function(error, callback) {
    if (!error && onclose !== null) {
      error = new AbortError();
    }
    onreadable = null;
    ondrain = null;
    onfinish = null;
    if (onclose === null) {
      callback(error);
    } else {
      onclose = callback;
      destroyer(sink, error);
      destroyer(source, error);
    }
  };
  return duplex;
}

module.exports = { duplexify };
