// Keeps the values of every `AsyncLocalStorage` in one immutable frame, which V8 carries along promise reactions.
'use strict';

const {
  SafeMap,
} = primordials;
const { getContinuation, setContinuation } = native.util;

// A frame is a map that is never written after it was set, so that a snapshot of it is the frame itself.
function current() {
  return getContinuation();
}

function set(frame) {
  setContinuation(frame);
}

function exchange(frame) {
  const prior = getContinuation();
  setContinuation(frame);
  return prior;
}

function extended(key, value) {
  const frame = new SafeMap(getContinuation());
  frame.set(key, value);
  return frame;
}

function without(key) {
  const frame = new SafeMap(getContinuation());
  frame.delete(key);
  return frame;
}

module.exports = { current, exchange, extended, set, without };
