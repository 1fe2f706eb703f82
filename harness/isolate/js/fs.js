// The `fs` module: every operation in its synchronous and its callback form.
'use strict';

const {
  ArrayPrototypeSlice,
  ObjectDefineProperties,
  ObjectDefineProperty,
  Promise,
  ReflectApply,
  SymbolFor,
} = primordials;

const { customPromisifyArgs } = require('internal/util');
const { refused } = require('internal/process/refusals');
const { complete, runAsync } = require('internal/fs/native');
const constants = require('internal/fs/constants');
const reads = require('internal/fs/reads');
const mutations = require('internal/fs/mutations');
const { toCallback } = require('internal/fs/arguments');
const { Dirent, Stats } = require('internal/fs/stats');
const { Dir, opendir, opendirSync } = require('internal/fs/dir');

const customPromisify = SymbolFor('nodejs.util.promisify.custom');

// The callback stands at `most`, or earlier when optional arguments before it are left out.
function callbackAt(args, least, most) {
  for (let i = least; i < most; i++) {
    if (typeof args[i] === 'function') {
      return i;
    }
  }
  return most;
}

// `spread` takes the value apart into the callback's further arguments.
function callbackForm(name, prepare, least, most, { turns = 1, spread } = {}) {
  return named(name, most + 1, (args) => {
    const at = callbackAt(args, least, most);
    const callback = toCallback(args[at]);
    const operation = ReflectApply(prepare, undefined, ArrayPrototypeSlice(args, 0, at));
    const frames = require('internal/async_context_frame');
    const captured = frames.current();
    complete(turns, () => {
      const before = frames.exchange(captured);
      try {
        finish(operation, callback, spread);
      } finally {
        frames.set(before);
      }
    });
  });
}

// A function that names and counts its parameters: to define that afterwards would make it heavier, and there are many.
function named(name, length, run) {
  switch (length) {
    case 2: return { [name](a, b) {
      run(arguments);
    } }[name];
    case 3: return { [name](a, b, c) {
      run(arguments);
    } }[name];
    case 4: return { [name](a, b, c, d) {
      run(arguments);
    } }[name];
    default: return { [name](a, b, c, d, e, f) {
      run(arguments);
    } }[name];
  }
}

function finish(operation, callback, spread) {
  let value;
  try {
    value = runAsync(operation);
  } catch (error) {
    callback(error);
    return;
  }
  if (value === undefined) {
    callback(null);
  } else if (spread === undefined) {
    callback(null, value);
  } else {
    callback(null, value[spread[0]], value[spread[1]]);
  }
}

function syncForm(name, prepare, take) {
  return { [name](...args) {
    const value = ReflectApply(prepare, undefined, args)();
    return take === undefined ? value : value[take];
  } }[name];
}

const fs = module.exports;

function add(name, prepare, least, most, options) {
  fs[name] = callbackForm(name, prepare, least, most, options);
  fs[`${name}Sync`] = syncForm(`${name}Sync`, prepare, options?.spread?.[0]);
}

add('appendFile', mutations.appendFile, 2, 3);
add('access', reads.access, 1, 2);
add('chown', mutations.chown, 3, 3);
add('chmod', mutations.chmod, 2, 2);
add('close', reads.close, 1, 1);
add('copyFile', mutations.copyFile, 2, 3);
add('cp', mutations.cp, 2, 3);
fs.createReadStream = function createReadStream(path, options) {
  return new fs.ReadStream(path, options);
};
fs.createWriteStream = function createWriteStream(path, options) {
  return new fs.WriteStream(path, options);
};
fs.exists = function exists(path, callback) {
  toCallback(callback);
  const operation = reads.exists(path);
  complete(1, () => callback(operation()));
};
ObjectDefineProperty(fs.exists, customPromisify, {
  __proto__: null,
  value: function exists(path) {
    return new Promise((resolve) => fs.exists(path, resolve));
  },
});
fs.existsSync = syncForm('existsSync', reads.exists);
add('fchown', mutations.fchown, 3, 3);
add('fchmod', mutations.fchmod, 2, 2);
add('fdatasync', mutations.fdatasync, 1, 1);
add('fstat', reads.fstat, 1, 2);
add('fsync', mutations.fsync, 1, 1);
add('ftruncate', mutations.ftruncate, 1, 2);
add('futimes', mutations.futimes, 3, 3);
fs.glob = function glob(patterns, options, callback) {
  if (typeof options === 'function') {
    callback = options;
    options = undefined;
  }
  toCallback(callback);
  complete(1, () => {
    let found;
    try {
      found = fs.globSync(patterns, options);
    } catch (error) {
      callback(error);
      return;
    }
    callback(null, found);
  });
};
fs.globSync = function globSync(patterns, options) {
  return require('internal/fs/glob').globSync(patterns, options);
};
add('lchown', mutations.lchown, 3, 3);
fs.lchmod = undefined;
fs.lchmodSync = undefined;
add('link', mutations.link, 2, 2);
add('lstat', reads.lstat, 1, 2);
add('lutimes', mutations.lutimes, 3, 3);
add('mkdir', mutations.mkdir, 1, 2);
add('mkdtemp', mutations.mkdtemp, 1, 2);
fs.mkdtempDisposableSync = syncForm('mkdtempDisposableSync', mutations.mkdtemp);
add('open', reads.open, 1, 3);
fs.openAsBlob = async function openAsBlob(path, options = {}) {
  const { Blob } = require('buffer');
  return new Blob([await require('internal/fs/promises').promises.readFile(path)], options);
};
add('readdir', (path, options) => reads.readdir(path, options, false), 1, 2);
add('read', reads.read, 1, 5, { spread: ['bytesRead', 'buffer'] });
add('readv', reads.readv, 2, 3, { spread: ['bytesRead', 'buffers'] });
add('readFile', reads.readFile, 1, 2, { turns: 4 });
add('readlink', reads.readlink, 1, 2);
add('realpath', reads.realpath, 1, 2);
fs.realpath.native = callbackForm('native', reads.realpathNative, 1, 2);
fs.realpathSync.native = syncForm('native', reads.realpathNative);
add('rename', mutations.rename, 2, 2);
add('rm', mutations.rm, 1, 2);
add('rmdir', mutations.rmdir, 1, 2);
add('stat', reads.stat, 1, 2);
add('statfs', reads.statfs, 1, 2);
add('symlink', mutations.symlink, 2, 3);
add('truncate', mutations.truncate, 1, 2);
fs.unwatchFile = function unwatchFile() {};
add('unlink', mutations.unlink, 1, 1);
add('utimes', mutations.utimes, 3, 3);
fs.watch = function watch() {
  throw refused('fs.watch', 'FileSystemWatch');
};
fs.watchFile = function watchFile() {
  throw refused('fs.watchFile', 'FileSystemWatch');
};
add('writeFile', mutations.writeFile, 2, 3);
add('write', mutations.write, 2, 5, { spread: ['bytesWritten', 'buffer'] });
add('writev', mutations.writev, 2, 3, { spread: ['bytesWritten', 'buffers'] });

for (const [name, names] of [
  ['read', ['bytesRead', 'buffer']],
  ['readv', ['bytesRead', 'buffers']],
  ['write', ['bytesWritten', 'buffer']],
  ['writev', ['bytesWritten', 'buffers']],
]) {
  ObjectDefineProperty(fs[name], customPromisifyArgs, { __proto__: null, value: names, enumerable: false });
}

fs.Dirent = Dirent;
fs.Stats = Stats;

// Streams are loaded when they are first asked for: the loader wants `fs` long before.
function lazyStream(source) {
  let value;
  return {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get() {
      return (value ??= require('internal/fs/streams')[source]);
    },
    set(replacement) {
      value = replacement;
    },
  };
}

ObjectDefineProperties(fs, {
  ReadStream: lazyStream('ReadStream'),
  WriteStream: lazyStream('WriteStream'),
  // Their old names.
  FileReadStream: lazyStream('ReadStream'),
  FileWriteStream: lazyStream('WriteStream'),
});

fs._toUnixTimestamp = require('internal/fs/arguments').toTime;
fs.Dir = Dir;
fs.opendir = opendir;
fs.opendirSync = opendirSync;

ObjectDefineProperties(fs, {
  constants: { __proto__: null, configurable: false, enumerable: true, value: constants },
  promises: {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get() {
      return require('internal/fs/promises').promises;
    },
  },
});
