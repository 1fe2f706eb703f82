// The queue of process.nextTick and its drain together with the microtasks, in Node's order.
'use strict';

const {
  ReflectApply,
} = primordials;

const { validateFunction } = require('internal/validators');

// Lazily, so that this file can be evaluated before any of these.
let frame;
function asyncFrame() {
  frame ??= require('internal/async_context_frame');
  return frame;
}

// Ticks form a linked list of their own, so that no array method a guest could have replaced is on this path.
let head = null;
let tail = null;
let exiting = false;

// After process.on('exit') began, Node takes no more ticks.
function setExiting() {
  exiting = true;
}

function enqueue(callback, args) {
  const tick = { __proto__: null, callback, args, frame: asyncFrame().current(), next: null };
  if (tail === null) {
    head = tick;
  } else {
    tail.next = tick;
  }
  tail = tick;
}

function nextTick(callback, ...args) {
  validateFunction(callback, 'callback');
  if (exiting) {
    return;
  }
  enqueue(callback, args.length === 0 ? undefined : args);
}

function callTick(tick) {
  const { callback, args } = tick;
  if (args === undefined) {
    callback();
  } else {
    ReflectApply(callback, undefined, args);
  }
}

// Runs ticks and microtasks alternately until both are empty. An error of a tick leaves through here, with the queue consistent:
// the loop asks the 'uncaughtException' listeners and the remaining ticks run with the next drain, as in Node.
function processTicks() {
  do {
    while (head !== null) {
      const tick = head;
      head = tick.next;
      if (head === null) {
        tail = null;
      }
      const before = asyncFrame().exchange(tick.frame);
      try {
        callTick(tick);
      } finally {
        asyncFrame().set(before);
      }
    }
    native.loop.runMicrotasks();
  } while (head !== null);
  if (fatal !== undefined) {
    const { error } = fatal;
    fatal = undefined;
    throw error;
  }
}

// An error that no listener wanted, from inside a microtask, where nothing can throw to the loop: the drain ends with it.
let fatal;

function failDrain(error) {
  fatal ??= { __proto__: null, error };
}

function runMicrotaskCallback(callback) {
  try {
    callback();
  } catch (error) {
    // An error here is an uncaught exception at once, not a rejection; the drain then goes on.
    require('internal/process/execution').triggerUncaughtException(error, false);
  }
}

function queueMicrotask(callback) {
  validateFunction(callback, 'callback');
  const captured = asyncFrame().current();
  native.loop.enqueueMicrotask(() => {
    const before = asyncFrame().exchange(captured);
    try {
      runMicrotaskCallback(callback);
    } finally {
      asyncFrame().set(before);
    }
  });
}

module.exports = { failDrain, nextTick, processTicks, queueMicrotask, setExiting };
