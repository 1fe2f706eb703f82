// The reading operations of `fs`. Each checks its arguments and returns what is then to be done, now or in the poll phase.
'use strict';

const { ArrayBufferIsView, ArrayPrototypePop, ArrayPrototypePush, ArrayPrototypeShift, BigInt, Number, StringPrototypeSplit } = primordials;

const {
  AbortError,
  codes: { ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE },
} = require('internal/errors');
const { kValidateObjectAllowNullable, validateBoolean, validateInteger, validateObject } = require('internal/validators');
const { call, checked, fail, isDirectory } = require('internal/fs/native');
const constants = require('internal/fs/constants');
const descriptors = require('internal/fs/descriptors');
const { Dirent, makeStatFs, makeStats } = require('internal/fs/stats');
const {
  checkBuffer,
  checkBuffers,
  encodeName,
  getOptions,
  toAccessMode,
  toFd,
  toFlags,
  toMode,
  toPath,
} = require('internal/fs/arguments');
const { kEmptyObject } = require('internal/util');

const ENOENT = -2;
const ENOTDIR = -20;
const EACCES = -13;
const EROFS = -30;

function access(path, mode) {
  path = toPath(path);
  mode = toAccessMode(mode);
  return () => {
    const facts = checked(call('stat', path), 'access', path);
    if (mode & constants.W_OK) {
      fail(EROFS, 'access', path);
    }
    // As for root: it may read everything, and run what anybody may run.
    if ((mode & constants.X_OK) && (facts[0] & constants.S_IFMT) !== constants.S_IFDIR && !(facts[0] & 0o111)) {
      fail(EACCES, 'access', path);
    }
  };
}

function exists(path) {
  try {
    path = toPath(path);
  } catch {
    return () => false;
  }
  return () => typeof call('stat', path) !== 'number';
}

// `throwIfNoEntry: false` makes a missing file undefined; the synchronous forms have it.
function statOf(name, syscall) {
  return (path, options = kEmptyObject) => {
    path = toPath(path);
    const { bigint = false, throwIfNoEntry = true } = options ?? kEmptyObject;
    return () => {
      const facts = call(name, path);
      if (!throwIfNoEntry && (facts === ENOENT || facts === ENOTDIR)) {
        return undefined;
      }
      return makeStats(checked(facts, syscall, path), bigint);
    };
  };
}

const stat = statOf('stat', 'stat');
const lstat = statOf('lstat', 'lstat');

function fstat(fd, options = kEmptyObject) {
  fd = toFd(fd);
  const { bigint = false } = options ?? kEmptyObject;
  return () => makeStats(descriptors.factsOf(fd, 'fstat'), bigint);
}

function statfs(path, options = kEmptyObject) {
  path = toPath(path);
  const { bigint = false } = options ?? kEmptyObject;
  return () => {
    checked(call('stat', path), 'statfs', path);
    return makeStatFs(bigint);
  };
}

function readlink(path, options) {
  options = getOptions(options);
  path = toPath(path);
  return () => encodeName(checked(call('readLink', path), 'readlink', path), options.encoding);
}

function realpathNative(path, options) {
  options = getOptions(options);
  path = toPath(path);
  return () => encodeName(checked(call('realPath', path), 'realpath', path), options.encoding);
}

// Node resolves this one itself, link by link, so a failure names the lstat of the part that is missing.
function realpath(path, options) {
  options = getOptions(options);
  path = toPath(path);
  return () => {
    const resolved = require('path').posix.resolve(require('process').cwd(), path);
    const real = call('realPath', resolved);
    if (typeof real !== 'number') {
      return encodeName(real, options.encoding);
    }
    return failAtPart(resolved, real);
  };
}

function failAtPart(path, errno) {
  const parts = StringPrototypeSplit(path, '/');
  let current = '/';
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] === '') {
      continue;
    }
    const part = current === '/' ? `/${parts[i]}` : `${current}/${parts[i]}`;
    const facts = call('lstat', part);
    if (typeof facts === 'number') {
      return fail(facts, 'lstat', part);
    }
    const target = call('stat', part);
    if (typeof target === 'number') {
      return fail(target, 'stat', part);
    }
    current = call('realPath', part);
  }
  return fail(errno, 'lstat', path);
}

// ---- Files

function open(path, flags, mode) {
  path = toPath(path);
  flags = toFlags(flags);
  toMode(mode, 'mode', 0o666);
  return () => descriptors.openFile(path, flags);
}

function close(fd) {
  fd = toFd(fd);
  return () => descriptors.closeFile(fd);
}

function checkRange(offset, length, byteLength) {
  if (offset > byteLength) {
    throw new ERR_OUT_OF_RANGE('offset', `<= ${byteLength}`, offset);
  }
  if (length > byteLength - offset) {
    throw new ERR_OUT_OF_RANGE('length', `<= ${byteLength - offset}`, length);
  }
  if (length < 0) {
    throw new ERR_OUT_OF_RANGE('length', '>= 0', length);
  }
}

function checkPosition(position, length) {
  if (typeof position === 'number') {
    validateInteger(position, 'position', -1);
  } else if (typeof position === 'bigint') {
    if (position < -1n || position > 2n ** 63n - 1n - BigInt(length)) {
      throw new ERR_OUT_OF_RANGE('position', `>= -1 && <= ${2n ** 63n - 1n - BigInt(length)}`, position);
    }
    position = Number(position);
  } else if (position !== null && position !== undefined) {
    const { ERR_INVALID_ARG_TYPE } = require('internal/errors').codes;
    throw new ERR_INVALID_ARG_TYPE('position', ['integer', 'bigint'], position);
  }
  return position;
}

// The forms: (fd, buffer, offset, length, position), (fd, buffer, options), (fd, buffer), (fd, options), (fd).
function read(fd, buffer, offsetOrOptions, length, position) {
  const short = arguments.length <= 3;
  fd = toFd(fd);
  let offset = offsetOrOptions;
  if (buffer === undefined || (buffer !== null && typeof buffer === 'object' && !ArrayBufferIsView(buffer))) {
    const options = buffer;
    buffer = undefined;
    if (options !== undefined) {
      validateObject(options, 'options');
      ({ buffer, offset, length, position } = options);
    }
    buffer ??= require('buffer').Buffer.alloc(16384);
    offset ??= 0;
    length ??= buffer.byteLength - offset;
  } else if (short || (offset !== null && typeof offset === 'object')) {
    if (offset !== undefined) {
      validateObject(offset, 'options', kValidateObjectAllowNullable);
    }
    ({ offset = 0, length, position } = offset ?? kEmptyObject);
  }
  checkBuffer(buffer);
  if (offset === undefined || offset === null) {
    offset = 0;
  } else {
    validateInteger(offset, 'offset', 0);
  }
  length ??= buffer.byteLength - offset;
  length |= 0;
  if (length !== 0 && buffer.byteLength === 0) {
    throw new ERR_INVALID_ARG_VALUE('buffer', buffer, 'is empty and cannot be written');
  }
  if (length !== 0) {
    checkRange(offset, length, buffer.byteLength);
  }
  position = checkPosition(position, length);
  return () => ({ bytesRead: descriptors.readFile(fd, buffer, offset, length, position), buffer });
}

function readv(fd, list, position) {
  fd = toFd(fd);
  checkBuffers(list);
  if (typeof position !== 'number') {
    position = null;
  }
  return () => {
    if (list.length === 0) {
      descriptors.factsOf(fd, 'read');
      fail(-22, 'read');
    }
    let bytesRead = 0;
    for (let i = 0; i < list.length; i++) {
      const at = position === null ? null : position + bytesRead;
      const count = descriptors.readFile(fd, list[i], 0, list[i].byteLength, at);
      bytesRead += count;
      if (count < list[i].byteLength) {
        break;
      }
    }
    return { bytesRead, buffers: list };
  };
}

const STANDARD_INPUT = '/dev/stdin';

function readFile(path, options) {
  options = getOptions(options, { flag: 'r' });
  const { encoding, signal } = options;
  const isFd = typeof path === 'number' && (path | 0) === path;
  if (!isFd) {
    path = toPath(path);
  }
  const flags = toFlags(options.flag);
  return () => {
    if (signal?.aborted) {
      throw new AbortError(undefined, { cause: signal.reason });
    }
    if (isFd) {
      return decode(descriptors.readRest(path), encoding);
    }
    if (path === STANDARD_INPUT) {
      return decode(descriptors.readRest(0), encoding);
    }
    if (flags !== constants.O_RDONLY) {
      return readThrough(path, flags, encoding);
    }
    return readWhole(path, encoding);
  };
}

function readWhole(path, encoding) {
  const asText = encoding === 'utf8' || encoding === 'utf-8';
  const content = call(asText ? 'readText' : 'read', path);
  if (typeof content === 'number') {
    failRead(content, path);
  }
  if (asText) {
    return content;
  }
  const { Buffer } = require('buffer');
  return decode(Buffer.from(content.buffer, content.byteOffset, content.byteLength), encoding);
}

// A directory opens and then cannot be read; everything else fails at open.
function failRead(errno, path) {
  const EISDIR = -21;
  const EFBIG = -27;
  if (errno === EISDIR) {
    fail(errno, 'read');
  }
  if (errno === EFBIG) {
    const { ERR_FS_FILE_TOO_LARGE, ERR_STRING_TOO_LONG } = require('internal/errors').codes;
    const facts = call('stat', path);
    const size = typeof facts === 'number' ? 0 : facts[3];
    if (size > 2 ** 31 - 1) {
      throw new ERR_FS_FILE_TOO_LARGE(size);
    }
    throw new ERR_STRING_TOO_LONG();
  }
  fail(errno, 'open', path);
}

function readThrough(path, flags, encoding) {
  const fd = descriptors.openFile(path, flags);
  try {
    return decode(descriptors.readRest(fd), encoding);
  } finally {
    descriptors.closeFile(fd);
  }
}

function decode(bytes, encoding) {
  return encoding ? bytes.toString(encoding) : bytes;
}

// ---- Directories

function entriesOf(path) {
  return checked(call('readDir', path), 'scandir', path);
}

function joined(directory, name) {
  return require('path').posix.join(directory, name);
}

function asDirent(name, parent, type, encoding) {
  return new Dirent(encodeName(name, encoding), parent, type);
}

// A directory, or a link to one, is gone into; only the promise form with types stays off links.
function leadsDown(type, directory, name, followLinks) {
  if (type !== constants.UV_DIRENT_LINK || !followLinks) {
    return type === constants.UV_DIRENT_DIR;
  }
  const facts = call('stat', joined(directory, name));
  return typeof facts !== 'number' && isDirectory(facts);
}

// `depthFirst`: the promise form visits the last directory it saw first, the others take them in order.
function readdir(path, options, depthFirst) {
  options = getOptions(options);
  path = toPath(path);
  if (options.recursive != null) {
    validateBoolean(options.recursive, 'options.recursive');
  }
  const { encoding, recursive, withFileTypes } = options;
  return () => {
    const result = [];
    const queue = [''];
    while (queue.length > 0) {
      const relative = (depthFirst ? ArrayPrototypePop : ArrayPrototypeShift)(queue);
      const directory = relative === '' ? path : joined(path, relative);
      const flat = entriesOf(directory);
      for (let i = 0; i < flat.length; i += 2) {
        const name = flat[i];
        const type = flat[i + 1];
        const inner = relative === '' ? name : joined(relative, name);
        ArrayPrototypePush(
          result,
          withFileTypes ? asDirent(name, directory, type, encoding) : encodeName(inner, encoding));
        if (recursive && leadsDown(type, directory, name, !(depthFirst && withFileTypes))) {
          ArrayPrototypePush(queue, inner);
        }
      }
    }
    return result;
  };
}

module.exports = {
  access,
  close,
  entriesOf,
  exists,
  fstat,
  lstat,
  open,
  read,
  readFile,
  readdir,
  readlink,
  readv,
  realpath,
  realpathNative,
  stat,
  statfs,
};
