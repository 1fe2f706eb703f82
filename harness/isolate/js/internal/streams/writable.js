// Writable: a sink that buffers up to a mark and writes one chunk at a time, in exactly the order of Node's events.
'use strict';

const {
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  ArrayPrototypeSplice,
  Error,
  FunctionPrototypeCall,
  FunctionPrototypeSymbolHasInstance,
  ObjectDefineProperties,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  Promise,
  StringPrototypeToLowerCase,
  Symbol,
  SymbolAsyncDispose,
  SymbolHasInstance,
} = primordials;

module.exports = Writable;
Writable.WritableState = WritableState;

const EventEmitter = require('events');
const { Buffer } = require('buffer');
const { Stream } = require('internal/streams/legacy');
const { addAbortSignal } = require('internal/streams/add-abort-signal');
const { eos } = require('internal/streams/end-of-stream');
const destroyImpl = require('internal/streams/destroy');
const { getDefaultHighWaterMark, getHighWaterMark } = require('internal/streams/state');
const {
  AbortError,
  codes: {
    ERR_INVALID_ARG_TYPE,
    ERR_METHOD_NOT_IMPLEMENTED,
    ERR_MULTIPLE_CALLBACK,
    ERR_STREAM_ALREADY_FINISHED,
    ERR_STREAM_CANNOT_PIPE,
    ERR_STREAM_DESTROYED,
    ERR_STREAM_NULL_VALUES,
    ERR_STREAM_WRITE_AFTER_END,
    ERR_UNKNOWN_ENCODING,
  },
} = require('internal/errors');
const { nextTick } = require('internal/task_queues');
const { nop } = require('internal/streams/utils');
const hooks = require('internal/streams/hooks');
const { bytesOfView, isArrayBufferView } = require('internal/streams/bytes');

ObjectSetPrototypeOf(Writable.prototype, Stream.prototype);
ObjectSetPrototypeOf(Writable, Stream);

const { errorOrDestroy } = destroyImpl;

const kOnFinished = Symbol('kOnFinished');
const kAfterWritePending = Symbol('kAfterWritePending');

function WritableState(options, stream, isDuplex) {
  this.objectMode = !!(options?.objectMode || (isDuplex && options?.writableObjectMode));
  this.highWaterMark = options ?
    getHighWaterMark(this, options, 'writableHighWaterMark', isDuplex) :
    getDefaultHighWaterMark(false);
  this.finalCalled = false;
  this.needDrain = false;
  this.ending = false;
  this.ended = false;
  this.finished = false;
  this.destroyed = false;
  this.decodeStrings = options?.decodeStrings !== false;
  this.defaultEncoding = 'utf8';
  if (options?.defaultEncoding != null && options.defaultEncoding !== 'utf8' && options.defaultEncoding !== 'utf-8') {
    if (!Buffer.isEncoding(options.defaultEncoding)) {
      throw new ERR_UNKNOWN_ENCODING(options.defaultEncoding);
    }
    this.defaultEncoding = options.defaultEncoding;
  }
  this.length = 0;
  this.writing = false;
  this.corked = 0;
  // Whether the write callback was called before _write returned.
  this.sync = true;
  this.bufferProcessing = false;
  this.onwrite = (error) => onwrite(stream, error);
  this.writecb = null;
  this.writelen = 0;
  this.afterWriteTickInfo = null;
  this[kAfterWritePending] = false;
  resetBuffer(this);
  this.pendingcb = 0;
  this.constructed = true;
  this.prefinished = false;
  this.errorEmitted = false;
  this.emitClose = options?.emitClose !== false;
  this.autoDestroy = options?.autoDestroy !== false;
  this.errored = null;
  this.closed = false;
  this.closeEmitted = false;
  this[kOnFinished] = [];
}

function resetBuffer(state) {
  state.buffered = [];
  state.bufferedIndex = 0;
  state.allBuffers = true;
  state.allNoop = true;
}

WritableState.prototype.getBuffer = function() {
  return ArrayPrototypeSlice(this.buffered, this.bufferedIndex);
};

ObjectDefineProperty(WritableState.prototype, 'bufferedRequestCount', {
  __proto__: null,
  get() {
    return this.buffered.length - this.bufferedIndex;
  },
});

function Writable(options) {
  if (!(this instanceof Writable)) {
    return new Writable(options);
  }
  this._events ??= {
    close: undefined,
    error: undefined,
    prefinish: undefined,
    finish: undefined,
    drain: undefined,
  };
  this._writableState = new WritableState(options, this, false);
  if (options) {
    takeMethods(this, options);
    if (options.signal) {
      addAbortSignal(options.signal, this);
    }
  }
  FunctionPrototypeCall(Stream, this, options);
  if (this._construct != null) {
    destroyImpl.construct(this, () => constructed(this));
  }
}

function takeMethods(stream, options) {
  if (typeof options.write === 'function') {
    stream._write = options.write;
  }
  if (typeof options.writev === 'function') {
    stream._writev = options.writev;
  }
  if (typeof options.destroy === 'function') {
    stream._destroy = options.destroy;
  }
  if (typeof options.final === 'function') {
    stream._final = options.final;
  }
  if (typeof options.construct === 'function') {
    stream._construct = options.construct;
  }
}

// What waits for _construct: the writes made meanwhile and perhaps the end.
function constructed(stream) {
  const state = stream._writableState;
  if (!state.writing) {
    clearBuffer(stream, state);
  }
  if (state.ending) {
    finishMaybe(stream, state);
  }
}

hooks.constructed = constructed;
hooks.takeMethods = takeMethods;

ObjectDefineProperty(Writable, SymbolHasInstance, {
  __proto__: null,
  value(object) {
    if (FunctionPrototypeSymbolHasInstance(this, object)) {
      return true;
    }
    return this === Writable && !!object && object._writableState instanceof WritableState;
  },
});

Writable.prototype.pipe = function() {
  errorOrDestroy(this, new ERR_STREAM_CANNOT_PIPE());
};

// ---- Writes

function writeChunk(stream, chunk, encoding, callback) {
  const state = stream._writableState;
  if (typeof callback !== 'function') {
    callback = nop;
  }
  if (chunk === null) {
    throw new ERR_STREAM_NULL_VALUES();
  } else if (!state.objectMode) {
    if (!encoding) {
      encoding = state.defaultEncoding;
    } else if (encoding !== 'buffer' && !Buffer.isEncoding(encoding)) {
      throw new ERR_UNKNOWN_ENCODING(encoding);
    }
    if (typeof chunk === 'string') {
      if (state.decodeStrings) {
        chunk = Buffer.from(chunk, encoding);
        encoding = 'buffer';
      }
    } else if (chunk instanceof Buffer) {
      encoding = 'buffer';
    } else if (isArrayBufferView(chunk)) {
      chunk = bytesOfView(chunk);
      encoding = 'buffer';
    } else {
      throw new ERR_INVALID_ARG_TYPE('chunk', ['string', 'Buffer', 'TypedArray', 'DataView'], chunk);
    }
  }
  let error;
  if (state.ending) {
    error = new ERR_STREAM_WRITE_AFTER_END();
  } else if (state.destroyed) {
    error = new ERR_STREAM_DESTROYED('write');
  }
  if (error) {
    nextTick(callback, error);
    errorOrDestroy(stream, error, true);
    return error;
  }
  state.pendingcb++;
  return writeOrBuffer(stream, state, chunk, encoding, callback);
}

Writable.prototype.write = function(chunk, encoding, callback) {
  if (encoding != null && typeof encoding === 'function') {
    callback = encoding;
    encoding = null;
  }
  return writeChunk(this, chunk, encoding, callback) === true;
};

Writable.prototype.cork = function() {
  this._writableState.corked++;
};

Writable.prototype.uncork = function() {
  const state = this._writableState;
  if (state.corked) {
    state.corked--;
    if (!state.writing) {
      clearBuffer(this, state);
    }
  }
};

Writable.prototype.setDefaultEncoding = function setDefaultEncoding(encoding) {
  if (typeof encoding === 'string') {
    encoding = StringPrototypeToLowerCase(encoding);
  }
  if (!Buffer.isEncoding(encoding)) {
    throw new ERR_UNKNOWN_ENCODING(encoding);
  }
  this._writableState.defaultEncoding = encoding;
  return this;
};

function writeOrBuffer(stream, state, chunk, encoding, callback) {
  const length = state.objectMode ? 1 : chunk.length;
  state.length += length;
  const below = state.length < state.highWaterMark;
  // Never back to false here: an earlier write may still wait for 'drain'.
  if (!below) {
    state.needDrain = true;
  }
  if (state.writing || state.corked || state.errored || !state.constructed) {
    ArrayPrototypePush(state.buffered, { chunk, encoding, callback });
    if (state.allBuffers && encoding !== 'buffer') {
      state.allBuffers = false;
    }
    if (state.allNoop && callback !== nop) {
      state.allNoop = false;
    }
  } else {
    state.writelen = length;
    state.writecb = callback;
    state.writing = true;
    state.sync = true;
    stream._write(chunk, encoding, state.onwrite);
    state.sync = false;
  }
  // False for a broken stream, so that a loop on write() ends.
  return below && !state.errored && !state.destroyed;
}

function doWrite(stream, state, many, length, chunk, encoding, callback) {
  state.writelen = length;
  state.writecb = callback;
  state.writing = true;
  state.sync = true;
  if (state.destroyed) {
    state.onwrite(new ERR_STREAM_DESTROYED('write'));
  } else if (many) {
    stream._writev(chunk, state.onwrite);
  } else {
    stream._write(chunk, encoding, state.onwrite);
  }
  state.sync = false;
}

function onwriteError(stream, state, error, callback) {
  --state.pendingcb;
  callback(error);
  errorBuffer(state);
  errorOrDestroy(stream, error);
}

function onwrite(stream, error) {
  const state = stream._writableState;
  const { sync, writecb: callback } = state;
  if (typeof callback !== 'function') {
    errorOrDestroy(stream, new ERR_MULTIPLE_CALLBACK());
    return;
  }
  state.writing = false;
  state.writecb = null;
  state.length -= state.writelen;
  state.writelen = 0;
  if (error) {
    onwriteFailed(stream, state, error, sync, callback);
    return;
  }
  if (state.buffered.length > state.bufferedIndex) {
    clearBuffer(stream, state);
  }
  if (!sync) {
    afterWrite(stream, state, 1, callback);
    return;
  }
  const drains = state.needDrain && state.length === 0;
  if (callback === nop) {
    if (!state[kAfterWritePending] && drains) {
      nextTick(afterWrite, stream, state, 1, callback);
      state[kAfterWritePending] = true;
    } else {
      state.pendingcb--;
      if (state.ending) {
        finishMaybe(stream, state, true);
      }
    }
  } else if (state.afterWriteTickInfo !== null && state.afterWriteTickInfo.callback === callback) {
    // The same callback for write after write: one tick for all of them.
    state.afterWriteTickInfo.count++;
  } else {
    state.afterWriteTickInfo = { count: 1, callback, stream, state };
    nextTick(afterWriteTick, state.afterWriteTickInfo);
    state[kAfterWritePending] = true;
  }
}

function onwriteFailed(stream, state, error, sync, callback) {
  // Read now, so that the stack is formatted while its frames are alive.
  void error.stack;
  state.errored ||= error;
  if (stream._readableState && !stream._readableState.errored) {
    stream._readableState.errored = error;
  }
  if (sync) {
    nextTick(onwriteError, stream, state, error, callback);
  } else {
    onwriteError(stream, state, error, callback);
  }
}

function afterWriteTick({ stream, state, count, callback }) {
  state.afterWriteTickInfo = null;
  return afterWrite(stream, state, count, callback);
}

function afterWrite(stream, state, count, callback) {
  state[kAfterWritePending] = false;
  if (!state.ending && !stream.destroyed && state.length === 0 && state.needDrain) {
    state.needDrain = false;
    stream.emit('drain');
  }
  while (count-- > 0) {
    state.pendingcb--;
    callback(null);
  }
  if (state.destroyed) {
    errorBuffer(state);
  }
  finishMaybe(stream, state);
}

// Fails whatever was buffered and never written.
function errorBuffer(state) {
  if (state.writing) {
    return;
  }
  for (let n = state.bufferedIndex; n < state.buffered.length; ++n) {
    const { chunk, callback } = state.buffered[n];
    state.length -= state.objectMode ? 1 : chunk.length;
    callback(state.errored ?? new ERR_STREAM_DESTROYED('write'));
  }
  callOnFinished(state, state.errored ?? new ERR_STREAM_DESTROYED('end'));
  resetBuffer(state);
}

function callOnFinished(state, error) {
  const callbacks = state[kOnFinished];
  state[kOnFinished] = [];
  for (let i = 0; i < callbacks.length; i++) {
    callbacks[i](error);
  }
}

function clearBuffer(stream, state) {
  if (state.corked || state.bufferProcessing || state.destroyed || !state.constructed) {
    return;
  }
  const { buffered, bufferedIndex, objectMode } = state;
  const count = buffered.length - bufferedIndex;
  if (!count) {
    return;
  }
  let i = bufferedIndex;
  state.bufferProcessing = true;
  if (count > 1 && stream._writev) {
    state.pendingcb -= count - 1;
    const callback = state.allNoop ? nop : (error) => {
      for (let n = i; n < buffered.length; ++n) {
        buffered[n].callback(error);
      }
    };
    const chunks = state.allNoop && i === 0 ? buffered : ArrayPrototypeSlice(buffered, i);
    chunks.allBuffers = state.allBuffers;
    doWrite(stream, state, true, state.length, chunks, '', callback);
    resetBuffer(state);
  } else {
    do {
      const { chunk, encoding, callback } = buffered[i];
      buffered[i++] = null;
      doWrite(stream, state, false, objectMode ? 1 : chunk.length, chunk, encoding, callback);
    } while (i < buffered.length && !state.writing);
    if (i === buffered.length) {
      resetBuffer(state);
    } else if (i > 256) {
      ArrayPrototypeSplice(buffered, 0, i);
      state.bufferedIndex = 0;
    } else {
      state.bufferedIndex = i;
    }
  }
  state.bufferProcessing = false;
}

Writable.prototype._write = function(chunk, encoding, callback) {
  if (this._writev) {
    this._writev([{ chunk, encoding }], callback);
  } else {
    throw new ERR_METHOD_NOT_IMPLEMENTED('_write()');
  }
};
Writable.prototype._writev = null;

// ---- The end

Writable.prototype.end = function(chunk, encoding, callback) {
  const state = this._writableState;
  if (typeof chunk === 'function') {
    callback = chunk;
    chunk = null;
    encoding = null;
  } else if (typeof encoding === 'function') {
    callback = encoding;
    encoding = null;
  }
  let error;
  if (chunk !== null && chunk !== undefined) {
    const result = writeChunk(this, chunk, encoding);
    if (result instanceof Error) {
      error = result;
    }
  }
  if (state.corked) {
    state.corked = 1;
    this.uncork();
  }
  if (error) {
    // Reported by the write already.
  } else if (!state.errored && !state.ending) {
    state.ending = true;
    finishMaybe(this, state, true);
    state.ended = true;
  } else if (state.finished) {
    error = new ERR_STREAM_ALREADY_FINISHED('end');
  } else if (state.destroyed) {
    error = new ERR_STREAM_DESTROYED('end');
  }
  if (typeof callback === 'function') {
    if (error) {
      nextTick(callback, error);
    } else if (state.errored) {
      nextTick(callback, state.errored);
    } else if (state.finished) {
      nextTick(callback, null);
    } else {
      ArrayPrototypePush(state[kOnFinished], callback);
    }
  }
  return this;
};

function needFinish(state) {
  return state.ending && !state.destroyed && state.constructed && state.length === 0 && !state.errored &&
    state.buffered.length === 0 && !state.finished && !state.writing && !state.errorEmitted && !state.closeEmitted;
}

function callFinal(stream, state) {
  let called = false;
  function onFinal(error) {
    if (called) {
      errorOrDestroy(stream, error ?? new ERR_MULTIPLE_CALLBACK());
      return;
    }
    called = true;
    state.pendingcb--;
    if (error) {
      callOnFinished(state, error);
      errorOrDestroy(stream, error, state.sync);
    } else if (needFinish(state)) {
      state.prefinished = true;
      stream.emit('prefinish');
      // The callback may come inside end(): 'finish' is never emitted there.
      state.pendingcb++;
      nextTick(finish, stream, state);
    }
  }
  state.sync = true;
  state.pendingcb++;
  try {
    stream._final(onFinal);
  } catch (error) {
    onFinal(error);
  }
  state.sync = false;
}

function prefinish(stream, state) {
  if (state.prefinished || state.finalCalled) {
    return;
  }
  if (typeof stream._final === 'function' && !state.destroyed) {
    state.finalCalled = true;
    callFinal(stream, state);
  } else {
    state.prefinished = true;
    stream.emit('prefinish');
  }
}

function finishMaybe(stream, state, sync) {
  if (!needFinish(state)) {
    return;
  }
  prefinish(stream, state);
  if (state.pendingcb !== 0) {
    return;
  }
  if (sync) {
    state.pendingcb++;
    nextTick(() => {
      if (needFinish(state)) {
        finish(stream, state);
      } else {
        state.pendingcb--;
      }
    });
  } else if (needFinish(state)) {
    state.pendingcb++;
    finish(stream, state);
  }
}

function finish(stream, state) {
  state.pendingcb--;
  state.finished = true;
  callOnFinished(state, null);
  stream.emit('finish');
  if (state.autoDestroy) {
    // A duplex goes when its readable side is done as well.
    const readable = stream._readableState;
    if (!readable || (readable.autoDestroy && (readable.endEmitted || readable.readable === false))) {
      stream.destroy();
    }
  }
}

Writable.prototype.destroy = function(error, callback) {
  const state = this._writableState;
  if (!state.destroyed && (state.bufferedIndex < state.buffered.length || state[kOnFinished].length)) {
    nextTick(errorBuffer, state);
  }
  FunctionPrototypeCall(destroyImpl.destroy, this, error, callback);
  return this;
};
Writable.prototype._undestroy = destroyImpl.undestroy;
Writable.prototype._destroy = function(error, callback) {
  callback(error);
};

Writable.prototype[EventEmitter.captureRejectionSymbol] = function(error) {
  this.destroy(error);
};

Writable.prototype[SymbolAsyncDispose] = function() {
  let error;
  if (!this.destroyed) {
    error = this.writableFinished ? null : new AbortError();
    this.destroy(error);
  }
  return new Promise((resolve, reject) => {
    eos(this, (failure) => (failure && failure !== error ? reject(failure) : resolve(null)));
  });
};

// ---- What can be asked of a writable

function accessor(get, set) {
  return { __proto__: null, configurable: set !== undefined, enumerable: false, get, set };
}

ObjectDefineProperties(Writable.prototype, {
  closed: accessor(function() {
    return this._writableState ? this._writableState.closed : false;
  }),
  destroyed: accessor(function() {
    return this._writableState ? this._writableState.destroyed : false;
  }, function(value) {
    if (this._writableState) {
      this._writableState.destroyed = value;
    }
  }),
  writable: accessor(function() {
    const state = this._writableState;
    // False only once it is certain that no more can be written.
    return !!state && state.writable !== false && !state.destroyed && !state.errored && !state.ending && !state.ended;
  }, function(value) {
    if (this._writableState) {
      this._writableState.writable = !!value;
    }
  }),
  writableFinished: accessor(function() {
    return this._writableState ? this._writableState.finished : false;
  }),
  writableObjectMode: accessor(function() {
    return this._writableState ? this._writableState.objectMode : false;
  }),
  writableBuffer: accessor(function() {
    return this._writableState && this._writableState.getBuffer();
  }),
  writableEnded: accessor(function() {
    return this._writableState ? this._writableState.ending : false;
  }),
  writableNeedDrain: accessor(function() {
    const state = this._writableState;
    return state ? !state.destroyed && !state.ending && state.needDrain : false;
  }),
  writableHighWaterMark: accessor(function() {
    return this._writableState && this._writableState.highWaterMark;
  }),
  writableCorked: accessor(function() {
    return this._writableState ? this._writableState.corked : 0;
  }),
  writableLength: accessor(function() {
    return this._writableState && this._writableState.length;
  }),
  errored: accessor(function() {
    return this._writableState ? this._writableState.errored : null;
  }),
  writableAborted: accessor(function() {
    const state = this._writableState;
    return !!(state.writable !== false && (state.destroyed || state.errored) && !state.finished);
  }),
});
