// The old base class of all streams: an EventEmitter with a pipe that knows no buffers.
'use strict';

const { ArrayIsArray, FunctionPrototypeCall, ObjectSetPrototypeOf, ReflectOwnKeys } = primordials;

const EventEmitter = require('events');

function Stream(options) {
  FunctionPrototypeCall(EventEmitter, this, options);
}
ObjectSetPrototypeOf(Stream.prototype, EventEmitter.prototype);
ObjectSetPrototypeOf(Stream, EventEmitter);

Stream.prototype.pipe = function(dest, options) {
  const source = this;

  function ondata(chunk) {
    if (dest.writable && dest.write(chunk) === false && source.pause) {
      source.pause();
    }
  }
  source.on('data', ondata);

  function ondrain() {
    if (source.readable && source.resume) {
      source.resume();
    }
  }
  dest.on('drain', ondrain);

  // Unless told otherwise, the end of the source ends the destination, once.
  let didEnd = false;
  function onend() {
    if (!didEnd) {
      didEnd = true;
      dest.end();
    }
  }
  function onclose() {
    if (!didEnd) {
      didEnd = true;
      if (typeof dest.destroy === 'function') {
        dest.destroy();
      }
    }
  }
  if (!dest._isStdio && (!options || options.end !== false)) {
    source.on('end', onend);
    source.on('close', onclose);
  }

  function onerror(error) {
    cleanup();
    if (EventEmitter.listenerCount(this, 'error') === 0) {
      this.emit('error', error);
    }
  }
  prependListener(source, 'error', onerror);
  prependListener(dest, 'error', onerror);

  function cleanup() {
    source.removeListener('data', ondata);
    dest.removeListener('drain', ondrain);
    source.removeListener('end', onend);
    source.removeListener('close', onclose);
    source.removeListener('error', onerror);
    dest.removeListener('error', onerror);
    source.removeListener('end', cleanup);
    source.removeListener('close', cleanup);
    dest.removeListener('close', cleanup);
  }
  source.on('end', cleanup);
  source.on('close', cleanup);
  dest.on('close', cleanup);
  dest.emit('pipe', source);
  return dest;
};

Stream.prototype.eventNames = function eventNames() {
  const names = [];
  for (const key of ReflectOwnKeys(this._events)) {
    const handler = this._events[key];
    if (typeof handler === 'function' || (ArrayIsArray(handler) && handler.length > 0)) {
      names[names.length] = key;
    }
  }
  return names;
};

// Puts a listener first, also on emitters that have no prependListener of their own.
function prependListener(emitter, event, listener) {
  if (typeof emitter.prependListener === 'function') {
    return emitter.prependListener(event, listener);
  }
  const present = emitter._events?.[event];
  if (!present) {
    emitter.on(event, listener);
  } else if (ArrayIsArray(present)) {
    present.unshift(listener);
  } else {
    emitter._events[event] = [listener, present];
  }
  return undefined;
}

module.exports = { Stream, prependListener };
