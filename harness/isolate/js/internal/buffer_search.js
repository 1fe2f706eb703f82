// Buffer's searches: `indexOf`, `lastIndexOf` and `includes` of numbers, texts and bytes.
'use strict';

const {
  ArrayBufferIsView, NumberIsNaN,
} = primordials;

const { codes } = require('internal/errors');
const { encodings, getEncodingOps } = require('internal/buffer_encodings');
const { bytesOf, isUint8Array } = require('internal/buffer_memory');
const room = native.buffer;

function search(buffer, value, byteOffset, encoding, forward) {
  if (!ArrayBufferIsView(buffer)) {
    throw new codes.ERR_INVALID_ARG_TYPE('buffer', ['Buffer', 'TypedArray', 'DataView'], buffer);
  }
  if (typeof byteOffset === 'string') {
    encoding = byteOffset;
    byteOffset = undefined;
  } else if (byteOffset > 0x7fffffff) {
    byteOffset = 0x7fffffff;
  } else if (byteOffset < -0x80000000) {
    byteOffset = -0x80000000;
  }
  byteOffset = +byteOffset;
  if (NumberIsNaN(byteOffset)) byteOffset = forward ? 0 : (buffer.length || buffer.byteLength);

  if (typeof value === 'number') {
    return room.indexOfByte(buffer, value & 255, byteOffset, forward);
  }
  const ops = encoding === undefined ? encodings.utf8 : getEncodingOps(encoding);
  if (typeof value === 'string') {
    if (ops === undefined) throw new codes.ERR_UNKNOWN_ENCODING(encoding);
    return room.indexOf(buffer, bytesOf(value, ops), byteOffset, ops === encodings.utf16le, forward);
  }
  if (isUint8Array(value)) {
    return room.indexOf(buffer, value, byteOffset, ops === encodings.utf16le, forward);
  }
  throw new codes.ERR_INVALID_ARG_TYPE(
    'value', ['number', 'string', 'Buffer', 'Uint8Array'], value);
}

exports.search = search;
