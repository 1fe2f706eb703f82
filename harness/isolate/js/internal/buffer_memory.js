// The class behind Buffer and where its memory comes from: own allocations, and a pool for small ones.
'use strict';

const {
  ArrayBuffer, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag, TypedArrayPrototypeSet, Uint8Array,
} = primordials;

// `Buffer.prototype` is this class's prototype: arrays made by it are Buffers, without the calls of a derived constructor.
class FastBuffer extends Uint8Array {
  // Spelled out: the implied constructor would pass its arguments through a guest's `Array.prototype[Symbol.iterator]`.
  constructor(bufferOrLength, byteOffset, length) {
    super(bufferOrLength, byteOffset, length);
  }
}

const settings = { __proto__: null, poolSize: 64 * 1024 };

// Made on first use: a snapshot must not carry it, and executions must not share it.
let pool;
let poolOffset = 0;

function refillPool() {
  pool = new ArrayBuffer(settings.poolSize);
  poolOffset = 0;
}

function advancePool(bytes) {
  // The next piece starts on a multiple of eight, so that other typed arrays can be laid over it.
  poolOffset = (poolOffset + bytes + 7) & ~7;
}

function fitsPool(bytes) {
  if (bytes >= settings.poolSize >>> 1) return false;
  if (pool === undefined || bytes > pool.byteLength - poolOffset) refillPool();
  return true;
}

// Zeroed, unlike Node's: a guest never sees what was in memory before.
function allocate(size) {
  if (size <= 0) return new FastBuffer();
  if (!fitsPool(size)) return new FastBuffer(size);
  const buffer = new FastBuffer(pool, poolOffset, size);
  advancePool(size);
  return buffer;
}

function fromText(text, ops) {
  if (text.length === 0) return new FastBuffer();
  const length = ops.byteLength(text);
  if (length === 0) return new FastBuffer();
  if (!fitsPool(length)) {
    const buffer = new FastBuffer(length);
    const written = ops.write(buffer, text, 0, length);
    return written === length ? buffer : new FastBuffer(TypedArrayPrototypeGetBuffer(buffer), 0, written);
  }
  const start = poolOffset;
  let buffer = new FastBuffer(pool, start, length);
  const written = ops.write(buffer, text, 0, length);
  if (written !== length) buffer = new FastBuffer(pool, start, written);
  advancePool(written);
  return buffer;
}

// The bytes of a text, outside the pool: for uses that do not outlive a call.
function bytesOf(text, ops) {
  const length = ops.byteLength(text);
  const bytes = new Uint8Array(length);
  const written = length === 0 ? 0 : ops.write(bytes, text, 0, length);
  return written === length ? bytes : new Uint8Array(TypedArrayPrototypeGetBuffer(bytes), 0, written);
}

function fromArrayLike(list) {
  const { length } = list;
  if (!(length > 0)) return new FastBuffer();
  const buffer = allocate(length);
  TypedArrayPrototypeSet(buffer, list, 0);
  return buffer;
}

function isUint8Array(value) {
  return TypedArrayPrototypeGetSymbolToStringTag(value) === 'Uint8Array';
}

// A Buffer over part of `bytes`, free of its species.
function subarray(bytes, start, end) {
  return new FastBuffer(
    TypedArrayPrototypeGetBuffer(bytes),
    TypedArrayPrototypeGetByteOffset(bytes) + start,
    end > start ? end - start : 0);
}

exports.FastBuffer = FastBuffer;
exports.subarray = subarray;
exports.settings = settings;
exports.allocate = allocate;
exports.bytesOf = bytesOf;
exports.fromArrayLike = fromArrayLike;
exports.fromText = fromText;
exports.isUint8Array = isUint8Array;
