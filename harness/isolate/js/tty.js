// The `tty` module: the terminal of an execution that has one, and that nothing is a terminal elsewhere.
'use strict';

const { NumberIsInteger } = primordials;

const net = require('net');
const {
  codes: { ERR_INVALID_FD },
} = require('internal/errors');
const { refused } = require('internal/process/refusals');
const { state } = require('internal/process/execution');

function isatty(fd) {
  return state.terminal !== undefined && NumberIsInteger(fd) && fd >= 0 && fd <= 2;
}
exports.isatty = isatty;

// What a stream holds of the terminal, with the names that Node's has.
class Handle {
  constructor(stream, fd) {
    this.reading = false;
    this.fd = fd;
    this.stream = stream;
    this.referenced = true;
  }

  readStart() {
    this.reading = true;
    state.terminal.start((bytes) => receive(this, bytes));
  }

  readStop() {
    this.reading = false;
    state.terminal.stop();
  }

  setRawMode(flag) {
    state.terminal.setRawMode(flag);
    return 0;
  }

  getWindowSize(size) {
    ({ 0: size[0], 1: size[1] } = state.terminal.size());
    return 0;
  }

  setBlocking() {
    return 0;
  }

  reference(flag) {
    this.referenced = flag;
    state.terminal.reference(flag);
  }

  hasRef() {
    return this.referenced;
  }

  close() {
    if (this.reading) {
      this.readStop();
    }
  }
}

function receive(handle, bytes) {
  const { stream } = handle;
  if (bytes === null) {
    handle.readStop();
    stream.push(null);
    stream.read(0);
  } else if (!stream.push(require('buffer').Buffer.from(bytes.buffer)) && handle.reading) {
    handle.readStop();
  }
}

function claim(name, fd) {
  if (fd >> 0 !== fd || fd < 0) {
    throw new ERR_INVALID_FD(fd);
  }
  if (!isatty(fd)) {
    throw refused(`tty.${name}`, 'TTY');
  }
}

// Both directions, as a terminal has: what is written is shown, what is typed is read.
class TerminalStream extends net.Socket {
  constructor(name, fd, options) {
    claim(name, fd);
    super({ ...options, readableHighWaterMark: 0, decodeStrings: false });
    this._handle = new Handle(this, fd);
  }

  _read() {
    if (!this._handle.reading) {
      this._handle.readStart();
    }
  }

  _write(chunk, encoding, callback) {
    if (typeof chunk === 'string' && encoding !== 'utf8' && encoding !== 'utf-8' && encoding !== 'buffer') {
      chunk = require('buffer').Buffer.from(chunk, encoding);
    }
    native.console.write(1, chunk);
    callback();
  }

  _destroy(error, callback) {
    this._handle.close();
    callback(error);
    require('internal/task_queues').nextTick(() => this.emit('close', error !== null && error !== undefined));
  }

  ref() {
    this._handle.reference(true);
    return this;
  }

  unref() {
    this._handle.reference(false);
    return this;
  }

  get pending() {
    return false;
  }
}

exports.ReadStream = class ReadStream extends TerminalStream {
  constructor(fd, options) {
    super('ReadStream', fd, options);
    this.isRaw = false;
    this.isTTY = true;
  }

  setRawMode(flag) {
    flag = !!flag;
    this._handle.setRawMode(flag);
    this.isRaw = flag;
    return this;
  }
};

class WriteStream extends TerminalStream {
  constructor(fd) {
    super('WriteStream', fd);
    const { 0: columns, 1: rows } = state.terminal.size();
    this.columns = columns;
    this.rows = rows;
  }

  _refreshSize() {
    const { 0: columns, 1: rows } = state.terminal.size();
    if (this.columns !== columns || this.rows !== rows) {
      this.columns = columns;
      this.rows = rows;
      this.emit('resize');
    }
  }

  getWindowSize() {
    return [this.columns, this.rows];
  }

  getColorDepth(env) {
    return require('internal/tty').getColorDepth(env);
  }

  hasColors(count, env) {
    return require('internal/tty').hasColors(count, env);
  }

  cursorTo(x, y, callback) {
    return require('readline').cursorTo(this, x, y, callback);
  }

  moveCursor(dx, dy, callback) {
    return require('readline').moveCursor(this, dx, dy, callback);
  }

  clearLine(direction, callback) {
    return require('readline').clearLine(this, direction, callback);
  }

  clearScreenDown(callback) {
    return require('readline').clearScreenDown(this, callback);
  }
}
WriteStream.prototype.isTTY = true;
exports.WriteStream = WriteStream;
