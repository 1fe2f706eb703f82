// The methods of Buffer's prototype.
'use strict';

const {
  Array, ArrayBufferIsView, MathMin, MathTrunc, NumberIsInteger, ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor, RangeError, ReflectOwnKeys, RegExpPrototypeExec,
  StringPrototypeCharCodeAt, StringPrototypeSlice, SymbolFor, TypeError, TypedArrayPrototypeFill,
  TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetLength,
} = primordials;

const { codes } = require('internal/errors');
const { validateInteger, validateString } = require('internal/validators');
const {
  encodings, getEncodingOps, normalizeEncoding, plainError,
} = require('internal/buffer_encodings');
const { FastBuffer, bytesOf, isUint8Array, subarray } = require('internal/buffer_memory');
const { numberMethods } = require('internal/buffer_numbers');
const { search } = require('internal/buffer_search');

const room = native.buffer;
const { prototype } = FastBuffer;
const inspection = { __proto__: null, maxBytes: 50 };

for (const size of [64, 0, 32, 16, 8]) {
  for (const verb of ['read', 'write']) {
    for (const kind of ['UInt', 'Int']) {
      for (const end of size === 8 ? [''] : ['LE', 'BE']) {
        const name = `${verb}${size === 64 ? 'Big' : ''}${kind}${size || ''}${end}`;
        prototype[name] = numberMethods[name];
        // The spelling that `TypedArray` uses.
        if (kind === 'UInt') {
          prototype[`${verb}${size === 64 ? 'Big' : ''}Uint${size || ''}${end}`] = numberMethods[name];
        }
      }
    }
  }
}
for (const name of ['readFloatLE', 'readFloatBE', 'readDoubleLE', 'readDoubleBE',
                    'writeFloatLE', 'writeFloatBE', 'writeDoubleLE', 'writeDoubleBE']) {
  prototype[name] = numberMethods[name];
}

function assertView(value) {
  if (!ArrayBufferIsView(value)) {
    throw plainError(TypeError, 'ERR_INVALID_ARG_TYPE', 'argument must be a buffer');
  }
}

function directIndex(value, fallback) {
  if (value === undefined) return fallback;
  const index = MathTrunc(+value) || 0;
  if (index < 0) throw plainError(RangeError, 'ERR_OUT_OF_RANGE', 'Index out of range');
  return index;
}

function directSlice(ops) {
  return function(start, end) {
    assertView(this);
    const { byteLength } = this;
    if (byteLength === 0) return '';
    start = directIndex(start, 0);
    end = directIndex(end, byteLength);
    if (end < start) end = start;
    if (end > byteLength) throw plainError(RangeError, 'ERR_OUT_OF_RANGE', 'Index out of range');
    return ops.slice(this, start, end);
  };
}

function directWrite(ops, strict) {
  return function(string, offset = 0, length = this.byteLength - offset) {
    assertView(this);
    if (typeof string !== 'string') {
      throw plainError(TypeError, 'ERR_INVALID_ARG_TYPE', 'argument must be a string');
    }
    const { byteLength } = this;
    if (!(offset >= 0 && offset <= byteLength)) {
      throw new codes.ERR_BUFFER_OUT_OF_BOUNDS('offset');
    }
    if (strict && !(length >= 0 && length <= byteLength - offset)) {
      throw new codes.ERR_BUFFER_OUT_OF_BOUNDS('length');
    }
    return ops.write(this, string, offset, MathMin(directIndex(length, 0), byteLength - offset));
  };
}

for (const { 0: name, 1: ops } of [
  ['ascii', encodings.ascii], ['base64', encodings.base64], ['base64url', encodings.base64url],
  ['latin1', encodings.latin1], ['hex', encodings.hex], ['ucs2', encodings.utf16le], ['utf8', encodings.utf8],
]) {
  prototype[`${name}Slice`] = directSlice(ops);
  prototype[`${name}Write`] = directWrite(ops, name === 'ascii' || name === 'latin1' || name === 'utf8');
}

for (const { 0: name, 1: property } of [['parent', 'buffer'], ['offset', 'byteOffset']]) {
  ObjectDefineProperty(prototype, name, {
    __proto__: null,
    enumerable: true,
    get() { return this instanceof FastBuffer ? this[property] : undefined; },
  });
}

function copyBytes(source, target, targetStart, sourceStart, sourceEnd) {
  const free = TypedArrayPrototypeGetByteLength(target) - targetStart;
  let count = sourceEnd - sourceStart;
  if (count > free) count = free;
  const available = TypedArrayPrototypeGetByteLength(source) - sourceStart;
  if (count > available) count = available;
  if (count <= 0) return 0;
  room.copy(source, target, targetStart, sourceStart, count);
  return count;
}

function toInteger(value, fallback) {
  value = +value;
  return value >= -0x1fffffffffffff && value <= 0x1fffffffffffff ? MathTrunc(value) : fallback;
}

prototype.copy = function copy(target, targetStart, sourceStart, sourceEnd) {
  if (!isUint8Array(this)) {
    throw new codes.ERR_INVALID_ARG_TYPE('source', ['Buffer', 'Uint8Array'], this);
  }
  if (!ArrayBufferIsView(target)) {
    throw new codes.ERR_INVALID_ARG_TYPE('target', ['Buffer', 'Uint8Array'], target);
  }
  if (targetStart === undefined) {
    targetStart = 0;
  } else {
    targetStart = NumberIsInteger(targetStart) ? targetStart : toInteger(targetStart, 0);
    if (targetStart < 0) throw new codes.ERR_OUT_OF_RANGE('targetStart', '>= 0', targetStart);
  }
  const sourceLength = TypedArrayPrototypeGetLength(this);
  if (sourceStart === undefined) {
    sourceStart = 0;
  } else {
    sourceStart = NumberIsInteger(sourceStart) ? sourceStart : toInteger(sourceStart, 0);
    if (sourceStart < 0 || sourceStart > sourceLength) {
      throw new codes.ERR_OUT_OF_RANGE('sourceStart', `>= 0 && <= ${sourceLength}`, sourceStart);
    }
  }
  if (sourceEnd === undefined) {
    sourceEnd = sourceLength;
  } else {
    sourceEnd = NumberIsInteger(sourceEnd) ? sourceEnd : toInteger(sourceEnd, 0);
    if (sourceEnd < 0) throw new codes.ERR_OUT_OF_RANGE('sourceEnd', '>= 0', sourceEnd);
  }
  if (targetStart >= target.byteLength || sourceStart >= sourceEnd) return 0;
  let count = MathMin(sourceEnd - sourceStart, target.byteLength - targetStart);
  count = MathMin(count, sourceLength - sourceStart);
  if (count <= 0) return 0;
  room.copy(this, target, targetStart, sourceStart, count);
  return count;
};

prototype.toString = function toString(encoding, start, end) {
  const length = TypedArrayPrototypeGetLength(this);
  if (arguments.length === 0) return length === 0 ? '' : encodings.utf8.slice(this, 0, length);
  if (start <= 0) {
    start = 0;
  } else if (start >= length) {
    return '';
  } else {
    start = MathTrunc(start) || 0;
  }
  if (end === undefined || end > length) {
    end = length;
  } else {
    end = MathTrunc(end) || 0;
  }
  if (end <= start) return '';
  if (encoding === undefined) return encodings.utf8.slice(this, start, end);
  const ops = getEncodingOps(encoding);
  if (ops === undefined) throw new codes.ERR_UNKNOWN_ENCODING(encoding);
  return ops.slice(this, start, end);
};

prototype.equals = function equals(otherBuffer) {
  if (!isUint8Array(otherBuffer)) {
    throw new codes.ERR_INVALID_ARG_TYPE('otherBuffer', ['Buffer', 'Uint8Array'], otherBuffer);
  }
  if (this === otherBuffer) return true;
  if (this.byteLength !== otherBuffer.byteLength) return false;
  return this.byteLength === 0 || room.compare(this, otherBuffer) === 0;
};

const isIndex = /^(?:0|[1-9][0-9]*)$/;

// The own properties that a user hung on it, as `, name: value`.
function inspectExtras(buffer, ctx, inspect) {
  const extras = { __proto__: null };
  let some = false;
  for (const key of ReflectOwnKeys(buffer)) {
    if (typeof key === 'string' && RegExpPrototypeExec(isIndex, key) !== null) continue;
    if (!ctx.showHidden && !ObjectGetOwnPropertyDescriptor(buffer, key)?.enumerable) continue;
    some = true;
    extras[key] = buffer[key];
  }
  if (!some) return '';
  const text = inspect(extras, { ...ctx, breakLength: Infinity, compact: true });
  // Between `[Object: null prototype] { ` and ` }`.
  return StringPrototypeSlice(text, 27, -2);
}

prototype[SymbolFor('nodejs.util.inspect.custom')] = function inspect(recurseTimes, ctx, inspectValue) {
  const max = inspection.maxBytes;
  const shown = MathMin(max, this.length);
  const digits = shown === 0 ? '' : room.hexSlice(this, 0, shown);
  let text = '';
  for (let i = 0; i < digits.length; i += 2) {
    text += `${i === 0 ? '' : ' '}${StringPrototypeSlice(digits, i, i + 2)}`;
  }
  const remaining = this.length - max;
  if (remaining > 0) text += ` ... ${remaining} more byte${remaining > 1 ? 's' : ''}`;
  if (ctx) {
    const extras = inspectExtras(this, ctx, inspectValue ?? require('util').inspect);
    if (extras !== '') text += `${this.length === 0 ? '' : ', '}${extras}`;
  }
  let name = 'Buffer';
  try {
    const { constructor } = this;
    if (typeof constructor === 'function' && typeof constructor.name === 'string' && constructor.name !== '') {
      name = constructor.name;
    }
  } catch {
    // A hostile getter: the plain name it is.
  }
  return `<${name} ${text}>`;
};
prototype.inspect = prototype[SymbolFor('nodejs.util.inspect.custom')];

function rangeOf(value, name, fallback, max) {
  if (value === undefined) return fallback;
  validateInteger(value, name, 0, max);
  return value;
}

prototype.compare = function compare(target, targetStart, targetEnd, sourceStart, sourceEnd) {
  if (!isUint8Array(target)) {
    throw new codes.ERR_INVALID_ARG_TYPE('target', ['Buffer', 'Uint8Array'], target);
  }
  if (arguments.length === 1) return room.compare(this, target);
  const targetLength = TypedArrayPrototypeGetLength(target);
  const { length } = this;
  targetStart = rangeOf(targetStart, 'targetStart', 0);
  targetEnd = rangeOf(targetEnd, 'targetEnd', targetLength, targetLength);
  sourceStart = rangeOf(sourceStart, 'sourceStart', 0);
  sourceEnd = rangeOf(sourceEnd, 'sourceEnd', length, length);
  if (sourceStart >= sourceEnd) return targetStart >= targetEnd ? 0 : -1;
  if (targetStart >= targetEnd) return 1;
  return room.compare(this, target, sourceStart, sourceEnd, targetStart, targetEnd);
};

prototype.indexOf = function indexOf(value, byteOffset, encoding) {
  return search(this, value, byteOffset, encoding, true);
};

prototype.lastIndexOf = function lastIndexOf(value, byteOffset, encoding) {
  return search(this, value, byteOffset, encoding, false);
};

prototype.includes = function includes(value, byteOffset, encoding) {
  return search(this, value, byteOffset, encoding, true) !== -1;
};

// What to repeat: a number where one byte will do, else bytes.
function fillPattern(value, encoding) {
  if (encoding !== undefined) validateString(encoding, 'encoding');
  const name = normalizeEncoding(encoding);
  if (name === undefined) throw new codes.ERR_UNKNOWN_ENCODING(encoding);
  if (value.length === 0) return 0;
  if (value.length === 1) {
    const code = StringPrototypeCharCodeAt(value, 0);
    if ((name === 'utf8' && code < 128) || (name === 'latin1' && code < 256)) return code;
  }
  return bytesOf(value, encodings[name]);
}

function fillBuffer(buffer, value, offset, end, encoding) {
  const original = value;
  if (typeof value === 'string') {
    if (offset === undefined || typeof offset === 'string') {
      encoding = offset;
      offset = undefined;
    } else if (typeof end === 'string') {
      encoding = end;
      end = undefined;
    }
    value = fillPattern(value, encoding === null ? undefined : encoding);
  }
  if (offset === undefined) {
    offset = 0;
    end = buffer.length;
  } else {
    validateInteger(offset, 'offset', 0);
    if (end === undefined) {
      end = buffer.length;
    } else {
      validateInteger(end, 'end', 0, buffer.length);
    }
    if (offset >= end) return buffer;
  }
  if (typeof value === 'number') {
    if (end > TypedArrayPrototypeGetByteLength(buffer)) throw new codes.ERR_BUFFER_OUT_OF_BOUNDS();
    TypedArrayPrototypeFill(buffer, value, offset, end);
    return buffer;
  }
  if (!ArrayBufferIsView(value)) {
    const byte = +value >>> 0;
    // The conversion may have run the guest's code, which may have taken the memory away.
    if (end <= TypedArrayPrototypeGetByteLength(buffer)) TypedArrayPrototypeFill(buffer, byte, offset, end);
    return buffer;
  }
  if (value.byteLength === 0) throw new codes.ERR_INVALID_ARG_VALUE('value', original);
  if (!room.fill(buffer, value, offset, end)) throw new codes.ERR_BUFFER_OUT_OF_BOUNDS();
  return buffer;
}

prototype.fill = function fill(value, offset, end, encoding) {
  return fillBuffer(this, value, offset, end, encoding);
};

prototype.write = function write(string, offset, length, encoding) {
  const size = this.length;
  if (offset === undefined) return this.utf8Write(string, 0, size);
  if (length === undefined && typeof offset === 'string') {
    encoding = offset;
    length = size;
    offset = 0;
  } else {
    validateInteger(offset, 'offset', 0, size);
    const remaining = size - offset;
    if (length === undefined) {
      length = remaining;
    } else if (typeof length === 'string') {
      encoding = length;
      length = remaining;
    } else {
      validateInteger(length, 'length', 0, size);
      if (length > remaining) length = remaining;
    }
  }
  const ops = encoding ? getEncodingOps(encoding) : encodings.utf8;
  if (ops === undefined) throw new codes.ERR_UNKNOWN_ENCODING(encoding);
  if (typeof string !== 'string') {
    throw plainError(TypeError, 'ERR_INVALID_ARG_TYPE', 'argument must be a string');
  }
  return ops.write(this, string, offset, length);
};

prototype.toJSON = function toJSON() {
  const { length } = this;
  const data = length > 0 ? new Array(length) : [];
  for (let i = 0; i < length; i++) data[i] = this[i];
  return { type: 'Buffer', data };
};

function relativeIndex(index, length) {
  index = MathTrunc(index);
  if (index === 0 || index !== index) return 0;
  if (index < 0) {
    index += length;
    return index > 0 ? index : 0;
  }
  return index < length ? index : length;
}

function subarrayOf(buffer, start, end) {
  const length = TypedArrayPrototypeGetLength(buffer);
  return subarray(
    buffer, relativeIndex(start, length), end === undefined ? length : relativeIndex(end, length));
}

prototype.subarray = function subarray(start, end) {
  return subarrayOf(this, start, end);
};

prototype.slice = function slice(start, end) {
  return subarrayOf(this, start, end);
};

for (const bits of [16, 32, 64]) {
  const name = `swap${bits}`;
  prototype[name] = { [name]() {
    if (this.length % (bits / 8) !== 0) throw new codes.ERR_INVALID_BUFFER_SIZE(`${bits}-bits`);
    room.swap(this, bits / 8);
    return this;
  } }[name];
}

prototype.toLocaleString = prototype.toString;

exports.copyBytes = copyBytes;
exports.fillBuffer = fillBuffer;
exports.inspection = inspection;
