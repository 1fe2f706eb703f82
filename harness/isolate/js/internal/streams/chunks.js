// Takes chunks out of a readable's buffer.
'use strict';

const { ArrayPrototypePush, ArrayPrototypeSplice, TypedArrayPrototypeSet } = primordials;

const { Buffer } = require('buffer');

// Takes n bytes (or one object) from the front of the buffer.
function takeFromBuffer(n, state) {
  const { buffer } = state;
  if (state.length === 0) {
    return null;
  }
  let taken;
  if (state.objectMode) {
    taken = shiftChunk(state);
  } else if (!n || n >= state.length) {
    taken = joinChunks(state, buffer, state.bufferIndex, state.length);
    buffer.length = 0;
    state.bufferIndex = 0;
  } else if (n < buffer[state.bufferIndex].length) {
    const first = buffer[state.bufferIndex];
    taken = first.slice(0, n);
    buffer[state.bufferIndex] = first.slice(n);
  } else if (n === buffer[state.bufferIndex].length) {
    taken = shiftChunk(state);
  } else {
    const parts = [];
    let missing = n;
    while (missing > 0 && buffer[state.bufferIndex].length <= missing) {
      const chunk = shiftChunk(state);
      missing -= chunk.length;
      ArrayPrototypePush(parts, chunk);
    }
    if (missing > 0) {
      const last = buffer[state.bufferIndex];
      ArrayPrototypePush(parts, last.slice(0, missing));
      buffer[state.bufferIndex] = last.slice(missing);
    }
    taken = joinChunks(state, parts, 0, n);
  }
  return taken;
}

function shiftChunk(state) {
  const { buffer } = state;
  const chunk = buffer[state.bufferIndex];
  buffer[state.bufferIndex++] = null;
  if (state.bufferIndex === buffer.length) {
    buffer.length = 0;
    state.bufferIndex = 0;
  } else if (state.bufferIndex > 1024) {
    ArrayPrototypeSplice(buffer, 0, state.bufferIndex);
    state.bufferIndex = 0;
  }
  return chunk;
}

function joinChunks(state, chunks, from, length) {
  if (state.decoder) {
    let text = '';
    for (let i = from; i < chunks.length; i++) {
      text += chunks[i];
    }
    return text;
  }
  if (chunks.length - from === 1) {
    return chunks[from];
  }
  const joined = Buffer.allocUnsafe(length);
  let at = 0;
  for (let i = from; i < chunks.length; i++) {
    TypedArrayPrototypeSet(joined, chunks[i], at);
    at += chunks[i].length;
  }
  return joined;
}

module.exports = { takeFromBuffer };
