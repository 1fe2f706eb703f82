// Buffer, Blob and the other exports of `buffer`.
'use strict';

const {
  ArrayBufferIsView,
  ArrayIsArray,
  Error,
  NumberIsNaN,
  NumberMAX_SAFE_INTEGER,
  ObjectDefineProperties,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  Symbol,
  RangeError, SymbolSpecies,
  SymbolToPrimitive,
  TypedArrayPrototypeFill,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSlice,
  Uint8Array,
} = primordials;

const { codes } = require('internal/errors');
const {
  validateArray, validateInteger, validateNumber,
} = require('internal/validators');
const {
  encodings, getEncodingOps, normalizeEncoding, plainError,
} = require('internal/buffer_encodings');
const {
  FastBuffer, allocate, fromArrayLike, fromText, isUint8Array, settings,
} = require('internal/buffer_memory');
const { copyBytes, fillBuffer, inspection } = require('internal/buffer_methods');
const { atob, btoa, transcode } = require('internal/buffer_texts');
const { defineLazily } = require('internal/lazy');

const room = native.buffer;
const kMaxLength = NumberMAX_SAFE_INTEGER;
const kStringMaxLength = 0x1fffffe8;

let constructorWarned = false;

function warnConstructor() {
  if (constructorWarned || room.calledFromNodeModules()) return;
  constructorWarned = true;
  require('process').emitWarning(
    'Buffer() is deprecated due to security and usability issues. Please use the Buffer.alloc(), ' +
    'Buffer.allocUnsafe(), or Buffer.from() methods instead.', 'DeprecationWarning', 'DEP0005');
}

function Buffer(arg, encodingOrOffset, length) {
  warnConstructor();
  if (typeof arg === 'number') {
    if (typeof encodingOrOffset === 'string') {
      throw new codes.ERR_INVALID_ARG_TYPE('string', 'string', arg);
    }
    return Buffer.alloc(arg);
  }
  return Buffer.from(arg, encodingOrOffset, length);
}

ObjectSetPrototypeOf(Buffer, Uint8Array);
ObjectDefineProperty(FastBuffer.prototype, 'constructor', {
  __proto__: null, value: Buffer, writable: true, enumerable: false, configurable: true,
});
Buffer.prototype = FastBuffer.prototype;
// Built-in methods like `map` construct through the species, with lengths and memory that must not go through `Buffer()`.
ObjectDefineProperty(Buffer, SymbolSpecies, {
  __proto__: null, configurable: true, enumerable: false, get() { return FastBuffer; },
});
ObjectDefineProperty(Buffer, 'poolSize', {
  __proto__: null,
  configurable: true,
  enumerable: true,
  get() { return settings.poolSize; },
  set(size) { settings.poolSize = size; },
});

function fromString(text, encoding) {
  if (typeof encoding !== 'string' || encoding.length === 0) return fromText(text, encodings.utf8);
  const ops = getEncodingOps(encoding);
  if (ops === undefined) throw new codes.ERR_UNKNOWN_ENCODING(encoding);
  return fromText(text, ops);
}

function fromArrayBuffer(memory, byteOffset, length) {
  if (byteOffset === undefined) {
    byteOffset = 0;
  } else {
    byteOffset = +byteOffset;
    if (NumberIsNaN(byteOffset)) byteOffset = 0;
  }
  const available = memory.byteLength - byteOffset;
  if (available < 0) throw new codes.ERR_BUFFER_OUT_OF_BOUNDS('offset');
  if (length === undefined) {
    // No length: over resizable memory the view follows its size.
    return new FastBuffer(memory, byteOffset);
  }
  length = +length;
  if (!(length > 0)) {
    length = 0;
  } else if (length > available) {
    throw new codes.ERR_BUFFER_OUT_OF_BOUNDS('length');
  }
  return new FastBuffer(memory, byteOffset, length);
}

function fromObject(value) {
  if (value.length !== undefined || room.isAnyArrayBuffer(value.buffer)) {
    return typeof value.length === 'number' ? fromArrayLike(value) : new FastBuffer();
  }
  if (value.type === 'Buffer' && ArrayIsArray(value.data)) return fromArrayLike(value.data);
  return undefined;
}

Buffer.from = function from(value, encodingOrOffset, length) {
  if (typeof value === 'string') return fromString(value, encodingOrOffset);
  if (typeof value === 'object' && value !== null) {
    if (room.isAnyArrayBuffer(value)) return fromArrayBuffer(value, encodingOrOffset, length);
    const primitive = value.valueOf && value.valueOf();
    if (primitive != null && primitive !== value &&
        (typeof primitive === 'string' || typeof primitive === 'object')) {
      return from(primitive, encodingOrOffset, length);
    }
    const buffer = fromObject(value);
    if (buffer !== undefined) return buffer;
    if (typeof value[SymbolToPrimitive] === 'function') {
      const text = value[SymbolToPrimitive]('string');
      if (typeof text === 'string') return fromString(text, encodingOrOffset);
    }
  }
  throw new codes.ERR_INVALID_ARG_TYPE(
    'first argument', ['string', 'Buffer', 'ArrayBuffer', 'Array', 'Array-like Object'], value);
};

Buffer.copyBytesFrom = function copyBytesFrom(view, offset, length) {
  if (TypedArrayPrototypeGetSymbolToStringTag(view) === undefined) {
    throw new codes.ERR_INVALID_ARG_TYPE('view', ['TypedArray'], view);
  }
  const viewLength = TypedArrayPrototypeGetLength(view);
  if (viewLength === 0) return Buffer.alloc(0);
  if (offset !== undefined || length !== undefined) {
    if (offset !== undefined) {
      validateInteger(offset, 'offset', 0);
      if (offset >= viewLength) return Buffer.alloc(0);
    } else {
      offset = 0;
    }
    let end = viewLength;
    if (length !== undefined) {
      validateInteger(length, 'length', 0);
      end = offset + length;
    }
    view = TypedArrayPrototypeSlice(view, offset, end);
  }
  return fromArrayLike(new Uint8Array(
    TypedArrayPrototypeGetBuffer(view),
    TypedArrayPrototypeGetByteOffset(view),
    TypedArrayPrototypeGetByteLength(view)));
};

Buffer.of = function of(...items) {
  const buffer = allocate(items.length);
  for (let i = 0; i < items.length; i++) buffer[i] = items[i];
  return buffer;
};

Buffer.alloc = function alloc(size, fill, encoding) {
  validateNumber(size, 'size', 0, kMaxLength);
  const buffer = new FastBuffer(size);
  if (fill !== undefined && fill !== 0 && size > 0) {
    fillBuffer(buffer, fill, 0, TypedArrayPrototypeGetLength(buffer), encoding);
  }
  return buffer;
};

function allocateUnsafe(size, allocation) {
  try {
    return allocation(size);
  } catch {
    throw plainError(RangeError, 'ERR_MEMORY_ALLOCATION_FAILED', 'Failed to allocate memory');
  }
}

Buffer.allocUnsafe = function allocUnsafe(size) {
  validateNumber(size, 'size', 0, kMaxLength);
  return allocateUnsafe(size, allocate);
};

Buffer.allocUnsafeSlow = function allocUnsafeSlow(size) {
  validateNumber(size, 'size', 0, kMaxLength);
  return allocateUnsafe(size, (length) => new FastBuffer(length));
};

Buffer.isBuffer = function isBuffer(value) {
  return value instanceof Buffer;
};

function assertBytes(value, name) {
  if (!isUint8Array(value)) {
    throw new codes.ERR_INVALID_ARG_TYPE(name, ['Buffer', 'Uint8Array'], value);
  }
}

Buffer.compare = function compare(buf1, buf2) {
  assertBytes(buf1, 'buf1');
  assertBytes(buf2, 'buf2');
  return buf1 === buf2 ? 0 : room.compare(buf1, buf2);
};

Buffer.isEncoding = function isEncoding(encoding) {
  return typeof encoding === 'string' && encoding.length !== 0 &&
    normalizeEncoding(encoding) !== undefined;
};
// Node's `readable-stream` packages look for it by this description.
Buffer[Symbol('kIsEncodingSymbol')] = Buffer.isEncoding;

Buffer.concat = function concat(list, length) {
  validateArray(list, 'list');
  if (list.length === 0) return new FastBuffer();
  if (length === undefined) {
    length = 0;
    for (let i = 0; i < list.length; i++) {
      if (list[i].length) length += list[i].length;
    }
  } else {
    validateInteger(length, 'length', 0);
  }
  const buffer = Buffer.allocUnsafe(length);
  let position = 0;
  for (let i = 0; i < list.length; i++) {
    const part = list[i];
    assertBytes(part, `list[${i}]`);
    position += copyBytes(part, buffer, position, 0, TypedArrayPrototypeGetLength(part));
  }
  // Pool memory may carry what an earlier Buffer left there.
  if (position < length) TypedArrayPrototypeFill(buffer, 0, position, length);
  return buffer;
};

Buffer.byteLength = function byteLength(text, encoding) {
  if (typeof text !== 'string') {
    if (ArrayBufferIsView(text) || room.isAnyArrayBuffer(text)) return text.byteLength;
    throw new codes.ERR_INVALID_ARG_TYPE('string', ['string', 'Buffer', 'ArrayBuffer'], text);
  }
  if (text.length === 0) return 0;
  const ops = encoding ? getEncodingOps(encoding) : undefined;
  return (ops ?? encodings.utf8).byteLength(text);
};

let slowBufferWarned = false;

function SlowBuffer(size) {
  if (!slowBufferWarned) {
    slowBufferWarned = true;
    require('process').emitWarning(
      'SlowBuffer() is deprecated. Please use Buffer.allocUnsafeSlow()', 'DeprecationWarning', 'DEP0030');
  }
  validateNumber(size, 'size', 0, kMaxLength);
  return Buffer.allocUnsafeSlow(size);
}
ObjectSetPrototypeOf(SlowBuffer.prototype, Uint8Array.prototype);
ObjectSetPrototypeOf(SlowBuffer, Uint8Array);

function isBytes(input, check) {
  if (!room.isAnyArrayBuffer(input) && !ArrayBufferIsView(input)) {
    throw new codes.ERR_INVALID_ARG_TYPE('input', ['ArrayBuffer', 'Buffer', 'TypedArray'], input);
  }
  const answer = check(input);
  if (answer === undefined) {
    throw plainError(Error, 'ERR_INVALID_STATE', 'Cannot validate on a detached buffer');
  }
  return answer;
}

exports.Buffer = Buffer;
exports.SlowBuffer = SlowBuffer;
exports.transcode = transcode;
exports.isUtf8 = function isUtf8(input) { return isBytes(input, room.isUtf8); };
exports.isAscii = function isAscii(input) { return isBytes(input, room.isAscii); };
exports.kMaxLength = kMaxLength;
exports.kStringMaxLength = kStringMaxLength;
exports.btoa = btoa;
exports.atob = atob;
ObjectDefineProperties(exports, {
  constants: {
    __proto__: null,
    enumerable: true,
    value: ObjectDefineProperties({}, {
      MAX_LENGTH: { __proto__: null, enumerable: true, value: kMaxLength },
      MAX_STRING_LENGTH: { __proto__: null, enumerable: true, value: kStringMaxLength },
    }),
  },
  INSPECT_MAX_BYTES: {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get() { return inspection.maxBytes; },
    set(value) {
      validateNumber(value, 'INSPECT_MAX_BYTES', 0);
      inspection.maxBytes = value;
    },
  },
});
defineLazily(exports, 'internal/buffer_blob', ['Blob'], true);
exports.resolveObjectURL = function resolveObjectURL(url) {
  return require('internal/buffer_blob').resolveObjectURL(url);
};
defineLazily(exports, 'internal/buffer_blob', ['File'], true);
