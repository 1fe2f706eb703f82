// fs.ReadStream and fs.WriteStream.
'use strict';

const {
  FunctionPrototypeBind,
  MathMin,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  PromisePrototypeThen,
  ReflectApply,
  Symbol,
} = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE, ERR_METHOD_NOT_IMPLEMENTED, ERR_OUT_OF_RANGE },
} = require('internal/errors');
const { validateFunction, validateInteger, validateNumber } = require('internal/validators');
const { errorOrDestroy } = require('internal/streams/destroy');
const { eos } = require('internal/streams/end-of-stream');
const Readable = require('internal/streams/readable');
const Writable = require('internal/streams/writable');
const { Buffer } = require('buffer');
const { getOptions, toPath } = require('internal/fs/arguments');
const { nextTick } = require('internal/task_queues');

function publicFs() {
  return require('fs');
}

// What `options.fs` may replace, one function at a time.
function takeFs(options, names) {
  const source = options.fs || publicFs();
  const taken = { __proto__: null };
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (source[name] !== undefined && source[name] !== null) {
      validateFunction(source[name], `options.fs.${name}`);
      taken[name] = FunctionPrototypeBind(source[name], source);
    }
  }
  return taken;
}

const kFs = Symbol('kFs');
const kHandle = Symbol('kHandle');
const kPendingIo = Symbol('kPendingIo');
const kIoDone = Symbol('kIoDone');

// A stream over a FileHandle goes through the handle, so that both know when it is closed.
function fsOverHandle(handle) {
  return {
    __proto__: null,
    read(fd, buffer, offset, length, position, callback) {
      PromisePrototypeThen(handle.read(buffer, offset, length, position),
        (result) => nextTick(callback, null, result.bytesRead, buffer),
        (error) => nextTick(callback, error));
    },
    close(fd, callback) {
      PromisePrototypeThen(handle.close(), () => nextTick(callback), (error) => nextTick(callback, error));
    },
    write(fd, buffer, offset, length, position, callback) {
      PromisePrototypeThen(handle.write(buffer, offset, length, position),
        (result) => nextTick(callback, null, result.bytesWritten, buffer),
        (error) => nextTick(callback, error));
    },
  };
}

function importFd(stream, options, names) {
  if (typeof options.fd === 'number') {
    stream[kFs] = takeFs(options, names);
    return options.fd;
  }
  const { FileHandle } = require('internal/fs/promises');
  if (options.fd !== null && typeof options.fd === 'object' && options.fd instanceof FileHandle) {
    if (options.fs) {
      throw new ERR_METHOD_NOT_IMPLEMENTED('FileHandle with fs');
    }
    stream[kHandle] = options.fd;
    stream[kFs] = fsOverHandle(options.fd);
    options.fd.on('close', FunctionPrototypeBind(stream.close, stream));
    return options.fd.fd;
  }
  throw new ERR_INVALID_ARG_TYPE('options.fd', ['number', 'FileHandle'], options.fd);
}

function construct(callback) {
  const stream = this;
  if (typeof stream.fd === 'number') {
    callback();
    return;
  }
  // Programs replace open() to open something else.
  stream[kFs].open(stream.path, stream.flags, stream.mode, (error, fd) => {
    if (error) {
      callback(error);
    } else {
      stream.fd = fd;
      callback();
      stream.emit('open', stream.fd);
      stream.emit('ready');
    }
  });
}

function closeFd(stream, error, callback) {
  stream[kFs].close(stream.fd, (failure) => {
    callback(failure || error);
  });
  stream.fd = null;
}

function checkRange(stream, options) {
  const { start, end } = options;
  if (start !== undefined) {
    validateNumber(start, 'start');
    validateInteger(start, 'start', 0);
    stream.start = start;
    stream.pos = start;
  }
  if (end === undefined) {
    stream.end = Infinity;
  } else if (end !== Infinity) {
    validateInteger(end, 'end', 0);
    if (stream.start !== undefined && stream.start > end) {
      throw new ERR_OUT_OF_RANGE('start', `<= "end" (here: ${end})`, stream.start);
    }
  }
}

function ReadStream(path, options) {
  if (!(this instanceof ReadStream)) {
    return new ReadStream(path, options);
  }
  options = { ...getOptions(options, {}) };
  options.highWaterMark ??= 64 * 1024;
  if (options.fd == null) {
    this.fd = null;
    this[kFs] = takeFs(options, ['open', 'read', 'close']);
    this.path = toPath(path);
    this.flags = options.flags === undefined ? 'r' : options.flags;
    this.mode = options.mode === undefined ? 0o666 : options.mode;
  } else {
    this.fd = importFd(this, options, ['read', 'close']);
  }
  options.autoDestroy = options.autoClose === undefined ? true : options.autoClose;
  this.start = options.start;
  this.end = options.end ?? Infinity;
  this.pos = undefined;
  this.bytesRead = 0;
  this[kPendingIo] = false;
  checkRange(this, options);
  ReflectApply(Readable, this, [options]);
  if (options.encoding) {
    this.setEncoding(options.encoding);
  }
}
ObjectSetPrototypeOf(ReadStream.prototype, Readable.prototype);
ObjectSetPrototypeOf(ReadStream, Readable);

function autoCloseOf(prototype, state) {
  ObjectDefineProperty(prototype, 'autoClose', {
    __proto__: null,
    get() {
      return this[state].autoDestroy;
    },
    set(value) {
      this[state].autoDestroy = value;
    },
  });
}
autoCloseOf(ReadStream.prototype, '_readableState');

ReadStream.prototype._construct = construct;

ReadStream.prototype._read = function(size) {
  size = this.pos !== undefined ?
    MathMin(this.end - this.pos + 1, size) :
    MathMin(this.end - this.bytesRead + 1, size);
  if (size <= 0) {
    this.push(null);
    return;
  }
  const buffer = Buffer.allocUnsafeSlow(size);
  this[kPendingIo] = true;
  this[kFs].read(this.fd, buffer, 0, size, this.pos, (error, bytesRead, read) => {
    this[kPendingIo] = false;
    // Destroyed meanwhile: _destroy waits to close.
    if (this.destroyed) {
      this.emit(kIoDone, error);
      return;
    }
    if (error) {
      errorOrDestroy(this, error);
    } else if (bytesRead > 0) {
      if (this.pos !== undefined) {
        this.pos += bytesRead;
      }
      this.bytesRead += bytesRead;
      if (bytesRead !== read.length) {
        // No more memory is kept than was read.
        const exact = Buffer.allocUnsafeSlow(bytesRead);
        read.copy(exact, 0, 0, bytesRead);
        read = exact;
      }
      this.push(read);
    } else {
      this.push(null);
    }
  });
};

function destroyFile(error, callback) {
  if (this[kPendingIo]) {
    this.once(kIoDone, (failure) => closeOrDone(this, error || failure, callback));
  } else {
    closeOrDone(this, error, callback);
  }
}

function closeOrDone(stream, error, callback) {
  if (typeof stream.fd === 'number') {
    closeFd(stream, error, callback);
  } else {
    callback(error);
  }
}

ReadStream.prototype._destroy = destroyFile;
ReadStream.prototype.close = function(callback) {
  if (typeof callback === 'function') {
    eos(this, callback);
  }
  this.destroy();
};

function pendingOf(prototype) {
  ObjectDefineProperty(prototype, 'pending', {
    __proto__: null,
    configurable: true,
    get() {
      return this.fd === null;
    },
  });
}
pendingOf(ReadStream.prototype);

function WriteStream(path, options) {
  if (!(this instanceof WriteStream)) {
    return new WriteStream(path, options);
  }
  options = { ...getOptions(options, {}) };
  // Text is encoded here, with the stream's own encoding.
  options.decodeStrings = true;
  if (options.fd == null) {
    this.fd = null;
    this[kFs] = takeFs(options, ['open', 'write', 'writev', 'close']);
    this.path = toPath(path);
    this.flags = options.flags === undefined ? 'w' : options.flags;
    this.mode = options.mode === undefined ? 0o666 : options.mode;
  } else {
    this.fd = importFd(this, options, ['write', 'writev', 'close']);
  }
  options.autoDestroy = options.autoClose === undefined ? true : options.autoClose;
  this.start = options.start;
  this.pos = undefined;
  this.bytesWritten = 0;
  this[kPendingIo] = false;
  if (this.start !== undefined) {
    validateInteger(this.start, 'start', 0);
    this.pos = this.start;
  }
  ReflectApply(Writable, this, [options]);
  if (options.encoding) {
    this.setDefaultEncoding(options.encoding);
  }
}
ObjectSetPrototypeOf(WriteStream.prototype, Writable.prototype);
ObjectSetPrototypeOf(WriteStream, Writable);
autoCloseOf(WriteStream.prototype, '_writableState');

WriteStream.prototype._construct = construct;

WriteStream.prototype._write = function(data, encoding, callback) {
  this[kPendingIo] = true;
  this[kFs].write(this.fd, data, 0, data.length, this.pos, (error, bytes) => {
    this[kPendingIo] = false;
    if (this.destroyed) {
      callback(error);
      this.emit(kIoDone, error);
      return;
    }
    if (error) {
      callback(error);
      return;
    }
    this.bytesWritten += bytes;
    callback();
  });
  if (this.pos !== undefined) {
    this.pos += data.length;
  }
};

WriteStream.prototype._destroy = destroyFile;
WriteStream.prototype.close = function(callback) {
  if (callback) {
    if (this.closed) {
      nextTick(callback);
      return;
    }
    this.on('close', callback);
  }
  // With autoClose off, 'finish' is what closes.
  if (!this.autoClose) {
    this.on('finish', this.destroy);
  }
  this.end();
};
WriteStream.prototype.destroySoon = WriteStream.prototype.end;
pendingOf(WriteStream.prototype);

module.exports = { ReadStream, WriteStream };
