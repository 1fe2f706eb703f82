// The file tree as `fs` sees it: paths made absolute, failures as Node's errors, completions in the loop's poll phase.
'use strict';

const { StringPrototypeCharCodeAt } = primordials;

const { asyncErrnoError, errnoError } = require('internal/process/refusals');

const ENOENT = -2;
const ENOTDIR = -20;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

// Whether an operation runs for a callback or a promise: errors then have no frames, as those of a thread pool.
let asynchronous = false;

// Relative paths begin at process.cwd(). `..` is left to the tree, which knows where links lead.
function absolute(path) {
  if (path.length > 0 && StringPrototypeCharCodeAt(path, 0) === 47) {
    return path;
  }
  const cwd = require('process').cwd();
  return cwd === '/' ? `/${path}` : `${cwd}/${path}`;
}

function fail(errno, syscall, path, dest) {
  throw asynchronous ? asyncErrnoError(errno, syscall, path, dest) : errnoError(errno, syscall, path, dest);
}

// A native's answer, or its negative errno: for functions whose answers are never negative numbers.
function call(name, path) {
  return path === '' ? ENOENT : native.fs[name](absolute(path));
}

function checked(answer, syscall, path) {
  if (typeof answer === 'number' && answer < 0) {
    fail(answer, syscall, path);
  }
  return answer;
}

function isDirectory(facts) {
  return (facts[0] & S_IFMT) === S_IFDIR;
}

// Why a path is not a directory to go to; 0 if it is one.
function directoryFault(path) {
  const facts = call('stat', path);
  if (typeof facts === 'number') {
    return facts;
  }
  return isDirectory(facts) ? 0 : ENOTDIR;
}

// Runs an operation as the thread pool would have: its error is one without frames.
function runAsync(operation) {
  const before = asynchronous;
  asynchronous = true;
  try {
    return operation();
  } finally {
    asynchronous = before;
  }
}

function isAsync() {
  return asynchronous;
}

// Calls back after so many turns through the poll phase: one for each trip to the thread pool that Node makes.
function complete(turns, callback) {
  const step = () => {
    if (--turns > 0) {
      native.loop.defer(step);
    } else {
      callback();
    }
  };
  native.loop.defer(step);
}

module.exports = { absolute, call, checked, complete, directoryFault, fail, isAsync, isDirectory, runAsync };
