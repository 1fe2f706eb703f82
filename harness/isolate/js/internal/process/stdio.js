// process.stdin, stdout and stderr: streams over the text that was given and the sink that keeps the output.
'use strict';

const { ObjectDefineProperty, ObjectSetPrototypeOf, ReflectApply } = primordials;

const { nextTick } = require('internal/task_queues');

// Writes at once, as Node does to files and pipes: nothing is lost when the execution ends right after.
function makeOutput(fd) {
  const Writable = require('internal/streams/writable');
  function OutputStream() {
    ReflectApply(Writable, this, [{ autoDestroy: false, emitClose: false, decodeStrings: false, highWaterMark: 16384 }]);
    this.fd = fd;
    this._type = 'pipe';
    this._isStdio = true;
    neverClose(this);
  }
  ObjectSetPrototypeOf(OutputStream.prototype, Writable.prototype);
  ObjectSetPrototypeOf(OutputStream, Writable);
  OutputStream.prototype._write = function(chunk, encoding, callback) {
    if (typeof chunk === 'string' && encoding !== 'utf8' && encoding !== 'utf-8' && encoding !== 'buffer') {
      chunk = require('buffer').Buffer.from(chunk, encoding);
    }
    native.console.write(fd, chunk);
    callback();
  };
  ObjectDefineProperty(OutputStream, 'name', { __proto__: null, value: 'Socket' });
  return new OutputStream();
}

// What is written later, in an 'exit' listener perhaps, still arrives.
function neverClose(stream) {
  stream.destroySoon = stream.destroy;
  stream._destroy = function(error, callback) {
    callback(error);
    this._undestroy();
    if (!this._writableState.emitClose) {
      nextTick(() => this.emit('close'));
    }
  };
}

function makeInput(given) {
  const Readable = require('internal/streams/readable');
  const { Buffer } = require('buffer');
  const bytes = given === undefined ? Buffer.alloc(0) : Buffer.from(given);
  let at = 0;
  const stdin = new Readable({
    highWaterMark: 64 * 1024,
    read(size) {
      // In the poll phase, as input that comes from a file or a pipe.
      native.loop.defer(() => {
        if (at >= bytes.length) {
          this.push(null);
          return;
        }
        const chunk = bytes.subarray(at, at + size);
        at += chunk.length;
        this.push(chunk);
      });
    },
  });
  stdin.fd = 0;
  return stdin;
}

module.exports = { makeInput, makeOutput, neverClose };
