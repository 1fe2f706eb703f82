// Transform: a Duplex whose output is made of its input, with back pressure from one side to the other.
'use strict';

const { FunctionPrototypeCall, ObjectSetPrototypeOf, Symbol } = primordials;

module.exports = Transform;

const {
  codes: { ERR_METHOD_NOT_IMPLEMENTED },
} = require('internal/errors');
const Duplex = require('internal/streams/duplex');
const { getHighWaterMark } = require('internal/streams/state');
const { nextTick } = require('internal/task_queues');

ObjectSetPrototypeOf(Transform.prototype, Duplex.prototype);
ObjectSetPrototypeOf(Transform, Duplex);

const kCallback = Symbol('kCallback');

function Transform(options) {
  if (!(this instanceof Transform)) {
    return new Transform(options);
  }
  // With a readable mark of 0 the writable side must buffer nothing as well, or the two would wait for each other.
  const readableMark = options ? getHighWaterMark(this, options, 'readableHighWaterMark', true) : null;
  if (readableMark === 0) {
    options = {
      ...options,
      highWaterMark: null,
      readableHighWaterMark: readableMark,
      writableHighWaterMark: options.writableHighWaterMark || 0,
    };
  }
  FunctionPrototypeCall(Duplex, this, options);
  // _read was called in the constructor's terms: no need for a 'readable' before there is input.
  this._readableState.sync = false;
  this[kCallback] = null;
  if (options) {
    if (typeof options.transform === 'function') {
      this._transform = options.transform;
    }
    if (typeof options.flush === 'function') {
      this._flush = options.flush;
    }
  }
  // For those that have a _final of their own, as zlib's streams once had.
  this.on('prefinish', prefinish);
}

function final(callback) {
  if (typeof this._flush !== 'function' || this.destroyed) {
    this.push(null);
    if (callback) {
      callback();
    }
    return;
  }
  this._flush((error, data) => {
    if (error) {
      if (callback) {
        callback(error);
      } else {
        this.destroy(error);
      }
      return;
    }
    if (data != null) {
      this.push(data);
    }
    this.push(null);
    if (callback) {
      callback();
    }
  });
}

function prefinish() {
  if (this._final !== final) {
    FunctionPrototypeCall(final, this);
  }
}

Transform.prototype._final = final;

Transform.prototype._transform = function() {
  throw new ERR_METHOD_NOT_IMPLEMENTED('_transform()');
};

Transform.prototype._write = function(chunk, encoding, callback) {
  const { _readableState: readable, _writableState: writable } = this;
  const { length } = readable;
  this._transform(chunk, encoding, (error, value) => {
    if (error) {
      callback(error);
      return;
    }
    if (value != null) {
      this.push(value);
    }
    if (readable.ended) {
      // The readable side ended inside the transform: what is still to be written is dropped.
      nextTick(callback);
    } else if (writable.ended || length === readable.length || readable.length < readable.highWaterMark) {
      callback();
    } else {
      this[kCallback] = callback;
    }
  });
};

Transform.prototype._read = function() {
  if (this[kCallback]) {
    const callback = this[kCallback];
    this[kCallback] = null;
    callback();
  }
};
