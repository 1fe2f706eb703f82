// The changing operations of `fs`. The file system is read-only: each checks its arguments and then fails as it would there.
'use strict';

const { MathFloor, MathRandom } = primordials;

const {
  codes: { ERR_FS_EISDIR, ERR_OUT_OF_RANGE },
} = require('internal/errors');
const { validateBoolean, validateInteger, validateObject } = require('internal/validators');
const { call, checked, fail, isAsync, isDirectory } = require('internal/fs/native');
const constants = require('internal/fs/constants');
const descriptors = require('internal/fs/descriptors');
const {
  checkBuffer,
  checkBuffers,
  getOptions,
  toData,
  toFd,
  toFlags,
  toMode,
  toPath,
  toTime,
} = require('internal/fs/arguments');

const EEXIST = -17;
const ENOTDIR = -20;
const EROFS = -30;

// For a change of something that must exist.
function refuseExisting(syscall, path, name = 'stat') {
  checked(call(name, path), syscall, path);
  fail(EROFS, syscall, path);
}

// For a change of a directory's entries: the kernel looks at the directory, then at the file system, then at the entry.
function refuseEntry(syscall, path, dest) {
  const errno = descriptors.parentFault(path);
  fail(errno === 0 ? EROFS : errno, syscall, path, dest);
}

function refuseNew(syscall, shown, path, dest) {
  if (typeof call('lstat', path) !== 'number') {
    fail(EEXIST, syscall, shown, dest);
  }
  const errno = descriptors.parentFault(path);
  fail(errno === 0 ? EROFS : errno, syscall, shown, dest);
}

function onMode(syscall, name = 'stat') {
  return (path, mode) => {
    path = toPath(path);
    toMode(mode, 'mode');
    return () => refuseExisting(syscall, path, name);
  };
}

function onOwner(syscall, name = 'stat') {
  return (path, uid, gid) => {
    path = toPath(path);
    validateInteger(uid, 'uid', -1, 2 ** 32 - 1);
    validateInteger(gid, 'gid', -1, 2 ** 32 - 1);
    return () => refuseExisting(syscall, path, name);
  };
}

function onTimes(syscall, name = 'stat') {
  return (path, atime, mtime) => {
    path = toPath(path);
    toTime(atime);
    toTime(mtime);
    return () => refuseExisting(syscall, path, name);
  };
}

function fchmod(fd, mode) {
  fd = toFd(fd);
  toMode(mode, 'mode');
  return () => descriptors.refuseChange(fd, 'fchmod');
}

function fchown(fd, uid, gid) {
  fd = toFd(fd);
  validateInteger(uid, 'uid', -1, 2 ** 32 - 1);
  validateInteger(gid, 'gid', -1, 2 ** 32 - 1);
  return () => descriptors.refuseChange(fd, 'fchown');
}

function futimes(fd, atime, mtime) {
  fd = toFd(fd);
  toTime(atime, 'atime');
  toTime(mtime, 'mtime');
  return () => descriptors.refuseChange(fd, 'futime');
}

function ftruncate(fd, length = 0) {
  fd = toFd(fd);
  validateInteger(length, 'len');
  return () => descriptors.refuseChange(fd, 'ftruncate', true);
}

// Nothing is ever unwritten.
function syncOf(syscall) {
  return (fd) => {
    fd = toFd(fd);
    return () => {
      descriptors.factsOf(fd, syscall);
    };
  };
}

function copyFile(source, dest, mode) {
  source = toPath(source, 'src');
  dest = toPath(dest, 'dest');
  validateInteger(mode ?? 0, 'mode', 0, 7);
  return () => {
    const facts = call('stat', source);
    if (typeof facts === 'number') {
      fail(facts, 'copyfile', source, dest);
    }
    const errno = descriptors.parentFault(dest);
    fail(errno === 0 ? EROFS : errno, 'copyfile', source, dest);
  };
}

function cp(source, dest, options) {
  if (options !== undefined) {
    validateObject(options, 'options');
  }
  source = toPath(source, 'src');
  dest = toPath(dest, 'dest');
  return () => {
    const facts = checked(call('lstat', source), 'lstat', source);
    if (isDirectory(facts)) {
      if (!options?.recursive) {
        throw new ERR_FS_EISDIR({
          message: `Recursive option not enabled, cannot copy a directory: ${source}`,
          path: source,
          syscall: 'cp',
          errno: 21,
          code: 'EISDIR',
        });
      }
      fail(EROFS, 'mkdir', dest);
    }
    fail(EROFS, 'copyfile', source, dest);
  };
}

function link(existing, path) {
  existing = toPath(existing, 'existingPath');
  path = toPath(path, 'newPath');
  return () => {
    const facts = call('lstat', existing);
    if (typeof facts === 'number') {
      fail(facts, 'link', existing, path);
    }
    refuseNew('link', existing, path, path);
  };
}

function symlink(target, path) {
  target = toPath(target, 'target');
  path = toPath(path);
  return () => refuseNew('symlink', target, path, path);
}

function rename(from, to) {
  from = toPath(from, 'oldPath');
  to = toPath(to, 'newPath');
  return () => {
    const errno = descriptors.parentFault(from) || descriptors.parentFault(to);
    fail(errno === 0 ? EROFS : errno, 'rename', from, to);
  };
}

function unlink(path) {
  path = toPath(path);
  return () => refuseEntry('unlink', path);
}

function mkdir(path, options) {
  let mode = 0o777;
  let recursive = false;
  if (typeof options === 'number' || typeof options === 'string') {
    mode = toMode(options, 'mode');
  } else if (options) {
    if (options.recursive !== undefined) {
      ({ recursive } = options);
      validateBoolean(recursive, 'options.recursive');
    }
    mode = toMode(options.mode, 'options.mode', mode);
  }
  path = toPath(path);
  return () => {
    if (!recursive) {
      return refuseNew('mkdir', path, path);
    }
    const facts = call('stat', path);
    if (typeof facts === 'number') {
      return fail(facts === ENOTDIR ? ENOTDIR : EROFS, 'mkdir', path);
    }
    // What exists already is a success, of which nothing was made.
    return isDirectory(facts) ? undefined : fail(EEXIST, 'mkdir', path);
  };
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

// The synchronous form's message has the template, the others' the name that was tried.
function template(prefix) {
  if (!isAsync()) {
    return `${prefix}XXXXXX`;
  }
  let name = prefix;
  for (let i = 0; i < 6; i++) {
    name += LETTERS[MathFloor(MathRandom() * LETTERS.length)];
  }
  return name;
}

function mkdtemp(prefix, options) {
  getOptions(options);
  prefix = toPath(prefix, 'prefix');
  return () => {
    const parent = descriptors.parentFault(`${prefix}x`);
    if (parent !== 0) {
      fail(parent, 'mkdtemp', template(prefix));
    }
    fail(EROFS, 'mkdtemp', template(prefix));
  };
}

function rmdir(path, options) {
  if (options !== undefined) {
    validateObject(options, 'options');
  }
  path = toPath(path);
  return () => {
    if (options?.recursive) {
      checked(call('lstat', path), 'lstat', path);
    }
    refuseEntry('rmdir', path);
  };
}

function rm(path, options) {
  if (options !== undefined) {
    validateObject(options, 'options');
    if (options.force !== undefined) {
      validateBoolean(options.force, 'options.force');
    }
    if (options.recursive !== undefined) {
      validateBoolean(options.recursive, 'options.recursive');
    }
  }
  path = toPath(path);
  return () => {
    const facts = call('lstat', path);
    if (typeof facts === 'number') {
      if (options?.force && facts === -2) {
        return;
      }
      fail(facts, 'lstat', path);
    }
    if (isDirectory(facts)) {
      if (!options?.recursive) {
        throw new ERR_FS_EISDIR({ code: 'EISDIR', message: 'is a directory', path, syscall: 'rm', errno: 21 });
      }
      refuseTree(path);
    }
    fail(EROFS, 'unlink', path);
  };
}

// The first thing that a recursive removal would remove.
function refuseTree(path) {
  const flat = checked(call('readDir', path), 'scandir', path);
  if (flat.length === 0) {
    fail(EROFS, 'rmdir', path);
  }
  const inner = require('path').posix.join(path, flat[0]);
  if (flat[1] === constants.UV_DIRENT_DIR) {
    refuseTree(inner);
  }
  fail(EROFS, 'unlink', inner);
}

function truncate(path, length) {
  path = toPath(path);
  if (length !== undefined && length !== null) {
    validateInteger(length, 'len');
  }
  return () => fail(descriptors.writeFault(path, constants.O_RDWR), 'open', path);
}

function writeWhole(flag) {
  return (path, data, options) => {
    options = getOptions(options, { encoding: 'utf8', mode: 0o666, flag, flush: false });
    const bytes = toData(data, options.encoding);
    const flags = toFlags(options.flag ?? flag);
    toMode(options.mode, 'mode', 0o666);
    const isFd = typeof path === 'number' && path >= 0 && (path | 0) === path;
    if (!isFd) {
      path = toPath(path);
    }
    return () => {
      if (isFd) {
        descriptors.writeFile(path, bytes);
        return;
      }
      if (path === '/dev/stdout' || path === '/dev/stderr') {
        descriptors.writeFile(path === '/dev/stdout' ? 1 : 2, bytes);
        return;
      }
      descriptors.openFile(path, flags);
      fail(-9, 'write');
    };
  };
}

const writeFile = writeWhole('w');
const appendFile = writeWhole('a');

// The forms: (fd, view, offset, length, position), (fd, view, options), (fd, text, position, encoding).
function write(fd, data, offset, length, position) {
  fd = toFd(fd);
  if (typeof data === 'string') {
    const bytes = toData(data, length);
    return () => ({ bytesWritten: descriptors.writeFile(fd, bytes), buffer: data });
  }
  checkBuffer(data);
  if (offset !== null && typeof offset === 'object') {
    ({ offset = 0, length = data.byteLength - offset, position = null } = offset);
  }
  if (offset == null) {
    offset = 0;
  } else {
    validateInteger(offset, 'offset', 0);
  }
  length ??= data.byteLength - offset;
  if (offset > data.byteLength) {
    throw new ERR_OUT_OF_RANGE('offset', `<= ${data.byteLength}`, offset);
  }
  if (length > data.byteLength - offset) {
    throw new ERR_OUT_OF_RANGE('length', `<= ${data.byteLength - offset}`, length);
  }
  if (length < 0) {
    throw new ERR_OUT_OF_RANGE('length', '>= 0', length);
  }
  const { Buffer } = require('buffer');
  const part = Buffer.from(data.buffer, data.byteOffset + offset, length);
  return () => ({ bytesWritten: descriptors.writeFile(fd, part), buffer: data });
}


function writev(fd, list) {
  fd = toFd(fd);
  checkBuffers(list);
  return () => {
    let bytesWritten = 0;
    for (let i = 0; i < list.length; i++) {
      bytesWritten += descriptors.writeFile(fd, list[i]);
    }
    if (list.length === 0) {
      descriptors.factsOf(fd, 'write');
    }
    return { bytesWritten, buffers: list };
  };
}

module.exports = {
  appendFile,
  chmod: onMode('chmod'),
  chown: onOwner('chown'),
  copyFile,
  cp,
  fchmod,
  fchown,
  fdatasync: syncOf('fdatasync'),
  fsync: syncOf('fsync'),
  ftruncate,
  futimes,
  lchown: onOwner('lchown', 'lstat'),
  link,
  lutimes: onTimes('lutime', 'lstat'),
  mkdir,
  mkdtemp,
  rename,
  rm,
  rmdir,
  symlink,
  truncate,
  unlink,
  utimes: onTimes('utime'),
  write,
  writeFile,
  writev,
};
