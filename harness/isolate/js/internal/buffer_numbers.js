// Buffer's methods that read and write numbers.
'use strict';

const {
  BigInt, Float32Array, Float64Array, MathFloor, Number, NumberIsInteger, SafeArrayIterator,
  TypedArrayPrototypeGetBuffer, Uint8Array,
} = primordials;

const { codes } = require('internal/errors');
const { validateNumber } = require('internal/validators');

function boundsError(value, last, name) {
  if (MathFloor(value) !== value) {
    validateNumber(value, name);
    return new codes.ERR_OUT_OF_RANGE(name || 'offset', 'an integer', value);
  }
  if (last < 0) return new codes.ERR_BUFFER_OUT_OF_BOUNDS();
  return new codes.ERR_OUT_OF_RANGE(
    name || 'offset', `>= ${name ? 1 : 0} and <= ${last}`, value);
}

// An element beyond the end, whether by the offset, the length or a buffer that shrank, is `undefined`.
function checkOffset(buffer, offset, size) {
  validateNumber(offset, 'offset');
  if (buffer[offset] === undefined || buffer[offset + size - 1] === undefined) {
    throw boundsError(offset, buffer.length - size);
  }
}

function checkByteLength(size) {
  if (size === undefined) throw new codes.ERR_INVALID_ARG_TYPE('byteLength', 'number', size);
  if (!NumberIsInteger(size) || size < 1 || size > 6) {
    validateNumber(size, 'byteLength');
    throw boundsError(size, 6, 'byteLength');
  }
}

function rangeText(min, max, size) {
  const n = typeof min === 'bigint' ? 'n' : '';
  // Bounds of more than four bytes are told as powers.
  if (size <= 4) return `>= ${min}${n} and <= ${max}${n}`;
  const bits = size * 8;
  return min === 0 || min === 0n ?
    `>= 0${n} and < 2${n} ** ${bits}${n}` :
    `>= -(2${n} ** ${bits - 1}${n}) and < 2${n} ** ${bits - 1}${n}`;
}

function checkRange(value, min, max, size) {
  if (value > max || value < min) {
    throw new codes.ERR_OUT_OF_RANGE('value', rangeText(min, max, size), value);
  }
}

// The sum is exact: at most six bytes, so below 2 ** 48.
function readUnsigned(buffer, offset, size, little) {
  let value = 0;
  if (little) {
    for (let i = size - 1; i >= 0; i--) value = value * 256 + buffer[offset + i];
  } else {
    for (let i = 0; i < size; i++) value = value * 256 + buffer[offset + i];
  }
  return value;
}

function toSigned(value, size) {
  const half = 2 ** (size * 8 - 1);
  return value >= half ? value - half * 2 : value;
}

function writeInteger(buffer, value, offset, size, little) {
  if (value < 0) value += 2 ** (size * 8);
  for (let i = 0; i < size; i++) {
    buffer[little ? offset + i : offset + size - 1 - i] = value;
    value = MathFloor(value / 256);
  }
  return offset + size;
}

function limits(size, signed) {
  const count = 2 ** (size * 8);
  return signed ? [-count / 2, count / 2 - 1] : [0, count - 1];
}

function fixedReader(name, size, signed, little) {
  return { [name](offset = 0) {
    checkOffset(this, offset, size);
    const value = readUnsigned(this, offset, size, little);
    return signed ? toSigned(value, size) : value;
  } }[name];
}

function fixedWriter(name, size, signed, little) {
  const { 0: min, 1: max } = limits(size, signed);
  return { [name](value, offset = 0) {
    value = +value;
    // One byte is checked in the other order by Node: where first, then what.
    if (size === 1) {
      validateNumber(offset, 'offset');
      checkRange(value, min, max, size);
      if (this[offset] === undefined) throw boundsError(offset, this.length - 1);
    } else {
      checkRange(value, min, max, size);
      checkOffset(this, offset, size);
    }
    if (value !== value) value = 0;
    return writeInteger(this, value < 0 ? -MathFloor(-value) : MathFloor(value), offset, size, little);
  } }[name];
}

function sizedReader(name, signed, little) {
  return { [name](offset, byteLength) {
    if (offset === undefined) throw new codes.ERR_INVALID_ARG_TYPE('offset', 'number', offset);
    checkByteLength(byteLength);
    checkOffset(this, offset, byteLength);
    const value = readUnsigned(this, offset, byteLength, little);
    return signed ? toSigned(value, byteLength) : value;
  } }[name];
}

function sizedWriter(name, signed, little) {
  return { [name](value, offset, byteLength) {
    checkByteLength(byteLength);
    value = +value;
    const { 0: min, 1: max } = limits(byteLength, signed);
    if (byteLength === 1) {
      validateNumber(offset, 'offset');
      checkRange(value, min, max, 1);
      if (this[offset] === undefined) throw boundsError(offset, this.length - 1);
    } else {
      checkRange(value, min, max, byteLength);
      checkOffset(this, offset, byteLength);
    }
    if (value !== value) value = 0;
    return writeInteger(this, value < 0 ? -MathFloor(-value) : MathFloor(value), offset, byteLength, little);
  } }[name];
}

function bigReader(name, signed, little) {
  return { [name](offset = 0) {
    checkOffset(this, offset, 8);
    const first = readUnsigned(this, offset, 4, little);
    const second = readUnsigned(this, offset + 4, 4, little);
    const high = little ? second : first;
    const low = little ? first : second;
    return (BigInt(signed ? toSigned(high, 4) : high) << 32n) + BigInt(low);
  } }[name];
}

function bigWriter(name, signed, little) {
  const min = signed ? -(2n ** 63n) : 0n;
  const max = signed ? 2n ** 63n - 1n : 2n ** 64n - 1n;
  return { [name](value, offset = 0) {
    checkRange(value, min, max, 8);
    checkOffset(this, offset, 8);
    const low = Number(value & 0xffffffffn);
    const high = Number((value >> 32n) & 0xffffffffn);
    writeInteger(this, little ? low : high, offset, 4, little);
    writeInteger(this, little ? high : low, offset + 4, 4, little);
    return offset + 8;
  } }[name];
}

// One scratch cell for each width: every use writes it before it reads it.
const single = new Float32Array(1);
const singleBytes = new Uint8Array(TypedArrayPrototypeGetBuffer(single));
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(TypedArrayPrototypeGetBuffer(double));

function floatReader(name, cell, bytes, size, little) {
  return { [name](offset = 0) {
    checkOffset(this, offset, size);
    for (let i = 0; i < size; i++) bytes[little ? i : size - 1 - i] = this[offset + i];
    return cell[0];
  } }[name];
}

function floatWriter(name, cell, bytes, size, little) {
  return { [name](value, offset = 0) {
    checkOffset(this, offset, size);
    cell[0] = value;
    for (let i = 0; i < size; i++) this[offset + i] = bytes[little ? i : size - 1 - i];
    return offset + size;
  } }[name];
}

const methods = { __proto__: null };

// A name that is computed leaves the function as light as others; one that is defined afterwards would not.
function define(name, factory, ...args) {
  methods[name] = factory(name, ...new SafeArrayIterator(args));
}

for (const little of [true, false]) {
  const end = little ? 'LE' : 'BE';
  for (const signed of [false, true]) {
    const kind = signed ? 'Int' : 'UInt';
    define(`readBig${kind}64${end}`, bigReader, signed, little);
    define(`writeBig${kind}64${end}`, bigWriter, signed, little);
    define(`read${kind}${end}`, sizedReader, signed, little);
    define(`write${kind}${end}`, sizedWriter, signed, little);
    for (const size of [2, 4]) {
      define(`read${kind}${size * 8}${end}`, fixedReader, size, signed, little);
      define(`write${kind}${size * 8}${end}`, fixedWriter, size, signed, little);
    }
  }
  define(`readFloat${end}`, floatReader, single, singleBytes, 4, little);
  define(`readDouble${end}`, floatReader, double, doubleBytes, 8, little);
  define(`writeFloat${end}`, floatWriter, single, singleBytes, 4, little);
  define(`writeDouble${end}`, floatWriter, double, doubleBytes, 8, little);
}
define('readUInt8', fixedReader, 1, false, true);
define('readInt8', fixedReader, 1, true, true);
define('writeUInt8', fixedWriter, 1, false, true);
define('writeInt8', fixedWriter, 1, true, true);

exports.numberMethods = methods;
