// Readable: a source of chunks that buffers up to a mark and flows or is read, in exactly the order of Node's events.
'use strict';

const {
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  ArrayPrototypeUnshift,
  FunctionPrototypeCall,
  NumberIsInteger,
  NumberIsNaN,
  NumberParseInt,
  ObjectDefineProperties,
  ObjectSetPrototypeOf,
  ReflectApply,
  Symbol,
  SymbolAsyncDispose,
  SymbolAsyncIterator,
} = primordials;

module.exports = Readable;
Readable.ReadableState = ReadableState;

const EventEmitter = require('events');
const { Buffer } = require('buffer');
const { Stream } = require('internal/streams/legacy');
const { addAbortSignal } = require('internal/streams/add-abort-signal');
const { eos } = require('internal/streams/end-of-stream');
const destroyImpl = require('internal/streams/destroy');
const { getDefaultHighWaterMark, getHighWaterMark } = require('internal/streams/state');
const {
  AbortError,
  aggregateTwoErrors,
  codes: {
    ERR_INVALID_ARG_TYPE,
    ERR_METHOD_NOT_IMPLEMENTED,
    ERR_OUT_OF_RANGE,
    ERR_STREAM_PUSH_AFTER_EOF,
    ERR_STREAM_UNSHIFT_AFTER_END_EVENT,
    ERR_UNKNOWN_ENCODING,
  },
} = require('internal/errors');
const { validateObject } = require('internal/validators');
const { nextTick } = require('internal/task_queues');
const hooks = require('internal/streams/hooks');
const { pipe, unpipe } = require('internal/streams/pipe');
const { wrap } = require('internal/streams/wrap');
const { iterate } = require('internal/streams/iterate');
const { takeFromBuffer } = require('internal/streams/chunks');
const { bytesOfView, isArrayBufferView } = require('internal/streams/bytes');

ObjectSetPrototypeOf(Readable.prototype, Stream.prototype);
ObjectSetPrototypeOf(Readable, Stream);

const kPaused = Symbol('kPaused');
const { errorOrDestroy } = destroyImpl;

function ReadableState(options, stream, isDuplex) {
  this.objectMode = !!(options?.objectMode || (isDuplex && options?.readableObjectMode));
  this.highWaterMark = options ?
    getHighWaterMark(this, options, 'readableHighWaterMark', isDuplex) :
    getDefaultHighWaterMark(false);
  this.buffer = [];
  this.bufferIndex = 0;
  this.length = 0;
  this.pipes = [];
  this.flowing = null;
  this[kPaused] = null;
  this.ended = false;
  this.endEmitted = false;
  this.reading = false;
  this.constructed = true;
  // Whether the next event comes from the same tick that asked for data: if so it must wait for another one.
  this.sync = true;
  this.needReadable = false;
  this.emittedReadable = false;
  this.readableListening = false;
  this.resumeScheduled = false;
  this.errorEmitted = false;
  this.emitClose = options?.emitClose !== false;
  this.autoDestroy = options?.autoDestroy !== false;
  this.destroyed = false;
  this.errored = null;
  this.closed = false;
  this.closeEmitted = false;
  this.defaultEncoding = 'utf8';
  if (options?.defaultEncoding != null && options.defaultEncoding !== 'utf8' && options.defaultEncoding !== 'utf-8') {
    if (!Buffer.isEncoding(options.defaultEncoding)) {
      throw new ERR_UNKNOWN_ENCODING(options.defaultEncoding);
    }
    this.defaultEncoding = options.defaultEncoding;
  }
  // Whom 'drain' is awaited from: one stream, or a set when piping to several.
  this.awaitDrainWriters = null;
  this.multiAwaitDrain = false;
  this.readingMore = false;
  this.dataEmitted = false;
  this.decoder = null;
  this.encoding = null;
  if (options?.encoding) {
    this.decoder = makeDecoder(options.encoding);
    this.encoding = options.encoding;
  }
}

function makeDecoder(encoding) {
  const { StringDecoder } = require('string_decoder');
  return new StringDecoder(encoding);
}

function Readable(options) {
  if (!(this instanceof Readable)) {
    return new Readable(options);
  }
  this._events ??= {
    close: undefined,
    error: undefined,
    data: undefined,
    end: undefined,
    readable: undefined,
  };
  this._readableState = new ReadableState(options, this, false);
  if (options) {
    if (typeof options.read === 'function') {
      this._read = options.read;
    }
    if (typeof options.destroy === 'function') {
      this._destroy = options.destroy;
    }
    if (typeof options.construct === 'function') {
      this._construct = options.construct;
    }
    if (options.signal) {
      addAbortSignal(options.signal, this);
    }
  }
  FunctionPrototypeCall(Stream, this, options);
  if (this._construct != null) {
    destroyImpl.construct(this, () => {
      if (this._readableState.needReadable) {
        maybeReadMore(this, this._readableState);
      }
    });
  }
}

Readable.prototype.destroy = destroyImpl.destroy;
Readable.prototype._undestroy = destroyImpl.undestroy;
Readable.prototype._destroy = function(error, callback) {
  callback(error);
};

Readable.prototype[EventEmitter.captureRejectionSymbol] = function(error) {
  this.destroy(error);
};

Readable.prototype[SymbolAsyncDispose] = function() {
  let error;
  if (!this.destroyed) {
    error = this.readableEnded ? null : new AbortError();
    this.destroy(error);
  }
  return new Promise((resolve, reject) => {
    eos(this, (failure) => (failure && failure !== error ? reject(failure) : resolve(null)));
  });
};

// ---- Chunks in

Readable.prototype.push = function(chunk, encoding) {
  const state = this._readableState;
  return state.objectMode ? pushObject(this, state, chunk) : pushBytes(this, state, chunk, encoding);
};

Readable.prototype.unshift = function(chunk, encoding) {
  const state = this._readableState;
  return state.objectMode ? unshiftObject(this, state, chunk) : unshiftBytes(this, state, chunk, encoding);
};

const kInvalid = Symbol('invalid chunk');

// The chunk as this stream keeps it: with an encoding set, text; else bytes.
function asChunk(stream, state, chunk, encoding) {
  if (typeof chunk === 'string') {
    encoding ||= state.defaultEncoding;
    if (state.encoding === encoding) {
      return [chunk, encoding];
    }
    const bytes = Buffer.from(chunk, encoding);
    if (state.encoding) {
      // A text that came in another encoding than the one set: decoded at once, so no state is carried over.
      return [bytes.toString(state.encoding), encoding];
    }
    return [bytes, ''];
  }
  if (chunk instanceof Buffer) {
    return [chunk, ''];
  }
  if (isArrayBufferView(chunk)) {
    return [bytesOfView(chunk), ''];
  }
  if (chunk !== undefined) {
    errorOrDestroy(stream, new ERR_INVALID_ARG_TYPE('chunk', ['string', 'Buffer', 'TypedArray', 'DataView'], chunk));
    return kInvalid;
  }
  return [chunk, encoding];
}

function pushBytes(stream, state, chunk, encoding) {
  if (chunk === null) {
    state.reading = false;
    onEndOfChunks(stream, state);
    return false;
  }
  const kept = asChunk(stream, state, chunk, encoding);
  if (kept === kInvalid) {
    return false;
  }
  let data = kept[0];
  if (!data || data.length <= 0) {
    state.reading = false;
    maybeReadMore(stream, state);
    return canPushMore(state);
  }
  if (state.ended) {
    errorOrDestroy(stream, new ERR_STREAM_PUSH_AFTER_EOF());
    return false;
  }
  if (state.destroyed || state.errored) {
    return false;
  }
  state.reading = false;
  if (state.decoder && !kept[1]) {
    data = state.decoder.write(data);
    if (data.length === 0) {
      maybeReadMore(stream, state);
      return canPushMore(state);
    }
  }
  addChunk(stream, state, data, false);
  return canPushMore(state);
}

function pushObject(stream, state, chunk) {
  if (chunk === null) {
    state.reading = false;
    onEndOfChunks(stream, state);
    return false;
  }
  if (state.ended) {
    errorOrDestroy(stream, new ERR_STREAM_PUSH_AFTER_EOF());
    return false;
  }
  if (state.destroyed || state.errored) {
    return false;
  }
  state.reading = false;
  if (state.decoder && !encodingOfObject(chunk)) {
    chunk = state.decoder.write(chunk);
  }
  addChunk(stream, state, chunk, false);
  return canPushMore(state);
}

// In object mode a decoder sees bytes only.
function encodingOfObject(chunk) {
  return !isArrayBufferView(chunk);
}

function unshiftBytes(stream, state, chunk, encoding) {
  if (chunk === null) {
    state.reading = false;
    onEndOfChunks(stream, state);
    return false;
  }
  const kept = asChunk(stream, state, chunk, encoding);
  if (kept === kInvalid) {
    return false;
  }
  const data = kept[0];
  if (!data || data.length <= 0) {
    return canPushMore(state);
  }
  return unshiftReady(stream, state, data);
}

function unshiftObject(stream, state, chunk) {
  if (chunk === null) {
    state.reading = false;
    onEndOfChunks(stream, state);
    return false;
  }
  return unshiftReady(stream, state, chunk);
}

function unshiftReady(stream, state, chunk) {
  if (state.endEmitted) {
    errorOrDestroy(stream, new ERR_STREAM_UNSHIFT_AFTER_END_EVENT());
    return false;
  }
  if (state.destroyed || state.errored) {
    return false;
  }
  addChunk(stream, state, chunk, true);
  return canPushMore(state);
}

hooks.maybeReadMore = maybeReadMore;

function canPushMore(state) {
  return !state.ended && (state.length < state.highWaterMark || state.length === 0);
}

function forgetDrain(state) {
  if (state.multiAwaitDrain) {
    state.awaitDrainWriters.clear();
  } else {
    state.awaitDrainWriters = null;
  }
}

function addChunk(stream, state, chunk, front) {
  if (state.flowing && state.length === 0 && !state.sync && stream.listenerCount('data') > 0) {
    // Straight through: nothing is buffered, and nobody is in the middle of a read().
    forgetDrain(state);
    state.dataEmitted = true;
    stream.emit('data', chunk);
  } else {
    state.length += state.objectMode ? 1 : chunk.length;
    if (!front) {
      ArrayPrototypePush(state.buffer, chunk);
    } else if (state.bufferIndex > 0) {
      state.buffer[--state.bufferIndex] = chunk;
    } else {
      ArrayPrototypeUnshift(state.buffer, chunk);
    }
    if (state.needReadable) {
      emitReadable(stream);
    }
  }
  maybeReadMore(stream, state);
}

function onEndOfChunks(stream, state) {
  if (state.ended) {
    return;
  }
  const rest = state.decoder?.end();
  if (rest?.length) {
    ArrayPrototypePush(state.buffer, rest);
    state.length += state.objectMode ? 1 : rest.length;
  }
  state.ended = true;
  if (state.sync) {
    emitReadable(stream);
  } else {
    state.needReadable = false;
    state.emittedReadable = true;
    emitReadableNow(stream);
  }
}

// ---- Chunks out

Readable.prototype.isPaused = function() {
  const state = this._readableState;
  return state[kPaused] === true || state.flowing === false;
};

Readable.prototype.setEncoding = function(encoding) {
  const state = this._readableState;
  const decoder = makeDecoder(encoding);
  state.decoder = decoder;
  state.encoding = decoder.encoding;
  let content = '';
  for (let i = state.bufferIndex; i < state.buffer.length; i++) {
    content += decoder.write(state.buffer[i]);
  }
  state.buffer.length = 0;
  state.bufferIndex = 0;
  if (content !== '') {
    ArrayPrototypePush(state.buffer, content);
  }
  state.length = content.length;
  return this;
};

const MAX_HIGH_WATER_MARK = 0x40000000;

// The next power of two: a reader that asks for odd sizes does not move the mark with each.
function raisedHighWaterMark(n) {
  if (n > MAX_HIGH_WATER_MARK) {
    throw new ERR_OUT_OF_RANGE('size', '<= 1GiB', n);
  }
  n--;
  n |= n >>> 1;
  n |= n >>> 2;
  n |= n >>> 4;
  n |= n >>> 8;
  n |= n >>> 16;
  return n + 1;
}

function howMuchToRead(n, state) {
  if (n <= 0 || (state.length === 0 && state.ended)) {
    return 0;
  }
  if (state.objectMode) {
    return 1;
  }
  if (NumberIsNaN(n)) {
    // A flowing stream gives its chunks as they came.
    return state.flowing && state.length ? state.buffer[state.bufferIndex].length : state.length;
  }
  if (n <= state.length) {
    return n;
  }
  return state.ended ? state.length : 0;
}

Readable.prototype.read = function(n) {
  if (n === undefined) {
    n = NaN;
  } else if (!NumberIsInteger(n)) {
    n = NumberParseInt(n, 10);
  }
  const state = this._readableState;
  const asked = n;
  if (n > state.highWaterMark) {
    state.highWaterMark = raisedHighWaterMark(n);
  }
  if (n !== 0) {
    state.emittedReadable = false;
  }
  // read(0) only prods: with enough buffered the event is what is missing.
  if (n === 0 && state.needReadable &&
      ((state.highWaterMark !== 0 ? state.length >= state.highWaterMark : state.length > 0) || state.ended)) {
    if (state.length === 0 && state.ended) {
      endReadable(this);
    } else {
      emitReadable(this);
    }
    return null;
  }
  n = howMuchToRead(n, state);
  if (n === 0 && state.ended) {
    if (state.length === 0) {
      endReadable(this);
    }
    return null;
  }
  if (wantsMore(state, n)) {
    callRead(this, state);
    // A synchronous _read may have filled the buffer.
    if (!state.reading) {
      n = howMuchToRead(asked, state);
    }
  }
  const taken = n > 0 ? takeFromBuffer(n, state) : null;
  if (taken === null) {
    state.needReadable = state.length <= state.highWaterMark;
    n = 0;
  } else {
    state.length -= n;
    forgetDrain(state);
  }
  if (state.length === 0) {
    if (!state.ended) {
      state.needReadable = true;
    }
    if (asked !== n && state.ended) {
      endReadable(this);
    }
  }
  if (taken !== null && !state.closeEmitted) {
    state.dataEmitted = true;
    this.emit('data', taken);
  }
  return taken;
};

function wantsMore(state, n) {
  const want = state.needReadable || state.length === 0 || state.length - n < state.highWaterMark;
  return want && !(state.ended || state.reading || state.destroyed || state.errored || !state.constructed);
}

function callRead(stream, state) {
  state.reading = true;
  state.sync = true;
  if (state.length === 0) {
    state.needReadable = true;
  }
  try {
    stream._read(state.highWaterMark);
  } catch (error) {
    errorOrDestroy(stream, error);
  }
  state.sync = false;
}

function emitReadable(stream) {
  const state = stream._readableState;
  state.needReadable = false;
  if (!state.emittedReadable) {
    state.emittedReadable = true;
    nextTick(emitReadableNow, stream);
  }
}

function emitReadableNow(stream) {
  const state = stream._readableState;
  if (!state.destroyed && !state.errored && (state.length || state.ended)) {
    stream.emit('readable');
    state.emittedReadable = false;
  }
  state.needReadable = !state.flowing && !state.ended && state.length <= state.highWaterMark;
  flow(stream);
}

function maybeReadMore(stream, state) {
  if (!state.readingMore && state.constructed) {
    state.readingMore = true;
    nextTick(readMore, stream, state);
  }
}

// Fills the buffer up to the mark, as long as reads bring something synchronously.
function readMore(stream, state) {
  while (!state.reading && !state.ended &&
         (state.length < state.highWaterMark || (state.flowing && state.length === 0))) {
    const { length } = state;
    stream.read(0);
    if (length === state.length) {
      break;
    }
  }
  state.readingMore = false;
}

Readable.prototype._read = function() {
  throw new ERR_METHOD_NOT_IMPLEMENTED('_read()');
};

Readable.prototype.pipe = pipe;
Readable.prototype.unpipe = unpipe;
Readable.prototype.wrap = wrap;

// ---- Listeners

Readable.prototype.on = function(event, listener) {
  const result = FunctionPrototypeCall(Stream.prototype.on, this, event, listener);
  const state = this._readableState;
  if (event === 'data') {
    state.readableListening = this.listenerCount('readable') > 0;
    if (state.flowing !== false) {
      this.resume();
    }
  } else if (event === 'readable' && !state.endEmitted && !state.readableListening) {
    state.readableListening = true;
    state.needReadable = true;
    state.flowing = false;
    state.emittedReadable = false;
    if (state.length) {
      emitReadable(this);
    } else if (!state.reading) {
      nextTick(prod, this);
    }
  }
  return result;
};
Readable.prototype.addListener = Readable.prototype.on;

function prod(stream) {
  stream.read(0);
}

Readable.prototype.removeListener = function(event, listener) {
  const result = FunctionPrototypeCall(Stream.prototype.removeListener, this, event, listener);
  if (event === 'readable') {
    // Later, because another 'readable' listener may be added in the same tick.
    nextTick(updateReadableListening, this);
  }
  return result;
};
Readable.prototype.off = Readable.prototype.removeListener;

Readable.prototype.removeAllListeners = function(event) {
  const result = ReflectApply(Stream.prototype.removeAllListeners, this, arguments);
  if (event === 'readable' || event === undefined) {
    nextTick(updateReadableListening, this);
  }
  return result;
};

function updateReadableListening(stream) {
  const state = stream._readableState;
  state.readableListening = stream.listenerCount('readable') > 0;
  if (state.resumeScheduled && state[kPaused] === false) {
    state.flowing = true;
  } else if (stream.listenerCount('data') > 0) {
    stream.resume();
  } else if (!state.readableListening) {
    state.flowing = null;
  }
}

// ---- Flow

Readable.prototype.resume = function() {
  const state = this._readableState;
  if (!state.flowing) {
    // With a 'readable' listener there is no flow, but resume() is remembered.
    state.flowing = !state.readableListening;
    if (!state.resumeScheduled) {
      state.resumeScheduled = true;
      nextTick(resumeNow, this, state);
    }
  }
  state[kPaused] = false;
  return this;
};

function resumeNow(stream, state) {
  if (!state.reading) {
    stream.read(0);
  }
  state.resumeScheduled = false;
  stream.emit('resume');
  flow(stream);
  if (state.flowing && !state.reading) {
    stream.read(0);
  }
}

Readable.prototype.pause = function() {
  const state = this._readableState;
  if (state.flowing !== false) {
    state.flowing = false;
    this.emit('pause');
  }
  state[kPaused] = true;
  return this;
};

function flow(stream) {
  const state = stream._readableState;
  while (state.flowing && stream.read() !== null);
}

Readable.prototype[SymbolAsyncIterator] = function() {
  return asyncIteratorOf(this);
};

Readable.prototype.iterator = function(options) {
  if (options !== undefined) {
    validateObject(options, 'options');
  }
  return asyncIteratorOf(this, options);
};

function asyncIteratorOf(stream, options) {
  if (typeof stream.read !== 'function') {
    stream = Readable.wrap(stream, { objectMode: true });
  }
  const iterator = iterate(stream, options);
  iterator.stream = stream;
  return iterator;
}

// ---- What can be asked of a readable

function accessor(get, set, enumerable = false) {
  return { __proto__: null, configurable: set === undefined ? false : true, enumerable, get, set };
}

ObjectDefineProperties(Readable.prototype, {
  readable: accessor(function() {
    const state = this._readableState;
    return !!state && state.readable !== false && !state.destroyed && !state.errorEmitted && !state.endEmitted;
  }, function(value) {
    if (this._readableState) {
      this._readableState.readable = !!value;
    }
  }),
  readableDidRead: accessor(function() {
    return this._readableState.dataEmitted;
  }),
  readableAborted: accessor(function() {
    const state = this._readableState;
    return !!(state.readable !== false && (state.destroyed || state.errored) && !state.endEmitted);
  }),
  readableHighWaterMark: accessor(function() {
    return this._readableState.highWaterMark;
  }),
  readableBuffer: accessor(function() {
    return this._readableState && ArrayPrototypeSlice(this._readableState.buffer, this._readableState.bufferIndex);
  }),
  readableFlowing: accessor(function() {
    return this._readableState.flowing;
  }, function(value) {
    if (this._readableState) {
      this._readableState.flowing = value;
    }
  }),
  readableLength: accessor(function() {
    return this._readableState.length;
  }),
  readableObjectMode: accessor(function() {
    return this._readableState ? this._readableState.objectMode : false;
  }),
  readableEncoding: accessor(function() {
    return this._readableState ? this._readableState.encoding : null;
  }),
  errored: accessor(function() {
    return this._readableState ? this._readableState.errored : null;
  }),
  closed: accessor(function() {
    return this._readableState ? this._readableState.closed : false;
  }),
  destroyed: accessor(function() {
    return this._readableState ? this._readableState.destroyed : false;
  }, function(value) {
    if (this._readableState) {
      this._readableState.destroyed = value;
    }
  }),
  readableEnded: accessor(function() {
    return this._readableState ? this._readableState.endEmitted : false;
  }),
});

ObjectDefineProperties(ReadableState.prototype, {
  pipesCount: accessor(function() {
    return this.pipes.length;
  }),
  paused: accessor(function() {
    return this[kPaused] !== false;
  }, function(value) {
    this[kPaused] = !!value;
  }),
});

Readable._fromList = takeFromBuffer;

// ---- The end

function endReadable(stream) {
  const state = stream._readableState;
  if (!state.endEmitted) {
    state.ended = true;
    nextTick(endReadableNow, state, stream);
  }
}

function endReadableNow(state, stream) {
  if (state.errored || state.closeEmitted || state.endEmitted || state.length !== 0) {
    return;
  }
  state.endEmitted = true;
  stream.emit('end');
  if (stream.writable && stream.allowHalfOpen === false) {
    nextTick(endWritable, stream);
  } else if (state.autoDestroy) {
    // A duplex goes when its writable side is done as well.
    const writable = stream._writableState;
    if (!writable || (writable.autoDestroy && (writable.finished || writable.writable === false))) {
      stream.destroy();
    }
  }
}

function endWritable(stream) {
  if (stream.writable && !stream.writableEnded && !stream.destroyed) {
    stream.end();
  }
}

Readable.from = function(iterable, options) {
  return require('internal/streams/from').from(Readable, iterable, options);
};

Readable.wrap = function(source, options) {
  return new Readable({
    objectMode: source.readableObjectMode ?? source.objectMode ?? true,
    ...options,
    destroy(error, callback) {
      destroyImpl.destroyer(source, error);
      callback(error);
    },
  }).wrap(source);
};
