// Readable's pipe and unpipe: chunks from one stream to others, at the pace of the slowest.
'use strict';

const { ArrayPrototypeIndexOf, ArrayPrototypePush, ArrayPrototypeSplice, SafeSet } = primordials;

const { errorOrDestroy } = require('internal/streams/destroy');
const { prependListener } = require('internal/streams/legacy');
const { nextTick } = require('internal/task_queues');

function pipe(dest, options) {
  const source = this;
  const state = this._readableState;
  if (state.pipes.length === 1 && !state.multiAwaitDrain) {
    state.multiAwaitDrain = true;
    state.awaitDrainWriters = new SafeSet(state.awaitDrainWriters ? [state.awaitDrainWriters] : []);
  }
  ArrayPrototypePush(state.pipes, dest);

  const ends = (!options || options.end !== false) && !isStdio(dest);
  const endFn = ends ? onend : leave;
  if (state.endEmitted) {
    nextTick(endFn);
  } else {
    source.once('end', endFn);
  }

  dest.on('unpipe', onunpipe);
  function onunpipe(readable, info) {
    if (readable === source && info && info.hasUnpiped === false) {
      info.hasUnpiped = true;
      cleanup();
    }
  }
  function onend() {
    dest.end();
  }

  let ondrain;
  let cleaned = false;
  function cleanup() {
    dest.removeListener('close', onclose);
    dest.removeListener('finish', onfinish);
    if (ondrain) {
      dest.removeListener('drain', ondrain);
    }
    dest.removeListener('error', onerror);
    dest.removeListener('unpipe', onunpipe);
    source.removeListener('end', onend);
    source.removeListener('end', leave);
    source.removeListener('data', ondata);
    cleaned = true;
    // Nobody will drain for this one any more: the source must not wait for it.
    if (ondrain && state.awaitDrainWriters && (!dest._writableState || dest._writableState.needDrain)) {
      ondrain();
    }
  }

  function pause() {
    if (!cleaned) {
      if (state.pipes.length === 1 && state.pipes[0] === dest) {
        state.awaitDrainWriters = dest;
        state.multiAwaitDrain = false;
      } else if (state.pipes.length > 1 && ArrayPrototypeIndexOf(state.pipes, dest) !== -1) {
        state.awaitDrainWriters.add(dest);
      }
      source.pause();
    }
    if (!ondrain) {
      ondrain = drainOf(source, dest);
      dest.on('drain', ondrain);
    }
  }

  source.on('data', ondata);
  function ondata(chunk) {
    try {
      if (dest.write(chunk) === false) {
        pause();
      }
    } catch (error) {
      dest.destroy(error);
    }
  }

  function onerror(error) {
    leave();
    dest.removeListener('error', onerror);
    if (dest.listenerCount('error') === 0) {
      const own = dest._writableState || dest._readableState;
      if (own && !own.errorEmitted) {
        // The user emitted 'error' without destroying.
        errorOrDestroy(dest, error);
      } else {
        dest.emit('error', error);
      }
    }
  }
  prependListener(dest, 'error', onerror);

  function onclose() {
    dest.removeListener('finish', onfinish);
    leave();
  }
  dest.once('close', onclose);
  function onfinish() {
    dest.removeListener('close', onclose);
    leave();
  }
  dest.once('finish', onfinish);
  function leave() {
    source.unpipe(dest);
  }

  dest.emit('pipe', source);
  if (dest.writableNeedDrain === true) {
    pause();
  } else if (!state.flowing) {
    source.resume();
  }
  return dest;
}

function isStdio(dest) {
  return dest._isStdio === true;
}

function drainOf(source, dest) {
  return function ondrain() {
    const state = source._readableState;
    if (state.awaitDrainWriters === dest) {
      state.awaitDrainWriters = null;
    } else if (state.multiAwaitDrain) {
      state.awaitDrainWriters.delete(dest);
    }
    if ((!state.awaitDrainWriters || state.awaitDrainWriters.size === 0) && source.listenerCount('data')) {
      source.resume();
    }
  };
}

function unpipe(dest) {
  const state = this._readableState;
  if (state.pipes.length === 0) {
    return this;
  }
  if (!dest) {
    const { pipes } = state;
    state.pipes = [];
    this.pause();
    for (let i = 0; i < pipes.length; i++) {
      pipes[i].emit('unpipe', this, { hasUnpiped: false });
    }
    return this;
  }
  const index = ArrayPrototypeIndexOf(state.pipes, dest);
  if (index === -1) {
    return this;
  }
  ArrayPrototypeSplice(state.pipes, index, 1);
  if (state.pipes.length === 0) {
    this.pause();
  }
  dest.emit('unpipe', this, { hasUnpiped: false });
  return this;
}

module.exports = { pipe, unpipe };
