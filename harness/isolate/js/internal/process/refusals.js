// Errors for what a guest may not do: the refusal of an API that would reach the host, and failed system calls.
'use strict';

const { Error } = primordials;

const {
  codes: { ERR_ACCESS_DENIED },
  isErrorStackTraceLimitWritable,
} = require('internal/errors');
const { entry } = require('internal/util/system_errors');

// `name` is what was called; `permission` is the name that Node's permission model has for it.
function refused(name, permission) {
  return new ERR_ACCESS_DENIED(`Access to this API has been restricted: ${name}`, permission);
}

// A failed system call, with its properties in Node's order.
function errnoError(errno, syscall, path, dest) {
  const named = entry(errno);
  const code = named === undefined ? 'UNKNOWN' : named[0];
  const text = named === undefined ? 'unknown error' : named[1];
  let message = `${code}: ${text}, ${syscall}`;
  if (path !== undefined) {
    message += ` '${path}'`;
  }
  if (dest !== undefined) {
    message += ` -> '${dest}'`;
  }
  const error = new Error(message);
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) {
    error.path = path;
  }
  if (dest !== undefined) {
    error.dest = dest;
  }
  return error;
}

// As it reaches a callback: made where no JavaScript is on the stack, so without frames.
function asyncErrnoError(errno, syscall, path, dest) {
  if (!isErrorStackTraceLimitWritable()) {
    return errnoError(errno, syscall, path, dest);
  }
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return errnoError(errno, syscall, path, dest);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

module.exports = { asyncErrnoError, errnoError, refused };
