// The promise forms of `fs`, and FileHandle.
'use strict';

const {
  ArrayBufferIsView,
  Error,
  Promise,
  PromisePrototypeThen,
  PromiseReject,
  ReflectApply,
  SafePromisePrototypeFinally,
  Symbol,
  SymbolAsyncDispose,
} = primordials;

const EventEmitter = require('events');
const { complete, runAsync } = require('internal/fs/native');
const reads = require('internal/fs/reads');
const mutations = require('internal/fs/mutations');
const constants = require('internal/fs/constants');
const { opendirPromise } = require('internal/fs/dir');
const { isIterable } = require('internal/streams/utils');
const { toFlags, toPath } = require('internal/fs/arguments');

// Checks now and does it in the poll phase; both kinds of failure are rejections. `turns` is how many trips to the thread pool
// Node makes for it, and so in which order operations of different kinds come back.
function later(prepare, receiver, args, turns = 1) {
  let operation;
  try {
    operation = ReflectApply(prepare, receiver, args);
  } catch (error) {
    return PromiseReject(error);
  }
  return new Promise((resolve, reject) => {
    complete(turns, () => {
      let value;
      try {
        value = runAsync(operation);
      } catch (error) {
        reject(error);
        return;
      }
      resolve(value);
    });
  });
}

function named(name, fn) {
  return { [name](...args) {
    return fn(args);
  } }[name];
}

// Whether a path was given as a FileHandle: then its descriptor is meant.
function throughHandle(target) {
  return target instanceof FileHandle ? target[kFd]('open') : target;
}

const kFd = Symbol('kFd');

class FileHandle extends EventEmitter {
  #fd;
  #closing;

  constructor(fd) {
    super();
    this.#fd = fd;
    this.close = () => {
      if (this.#fd === -1) {
        return new Promise((resolve) => resolve());
      }
      if (this.#closing !== undefined) {
        return this.#closing;
      }
      const fd = this.#fd;
      this.#fd = -1;
      this.#closing = SafePromisePrototypeFinally(later(reads.close, undefined, [fd]), () => {
        this.#closing = undefined;
      });
      this.emit('close');
      return this.#closing;
    };
  }

  getAsyncId() {
    return -1;
  }

  get fd() {
    return this.#fd;
  }

  [kFd](syscall) {
    if (this.#fd === -1) {
      const error = new Error('file closed');
      error.code = 'EBADF';
      error.syscall = syscall;
      throw error;
    }
    return this.#fd;
  }

  #call(prepare, syscall, args, turns) {
    let fd;
    try {
      fd = this[kFd](syscall);
    } catch (error) {
      return PromiseReject(error);
    }
    return later(prepare, undefined, [fd, ...args], turns);
  }

  async appendFile(data, options) {
    return this.#call(mutations.writeFile, 'writeFile', [data, options]);
  }

  async chmod(mode) {
    return this.#call(mutations.fchmod, 'fchmod', [mode]);
  }

  async chown(uid, gid) {
    return this.#call(mutations.fchown, 'fchown', [uid, gid]);
  }

  async datasync() {
    return this.#call(mutations.fdatasync, 'fdatasync', []);
  }

  async sync() {
    return this.#call(mutations.fsync, 'fsync', []);
  }

  async read(buffer, offset, length, position) {
    return this.#call(reads.read, 'read', [buffer, offset, length, position]);
  }

  async readv(buffers, position) {
    return this.#call(reads.readv, 'readv', [buffers, position]);
  }

  async readFile(options) {
    return this.#call(reads.readFile, 'readFile', [options], 2);
  }

  readLines(options = undefined) {
    return require('readline').createInterface({
      input: this.createReadStream(options),
      crlfDelay: Infinity,
    });
  }

  async stat(options) {
    return this.#call(reads.fstat, 'fstat', [options]);
  }

  async truncate(length = 0) {
    return this.#call(mutations.ftruncate, 'ftruncate', [length]);
  }

  async utimes(atime, mtime) {
    return this.#call(mutations.futimes, 'futimes', [atime, mtime]);
  }

  async write(buffer, offset, length, position) {
    return this.#call(mutations.write, 'write', [buffer, offset, length, position]);
  }

  async writev(buffers, position) {
    return this.#call(mutations.writev, 'writev', [buffers, position]);
  }

  async writeFile(data, options) {
    return this.#call(mutations.writeFile, 'writeFile', [data, options]);
  }

  createReadStream(options = undefined) {
    const { ReadStream } = require('internal/fs/streams');
    return new ReadStream(undefined, { ...options, fd: this });
  }

  createWriteStream(options = undefined) {
    const { WriteStream } = require('internal/fs/streams');
    return new WriteStream(undefined, { ...options, fd: this });
  }

  async [SymbolAsyncDispose]() {
    await this.close();
  }
}

function open(path, flags, mode) {
  return PromisePrototypeThen(later(reads.open, undefined, [path, flags, mode]), (fd) => new FileHandle(fd));
}

const promises = {
  access: named('access', (args) => later(reads.access, undefined, args)),
  copyFile: named('copyFile', (args) => later(mutations.copyFile, undefined, args)),
  cp: named('cp', (args) => later(mutations.cp, undefined, args)),
  glob: named('glob', (args) => ReflectApply(require('internal/fs/glob').globPromise, undefined, args)),
  open: { async open(path, flags, mode) {
    toFlags(flags);
    return open(path, flags, mode);
  } }.open,
  opendir: { async opendir(path, options) {
    return opendirPromise(path, options);
  } }.opendir,
  rename: named('rename', (args) => later(mutations.rename, undefined, args)),
  truncate: named('truncate', (args) => later(mutations.truncate, undefined, args)),
  rm: named('rm', (args) => later(mutations.rm, undefined, args)),
  rmdir: named('rmdir', (args) => later(mutations.rmdir, undefined, args)),
  mkdir: named('mkdir', (args) => later(mutations.mkdir, undefined, args)),
  readdir: { async readdir(path, options) {
    return later(reads.readdir, undefined, [path, options, true]);
  } }.readdir,
  readlink: named('readlink', (args) => later(reads.readlink, undefined, args)),
  symlink: named('symlink', (args) => later(mutations.symlink, undefined, args)),
  lstat: named('lstat', (args) => later(reads.lstat, undefined, args)),
  stat: named('stat', (args) => later(reads.stat, undefined, args)),
  statfs: named('statfs', (args) => later(reads.statfs, undefined, args)),
  link: named('link', (args) => later(mutations.link, undefined, args)),
  unlink: named('unlink', (args) => later(mutations.unlink, undefined, args)),
  chmod: named('chmod', (args) => later(mutations.chmod, undefined, args)),
  lchmod: { async lchmod() {
    const { ERR_METHOD_NOT_IMPLEMENTED } = require('internal/errors').codes;
    throw new ERR_METHOD_NOT_IMPLEMENTED('lchmod()');
  } }.lchmod,
  lchown: named('lchown', (args) => later(mutations.lchown, undefined, args)),
  chown: named('chown', (args) => later(mutations.chown, undefined, args)),
  utimes: named('utimes', (args) => later(mutations.utimes, undefined, args)),
  lutimes: named('lutimes', (args) => later(mutations.lutimes, undefined, args)),
  realpath: named('realpath', (args) => later(reads.realpathNative, undefined, args)),
  mkdtemp: named('mkdtemp', (args) => later(mutations.mkdtemp, undefined, args)),
  mkdtempDisposable: named('mkdtempDisposable', (args) => later(mutations.mkdtemp, undefined, args)),
  writeFile: { async writeFile(path, data, options) {
    return writeTo(mutations.writeFile, path, data, options);
  } }.writeFile,
  appendFile: { async appendFile(path, data, options) {
    return writeTo(mutations.appendFile, path, data, options);
  } }.appendFile,
  readFile: { async readFile(path, options) {
    return later(reads.readFile, undefined, [throughHandle(path), options], 4);
  } }.readFile,
  watch: { watch() {
    const { refused } = require('internal/process/refusals');
    throw refused('fs.promises.watch', 'FileSystemWatch');
  } }.watch,
  constants,
};

async function writeTo(prepare, path, data, options) {
  const target = throughHandle(path);
  if (!isIterable(data) || ArrayBufferIsView(data) || typeof data === 'string') {
    return later(prepare, undefined, [target, data, options]);
  }
  // A stream or an iterable: the file is opened before its first chunk is asked for.
  if (typeof target !== 'number') {
    toPath(target);
  }
  return later(prepare, undefined, [target, '', options]);
}

module.exports = { FileHandle, later, promises };
