// The `zlib` module: crc32 and the constants; compression is refused.
'use strict';

const { ArrayBufferIsView, ObjectFreeze, Uint32Array } = primordials;

const { refuseClasses, refuseFunctions } = require('internal/refuse');
const { validateUint32 } = require('internal/validators');
const {
  codes: { ERR_INVALID_ARG_TYPE },
} = require('internal/errors');
const { codes, constants } = require('internal/refuse/zlib_constants');
const Transform = require('internal/streams/transform');

refuseClasses(exports, 'zlib', 'Zlib', [
  'Deflate', 'Inflate', 'Gzip', 'Gunzip', 'DeflateRaw', 'InflateRaw', 'Unzip', 'BrotliCompress', 'BrotliDecompress',
  'ZstdCompress', 'ZstdDecompress',
], Transform);

let table;

function crcTable() {
  const made = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) {
      c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    }
    made[n] = c >>> 0;
  }
  return made;
}

exports.crc32 = function crc32(data, value = 0) {
  const { Buffer } = require('buffer');
  if (typeof data === 'string') {
    data = Buffer.from(data);
  } else if (!ArrayBufferIsView(data)) {
    throw new ERR_INVALID_ARG_TYPE('data', ['Buffer', 'TypedArray', 'DataView', 'string'], data);
  } else {
    data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }
  validateUint32(value, 'value');
  table ??= crcTable();
  let crc = ~value >>> 0;
  for (let i = 0; i < data.length; i++) {
    crc = table[(crc ^ data[i]) & 0xff] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
};

refuseFunctions(exports, 'zlib', 'Zlib', [
  'deflate', 'deflateSync', 'gzip', 'gzipSync', 'deflateRaw', 'deflateRawSync', 'unzip', 'unzipSync', 'inflate',
  'inflateSync', 'gunzip', 'gunzipSync', 'inflateRaw', 'inflateRawSync', 'brotliCompress', 'brotliCompressSync',
  'brotliDecompress', 'brotliDecompressSync', 'zstdCompress', 'zstdCompressSync', 'zstdDecompress',
  'zstdDecompressSync', 'createDeflate', 'createInflate', 'createDeflateRaw', 'createInflateRaw', 'createGzip',
  'createGunzip', 'createUnzip', 'createBrotliCompress', 'createBrotliDecompress', 'createZstdCompress',
  'createZstdDecompress',
]);
exports.constants = ObjectFreeze(constants);
exports.codes = ObjectFreeze(codes);
