// duplexPair: two Duplex streams, each of which reads what the other was given.
'use strict';

const { Symbol } = primordials;

const Duplex = require('internal/streams/duplex');
const { nextTick } = require('internal/task_queues');

const kCallback = Symbol('Callback');
const kOther = Symbol('InitOtherSide');

class DuplexSide extends Duplex {
  #other = null;

  constructor(options) {
    super(options);
    this[kCallback] = null;
    this.#other = null;
  }

  [kOther](other) {
    this.#other ??= other;
  }

  _read() {
    const callback = this[kCallback];
    if (callback) {
      this[kCallback] = null;
      callback();
    }
  }

  _write(chunk, encoding, callback) {
    if (chunk.length === 0) {
      nextTick(callback);
    } else {
      this.#other.push(chunk);
      this.#other[kCallback] = callback;
    }
  }

  _final(callback) {
    this.#other.on('end', callback);
    this.#other.push(null);
  }

  _destroy(error, callback) {
    const other = this.#other;
    if (other !== null && !other.destroyed) {
      nextTick(() => {
        if (other.destroyed) {
          return;
        }
        if (error) {
          other.destroy(error);
        } else {
          other.push(null);
        }
      });
    }
    callback(error);
  }
}

function duplexPair(options) {
  const first = new DuplexSide(options);
  const second = new DuplexSide(options);
  first[kOther](second);
  second[kOther](first);
  return [first, second];
}

module.exports = { duplexPair };
