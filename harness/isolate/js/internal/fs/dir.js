// Dir: a directory opened to be read entry by entry.
'use strict';

const {
  ObjectDefineProperty,
  Promise,
  PromiseReject,
  SymbolAsyncDispose,
  SymbolAsyncIterator,
  SymbolDispose,
} = primordials;

const {
  codes: { ERR_DIR_CLOSED, ERR_MISSING_ARGS },
} = require('internal/errors');
const { validateFunction, validateUint32 } = require('internal/validators');
const { call, complete, fail, runAsync } = require('internal/fs/native');
const { Dirent } = require('internal/fs/stats');
const { encodeName, getOptions, toPath } = require('internal/fs/arguments');
const { nextTick } = require('internal/task_queues');

const kOpen = {};

class Dir {
  #path;
  #flat;
  #encoding;
  #at = 0;
  #closed = false;

  constructor(token, path, flat, encoding) {
    if (token !== kOpen) {
      throw new ERR_MISSING_ARGS('handle');
    }
    this.#path = path;
    this.#flat = flat;
    this.#encoding = encoding;
  }

  get path() {
    return this.#path;
  }

  #next() {
    if (this.#at >= this.#flat.length) {
      return null;
    }
    const name = this.#flat[this.#at];
    const type = this.#flat[this.#at + 1];
    this.#at += 2;
    return new Dirent(encodeName(name, this.#encoding), this.#path, type);
  }

  read(callback) {
    if (callback === undefined) {
      if (this.#closed) {
        return PromiseReject(new ERR_DIR_CLOSED());
      }
      return new Promise((resolve) => complete(1, () => resolve(this.#next())));
    }
    validateFunction(callback, 'callback');
    if (this.#closed) {
      throw new ERR_DIR_CLOSED();
    }
    complete(1, () => callback(null, this.#next()));
    return undefined;
  }

  readSync() {
    if (this.#closed) {
      throw new ERR_DIR_CLOSED();
    }
    return this.#next();
  }

  close(callback) {
    if (callback === undefined) {
      if (this.#closed) {
        return PromiseReject(new ERR_DIR_CLOSED());
      }
      this.#closed = true;
      return new Promise((resolve) => complete(1, () => resolve()));
    }
    validateFunction(callback, 'callback');
    if (this.#closed) {
      nextTick(callback, new ERR_DIR_CLOSED());
      return undefined;
    }
    this.#closed = true;
    complete(1, () => callback(null));
    return undefined;
  }

  closeSync() {
    if (this.#closed) {
      throw new ERR_DIR_CLOSED();
    }
    this.#closed = true;
  }

  async* entries() {
    try {
      for (;;) {
        const entry = await this.read();
        if (entry === null) {
          break;
        }
        yield entry;
      }
    } finally {
      if (!this.#closed) {
        await this.close();
      }
    }
  }

  [SymbolDispose]() {
    if (!this.#closed) {
      this.closeSync();
    }
  }

  async [SymbolAsyncDispose]() {
    if (!this.#closed) {
      await this.close();
    }
  }
}

ObjectDefineProperty(Dir.prototype, SymbolAsyncIterator, {
  __proto__: null,
  value: Dir.prototype.entries,
  enumerable: false,
  writable: true,
  configurable: true,
});

function openAt(path, encoding, sync) {
  const flat = call('readDir', path);
  if (typeof flat === 'number') {
    // The synchronous form does not name the path.
    fail(flat, 'opendir', sync ? undefined : path);
  }
  return new Dir(kOpen, path, flat, encoding);
}

function prepare(path, options) {
  path = toPath(path);
  options = getOptions(options, { encoding: 'utf8' });
  if (options.bufferSize !== undefined) {
    validateUint32(options.bufferSize, 'options.bufferSize', true);
  }
  return { path, encoding: options.encoding };
}

function opendirSync(given, options) {
  const { path, encoding } = prepare(given, options);
  return openAt(path, encoding, true);
}

function opendir(given, options, callback) {
  callback = typeof options === 'function' ? options : callback;
  validateFunction(callback, 'callback');
  const { path, encoding } = prepare(given, typeof options === 'function' ? undefined : options);
  complete(1, () => {
    let dir;
    try {
      dir = runAsync(() => openAt(path, encoding, false));
    } catch (error) {
      callback(error);
      return;
    }
    callback(null, dir);
  });
}

function opendirPromise(given, options) {
  return new Promise((resolve, reject) => {
    opendir(given, options ?? {}, (error, dir) => (error ? reject(error) : resolve(dir)));
  });
}

module.exports = { Dir, opendir, opendirPromise, opendirSync };
