// The table of open files. The tree gives no handles, so a descriptor is a path, a position and what was known at open.
'use strict';

const { Number, SafeMap, StringPrototypeSlice } = primordials;

const { absolute, call, checked, fail, isDirectory } = require('internal/fs/native');
const constants = require('internal/fs/constants');

// Descriptors 0, 1 and 2 are the standard streams; a process has 1024 in all.
const FIRST = 3;
const LIMIT = 1024;

const EACCES = -13;
const EBADF = -9;
const EEXIST = -17;
const EINVAL = -22;
const EISDIR = -21;
const ELOOP = -40;
const EMFILE = -24;
const ENOENT = -2;
const ENOTDIR = -20;
const ESPIPE = -29;
const EROFS = -30;

const open = new SafeMap();
let lowestFree = FIRST;

const WRITES = constants.O_WRONLY | constants.O_RDWR;

// The errno with which an open for writing fails: nothing can be written, but the reasons before that come first.
function writeFault(path, flags) {
  const facts = call('stat', path);
  if (typeof facts === 'number') {
    if (facts !== ENOENT || !(flags & constants.O_CREAT)) {
      return facts;
    }
    const parent = parentFault(path);
    return parent === 0 ? EROFS : parent;
  }
  if ((flags & constants.O_CREAT) && (flags & constants.O_EXCL)) {
    return EEXIST;
  }
  return isDirectory(facts) ? EISDIR : EROFS;
}

// What is wrong with the directory that a new entry would be made in; 0 if nothing is.
function parentFault(path) {
  if (path === '') {
    return ENOENT;
  }
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') {
    end--;
  }
  while (end > 0 && path[end - 1] !== '/') {
    end--;
  }
  const facts = call('stat', end === 0 ? '.' : StringPrototypeSlice(path, 0, end));
  if (typeof facts === 'number') {
    return facts;
  }
  return isDirectory(facts) ? 0 : ENOTDIR;
}


function openFile(path, flags) {
  if ((flags & WRITES) !== 0 || (flags & (constants.O_CREAT | constants.O_TRUNC)) !== 0) {
    const existing = (flags & WRITES) === 0 && !(flags & constants.O_TRUNC) ? call('stat', path) : ENOENT;
    if (typeof existing === 'number') {
      fail(writeFault(path, flags), 'open', path);
    }
    if (flags & constants.O_EXCL) {
      fail(EEXIST, 'open', path);
    }
  }
  if (flags & constants.O_NOFOLLOW) {
    const link = checked(call('lstat', path), 'open', path);
    if ((link[0] & constants.S_IFMT) === constants.S_IFLNK) {
      fail(ELOOP, 'open', path);
    }
  }
  const facts = checked(call('stat', path), 'open', path);
  const type = facts[0] & constants.S_IFMT;
  if ((flags & constants.O_DIRECTORY) && type !== constants.S_IFDIR) {
    fail(ENOTDIR, 'open', path);
  }
  if (type !== constants.S_IFREG && type !== constants.S_IFDIR) {
    // A pipe, socket or device: never opened.
    fail(EACCES, 'open', path);
  }
  const fd = lowestFree;
  if (fd >= LIMIT) {
    fail(EMFILE, 'open', path);
  }
  // The name may be a link that changes: what was opened is the file it led to.
  const real = call('realPath', path);
  open.set(fd, {
    __proto__: null,
    path: typeof real === 'string' ? real : absolute(path),
    facts,
    position: 0,
    isDirectory: type === constants.S_IFDIR,
  });
  while (open.has(++lowestFree));
  return fd;
}

function closeFile(fd) {
  if (fd < FIRST && fd >= 0 && !closedStandard.has(fd)) {
    closedStandard.set(fd, true);
    return;
  }
  if (!open.delete(fd)) {
    fail(EBADF, 'close');
  }
  if (fd < lowestFree) {
    lowestFree = fd;
  }
}

const closedStandard = new SafeMap();

function isStandard(fd) {
  return fd >= 0 && fd < FIRST && !closedStandard.has(fd);
}

function entryOf(fd, syscall) {
  const entry = open.get(fd);
  if (entry === undefined) {
    fail(EBADF, syscall);
  }
  return entry;
}

let inputPosition = 0;

// The standard input as a file: what was given, once.
function readInput(view, offset, length) {
  const { Buffer } = require('buffer');
  const given = native.process.state().stdin;
  if (given === undefined) {
    return 0;
  }
  const bytes = Buffer.from(given);
  const target = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  const count = bytes.copy(target, offset, inputPosition, inputPosition + length);
  inputPosition += count;
  return count;
}

// Reads at a position, or at the file's own (`null` or -1), which then moves on.
function readFile(fd, view, offset, length, position) {
  if (isStandard(fd)) {
    if (fd !== 0) {
      fail(EBADF, 'read');
    }
    if (position !== null && position !== undefined && position >= 0) {
      fail(ESPIPE, 'read');
    }
    return length === 0 ? 0 : readInput(view, offset, length);
  }
  const entry = entryOf(fd, 'read');
  if (entry.isDirectory) {
    fail(EISDIR, 'read');
  }
  const own = position === null || position === undefined || position < 0;
  const start = own ? entry.position : Number(position);
  const count = length === 0 ? 0 : native.fs.readAt(entry.path, start, view, offset, length);
  if (count < 0) {
    fail(count, 'read');
  }
  if (own) {
    entry.position += count;
  }
  return count;
}

// Everything from the file's own position on.
function readRest(fd) {
  const { Buffer } = require('buffer');
  if (isStandard(fd)) {
    if (fd !== 0) {
      fail(EBADF, 'read');
    }
    const given = native.process.state().stdin;
    const bytes = given === undefined ? Buffer.alloc(0) : Buffer.from(given);
    const rest = bytes.subarray(inputPosition);
    inputPosition = bytes.length;
    return rest;
  }
  const entry = entryOf(fd, 'read');
  if (entry.isDirectory) {
    fail(EISDIR, 'read');
  }
  const whole = native.fs.read(entry.path);
  if (typeof whole === 'number') {
    fail(whole, 'read');
  }
  const rest = Buffer.from(whole.buffer, entry.position, whole.byteLength - entry.position);
  entry.position = whole.byteLength;
  return rest;
}

// Only the standard streams can be written to.
function writeFile(fd, data, syscall = 'write') {
  if (isStandard(fd) && fd !== 0) {
    native.console.write(fd, data);
    return data.byteLength;
  }
  if (!isStandard(fd)) {
    entryOf(fd, syscall);
  }
  return fail(EBADF, syscall);
}

const STANDARD_FACTS = [constants.S_IFIFO | 0o600, 1, 0, 0, 0, 0];

function factsOf(fd, syscall) {
  return isStandard(fd) ? STANDARD_FACTS : entryOf(fd, syscall).facts;
}

// For changes through a descriptor: those opened for reading refuse some, the file system refuses the rest.
function refuseChange(fd, syscall, unwritable) {
  if (!isStandard(fd)) {
    entryOf(fd, syscall);
  }
  fail(unwritable ? EINVAL : EROFS, syscall);
}

module.exports = {
  closeFile,
  entryOf,
  factsOf,
  isStandard,
  openFile,
  parentFault,
  readFile,
  readRest,
  refuseChange,
  writeFault,
  writeFile,
};
