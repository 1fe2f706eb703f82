// process.stdin, stdout and stderr of an execution that has a terminal.
'use strict';

const { state } = require('internal/process/execution');
const { untouched } = require('internal/process/untouched');
const { nextTick } = require('internal/task_queues');

// Called before the program: from now on the streams are made here.
function attach(device) {
  state.terminal = device;
  // A console on a terminal shows colours, which only the stream can tell.
  untouched.stdout = untouched.stderr = () => false;
}

function makeOutput(fd) {
  const { WriteStream } = require('tty');
  const stream = new WriteStream(fd);
  stream._type = 'tty';
  stream.fd = fd;
  stream._isStdio = true;
  require('internal/process/stdio').neverClose(stream);
  require('process').on('SIGWINCH', () => stream._refreshSize());
  return stream;
}

function makeInput() {
  const { ReadStream } = require('tty');
  const stream = new ReadStream(0);
  stream.fd = 0;
  // Paused by the program, it stops reading once the stream did, so that the program can end.
  stream.on('pause', () => nextTick(() => {
    if (stream._handle.reading && !stream.readableFlowing) {
      stream._readableState.reading = false;
      stream._handle.readStop();
    }
  }));
  return stream;
}

module.exports = { attach, makeInput, makeOutput };
