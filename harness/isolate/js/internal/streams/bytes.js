// Views of bytes as streams take them: any ArrayBufferView counts, and becomes a Buffer over the same memory.
'use strict';

const {
  ArrayBufferIsView,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
} = primordials;

const { FastBuffer } = require('internal/buffer_memory');

function isArrayBufferView(value) {
  return ArrayBufferIsView(value);
}

function bytesOfView(view) {
  if (TypedArrayPrototypeGetSymbolToStringTag(view) === undefined) {
    return new FastBuffer(
      DataViewPrototypeGetBuffer(view), DataViewPrototypeGetByteOffset(view), DataViewPrototypeGetByteLength(view));
  }
  return new FastBuffer(
    TypedArrayPrototypeGetBuffer(view), TypedArrayPrototypeGetByteOffset(view), TypedArrayPrototypeGetByteLength(view));
}

module.exports = { bytesOfView, isArrayBufferView };
