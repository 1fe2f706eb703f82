// How streams begin and end: construct, destroy, and the order in which 'error' and 'close' follow.
'use strict';

const { Symbol } = primordials;

const {
  AbortError,
  aggregateTwoErrors,
  codes: { ERR_MULTIPLE_CALLBACK },
} = require('internal/errors');
const { nextTick } = require('internal/task_queues');
const { isDestroyed, isFinished, isRequest, isServerRequest, kIsDestroyed } = require('internal/streams/utils');

const kDestroy = Symbol('kDestroy');
const kConstruct = Symbol('kConstruct');

// The stack is read so that V8 formats it now, while the frames that led here are alive.
function keepStack(error) {
  void error.stack;
}

function markErrored(error, writable, readable) {
  if (!error) {
    return;
  }
  keepStack(error);
  if (writable && !writable.errored) {
    writable.errored = error;
  }
  if (readable && !readable.errored) {
    readable.errored = error;
  }
}

// The body of stream.destroy().
function destroy(error, callback) {
  const { _readableState: readable, _writableState: writable } = this;
  const state = writable || readable;
  if (writable?.destroyed || readable?.destroyed) {
    if (typeof callback === 'function') {
      callback();
    }
    return this;
  }
  markErrored(error, writable, readable);
  if (writable) {
    writable.destroyed = true;
  }
  if (readable) {
    readable.destroyed = true;
  }
  if (!state.constructed) {
    this.once(kDestroy, function(constructError) {
      runDestroy(this, aggregateTwoErrors(constructError, error), callback);
    });
  } else {
    runDestroy(this, error, callback);
  }
  return this;
}

function runDestroy(stream, error, callback) {
  let called = false;
  function onDestroy(failure) {
    if (called) {
      return;
    }
    called = true;
    const { _readableState: readable, _writableState: writable } = stream;
    markErrored(failure, writable, readable);
    if (writable) {
      writable.closed = true;
    }
    if (readable) {
      readable.closed = true;
    }
    if (typeof callback === 'function') {
      callback(failure);
    }
    if (failure) {
      nextTick(emitErrorAndClose, stream, failure);
    } else {
      nextTick(emitClose, stream);
    }
  }
  try {
    stream._destroy(error || null, onDestroy);
  } catch (failure) {
    onDestroy(failure);
  }
}

function emitErrorAndClose(stream, error) {
  emitError(stream, error);
  emitClose(stream);
}

function emitClose(stream) {
  const { _readableState: readable, _writableState: writable } = stream;
  if (writable) {
    writable.closeEmitted = true;
  }
  if (readable) {
    readable.closeEmitted = true;
  }
  if (writable?.emitClose || readable?.emitClose) {
    stream.emit('close');
  }
}

function emitError(stream, error) {
  const { _readableState: readable, _writableState: writable } = stream;
  if (writable?.errorEmitted || readable?.errorEmitted) {
    return;
  }
  if (writable) {
    writable.errorEmitted = true;
  }
  if (readable) {
    readable.errorEmitted = true;
  }
  stream.emit('error', error);
}

// Makes a destroyed stream usable again: for sockets and files that reconnect.
function undestroy() {
  const { _readableState: readable, _writableState: writable } = this;
  if (readable) {
    const ended = readable.readable === false;
    readable.constructed = true;
    readable.closed = false;
    readable.closeEmitted = false;
    readable.destroyed = false;
    readable.errored = null;
    readable.errorEmitted = false;
    readable.reading = false;
    readable.ended = ended;
    readable.endEmitted = ended;
  }
  if (writable) {
    const ended = writable.writable === false;
    writable.constructed = true;
    writable.destroyed = false;
    writable.closed = false;
    writable.closeEmitted = false;
    writable.errored = null;
    writable.errorEmitted = false;
    writable.finalCalled = false;
    writable.prefinished = false;
    writable.ended = ended;
    writable.ending = ended;
    writable.finished = ended;
  }
}

// An error of the stream itself: destroys it when it destroys itself, else only emits.
function errorOrDestroy(stream, error, sync) {
  const { _readableState: readable, _writableState: writable } = stream;
  if (writable?.destroyed || readable?.destroyed) {
    return;
  }
  if (readable?.autoDestroy || writable?.autoDestroy) {
    stream.destroy(error);
  } else if (error) {
    markErrored(error, writable, readable);
    if (sync) {
      nextTick(emitError, stream, error);
    } else {
      emitError(stream, error);
    }
  }
}

// Lets _construct run before the stream's first operation. A duplex asks twice and constructs once.
function construct(stream, callback) {
  if (typeof stream._construct !== 'function') {
    return;
  }
  const { _readableState: readable, _writableState: writable } = stream;
  if (readable) {
    readable.constructed = false;
  }
  if (writable) {
    writable.constructed = false;
  }
  stream.once(kConstruct, callback);
  if (stream.listenerCount(kConstruct) > 1) {
    return;
  }
  nextTick(runConstruct, stream);
}

function runConstruct(stream) {
  let called = false;
  function onConstruct(error) {
    if (called) {
      errorOrDestroy(stream, error ?? new ERR_MULTIPLE_CALLBACK());
      return;
    }
    called = true;
    const { _readableState: readable, _writableState: writable } = stream;
    const state = writable || readable;
    if (readable) {
      readable.constructed = true;
    }
    if (writable) {
      writable.constructed = true;
    }
    if (state.destroyed) {
      stream.emit(kDestroy, error);
    } else if (error) {
      errorOrDestroy(stream, error, true);
    } else {
      stream.emit(kConstruct);
    }
  }
  try {
    stream._construct((error) => nextTick(onConstruct, error));
  } catch (error) {
    nextTick(onConstruct, error);
  }
}

// Destroys any stream-like thing.
function destroyer(stream, error) {
  if (!stream || isDestroyed(stream)) {
    return;
  }
  if (!error && !isFinished(stream)) {
    error = new AbortError();
  }
  if (isServerRequest(stream)) {
    stream.socket = null;
    stream.destroy(error);
  } else if (isRequest(stream)) {
    stream.abort();
  } else if (isRequest(stream.req)) {
    stream.req.abort();
  } else if (typeof stream.destroy === 'function') {
    stream.destroy(error);
  } else if (typeof stream.close === 'function') {
    stream.close();
  }
  if (!stream.destroyed) {
    stream[kIsDestroyed] = true;
  }
}

module.exports = { construct, destroy, destroyer, errorOrDestroy, undestroy };
