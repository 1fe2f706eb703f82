// What ends an execution or lets it go on: uncaught errors, unhandled rejections, 'beforeExit' and 'exit'.
'use strict';

const {
  ArrayPrototypePush,
  ArrayPrototypeShift,
  SafeWeakMap,
  String,
} = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE, ERR_UNCAUGHT_EXCEPTION_CAPTURE_ALREADY_SET },
} = require('internal/errors');
const { UnhandledPromiseRejection, isErrorLike } = require('internal/process/rejection_error');
const taskQueues = require('internal/task_queues');
const timers = require('internal/timers');

function guestProcess() {
  return require('process');
}

const state = {
  __proto__: null,
  exiting: false,
  exitCode: undefined,
  capture: null,
  // The engine's end of the terminal, where there is one.
  terminal: undefined,
};

// Fatal errors that the listeners have refused already.
const refused = new SafeWeakMap();
let refusedPrimitive = false;

function isRefused(error) {
  return (typeof error === 'object' && error !== null) || typeof error === 'function' ?
    refused.has(error) :
    refusedPrimitive;
}

function refuse(error) {
  if ((typeof error === 'object' && error !== null) || typeof error === 'function') {
    refused.set(error, true);
  } else {
    refusedPrimitive = true;
  }
}

// Asks the listeners; true if one of them took the error.
function uncaught(error, origin) {
  if (isRefused(error)) {
    return false;
  }
  const process = guestProcess();
  process.emit('uncaughtExceptionMonitor', error, origin);
  if (state.capture !== null) {
    state.capture(error);
    keepLoop();
    return true;
  }
  if (process.emit('uncaughtException', error, origin)) {
    keepLoop();
    return true;
  }
  refuse(error);
  if (!state.exiting) {
    state.exitCode ??= 1;
    startExit();
    try {
      process.emit('exit', state.exitCode);
    } catch {
      // The first error is the one that is shown.
    }
  }
  return false;
}

// The ticks behind the error run with the next turn of the loop, which must therefore come.
function keepLoop() {
  timers.setImmediate(noop);
}

function noop() {}

function triggerUncaughtException(error, fromPromise) {
  if (!uncaught(error, fromPromise ? 'unhandledRejection' : 'uncaughtException')) {
    taskQueues.failDrain(error);
  }
}

function setUncaughtExceptionCaptureCallback(callback) {
  if (callback === null) {
    state.capture = null;
    return;
  }
  if (typeof callback !== 'function') {
    throw new ERR_INVALID_ARG_TYPE('fn', ['Function', 'null'], callback);
  }
  if (state.capture !== null) {
    throw new ERR_UNCAUGHT_EXCEPTION_CAPTURE_ALREADY_SET();
  }
  state.capture = callback;
}

// ---- Rejections

const pending = [];
// Promises whose rejection a listener or the guest was told of.
const told = new SafeWeakMap();
let nextRejection = 1;

function takeRejections() {
  const flat = native.loop.takeRejections();
  for (let i = 0; i < flat.length; i += 2) {
    ArrayPrototypePush(pending, { __proto__: null, promise: flat[i], reason: flat[i + 1] });
  }
}

function tellHandled() {
  const handled = native.loop.takeHandledRejections();
  for (let i = 0; i < handled.length; i++) {
    const entry = told.get(handled[i]);
    if (entry !== undefined) {
      told.delete(handled[i]);
      if (entry.warned) {
        const { emitWarning } = require('internal/process/warning');
        emitWarning(
          `Promise rejection was handled asynchronously (rejection id: ${entry.id})`,
          'PromiseRejectionHandledWarning');
      }
      guestProcess().emit('rejectionHandled', handled[i]);
    }
  }
}

// Tells the listeners of what was rejected and has no handler. With none, it is an uncaught exception: the error leaves through
// here, and what is left waits for the next call.
function unhandledRejections() {
  takeRejections();
  tellHandled();
  while (pending.length > 0) {
    const { promise, reason } = ArrayPrototypeShift(pending);
    told.set(promise, { __proto__: null, id: nextRejection++, warned: false });
    if (guestProcess().emit('unhandledRejection', reason, promise)) {
      continue;
    }
    const error = isErrorLike(reason) ? reason : new UnhandledPromiseRejection(reason);
    if (!uncaught(error, 'unhandledRejection')) {
      throw error;
    }
  }
}

// ---- What the loop calls

function startExit() {
  state.exiting = true;
  taskQueues.setExiting();
}

// Asked when nothing is left to do; a listener may start more.
function beforeExit() {
  guestProcess().emit('beforeExit', state.exitCode ?? 0);
}

// Runs the 'exit' listeners and returns the code that stands after them.
function exit(code) {
  if (code !== undefined) {
    state.exitCode ??= code;
  }
  if (!state.exiting) {
    startExit();
    guestProcess().emit('exit', +state.exitCode || 0);
    native.loop.runMicrotasks();
  }
  return +state.exitCode || 0;
}

// The same in one call where the loop has nothing left to run, and `undefined` where it has.
function exitIfIdle() {
  return timers.isIdle() ? exit() : undefined;
}

// The text that an error nobody handled leaves on stderr, below the line of source that threw it.
function describeFatal(error) {
  if ((typeof error === 'object' && error !== null) || typeof error === 'function') {
    const { inspect } = require('internal/util/inspect');
    const colors = state.terminal !== undefined && require('internal/tty').hasColors();
    return `${inspect(error, { __proto__: null, colors, customInspect: false, depth: 5 })}`;
  }
  return `${String(error)}\n(Use \`node --trace-uncaught ...\` to show where the exception was thrown)`;
}

module.exports = {
  beforeExit,
  describeFatal,
  exit,
  exitIfIdle,
  setUncaughtExceptionCaptureCallback,
  startExit,
  state,
  triggerUncaughtException,
  uncaught,
  unhandledRejections,
};
