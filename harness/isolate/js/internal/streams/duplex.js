// Duplex: a Readable and a Writable in one stream, each with its own buffer.
'use strict';

const {
  FunctionPrototypeCall,
  ObjectDefineProperties,
  ObjectGetOwnPropertyDescriptor,
  ObjectKeys,
  ObjectSetPrototypeOf,
} = primordials;

module.exports = Duplex;

const { Stream } = require('internal/streams/legacy');
const Readable = require('internal/streams/readable');
const Writable = require('internal/streams/writable');
const hooks = require('internal/streams/hooks');
const { addAbortSignal } = require('internal/streams/add-abort-signal');
const destroyImpl = require('internal/streams/destroy');

ObjectSetPrototypeOf(Duplex.prototype, Readable.prototype);
ObjectSetPrototypeOf(Duplex, Readable);

// The readable side by inheritance, the writable side by copy.
for (const method of ObjectKeys(Writable.prototype)) {
  Duplex.prototype[method] ||= Writable.prototype[method];
}
Duplex.prototype.destroy = Writable.prototype.destroy;

function Duplex(options) {
  if (!(this instanceof Duplex)) {
    return new Duplex(options);
  }
  this._events ??= {
    close: undefined,
    error: undefined,
    prefinish: undefined,
    finish: undefined,
    drain: undefined,
    data: undefined,
    end: undefined,
    readable: undefined,
  };
  this._readableState = new Readable.ReadableState(options, this, true);
  this._writableState = new Writable.WritableState(options, this, true);
  if (options) {
    this.allowHalfOpen = options.allowHalfOpen !== false;
    if (options.readable === false) {
      this._readableState.readable = false;
      this._readableState.ended = true;
      this._readableState.endEmitted = true;
    }
    if (options.writable === false) {
      this._writableState.writable = false;
      this._writableState.ending = true;
      this._writableState.ended = true;
      this._writableState.finished = true;
    }
    if (typeof options.read === 'function') {
      this._read = options.read;
    }
    hooks.takeMethods(this, options);
    if (options.signal) {
      addAbortSignal(options.signal, this);
    }
  } else {
    this.allowHalfOpen = true;
  }
  FunctionPrototypeCall(Stream, this, options);
  if (this._construct != null) {
    destroyImpl.construct(this, () => {
      this._readableState.constructed = true;
      if (this._readableState.needReadable) {
        hooks.maybeReadMore(this, this._readableState);
      }
      hooks.constructed(this);
    });
  }
}

function writableProperty(name) {
  return { __proto__: null, ...ObjectGetOwnPropertyDescriptor(Writable.prototype, name) };
}

ObjectDefineProperties(Duplex.prototype, {
  writable: writableProperty('writable'),
  writableHighWaterMark: writableProperty('writableHighWaterMark'),
  writableObjectMode: writableProperty('writableObjectMode'),
  writableBuffer: writableProperty('writableBuffer'),
  writableLength: writableProperty('writableLength'),
  writableFinished: writableProperty('writableFinished'),
  writableCorked: writableProperty('writableCorked'),
  writableEnded: writableProperty('writableEnded'),
  writableNeedDrain: writableProperty('writableNeedDrain'),
  destroyed: {
    __proto__: null,
    configurable: true,
    get() {
      if (this._readableState === undefined || this._writableState === undefined) {
        return false;
      }
      return this._readableState.destroyed && this._writableState.destroyed;
    },
    set(value) {
      // Ignored while a subclass is being constructed.
      if (this._readableState && this._writableState) {
        this._readableState.destroyed = value;
        this._writableState.destroyed = value;
      }
    },
  },
});

Duplex.from = function(body) {
  return require('internal/streams/duplexify').duplexify(body, 'body');
};
