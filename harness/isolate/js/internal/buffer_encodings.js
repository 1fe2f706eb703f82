// The encodings that Buffer knows: their names, sizes, and their native readers and writers.
'use strict';

const {
  Error, ObjectDefineProperty, StringPrototypeCharCodeAt, StringPrototypeToLowerCase,
} = primordials;

const room = native.buffer;

// An error as Node throws it from native code: with a code, but without it in the stack.
function plainError(Class, code, message) {
  const error = new Class(message);
  ObjectDefineProperty(error, 'code', {
    __proto__: null, value: code, writable: true, enumerable: true, configurable: true,
  });
  return error;
}

// What a decoded base64 text needs at most, and exactly when it holds no foreign characters.
function base64Length(text) {
  let { length } = text;
  if (length > 0 && StringPrototypeCharCodeAt(text, length - 1) === 0x3d) length--;
  if (length > 1 && StringPrototypeCharCodeAt(text, length - 1) === 0x3d) length--;
  return (length * 3) >>> 2;
}

function textTooLong() {
  return plainError(
    Error, 'ERR_STRING_TOO_LONG', 'Cannot create a string longer than 0x1fffffe8 characters');
}

function encoding(name, byteLength, write, slice) {
  return {
    __proto__: null,
    name,
    byteLength,
    write,
    // The native reader gives nothing where the text would pass V8's limit.
    slice(buffer, start, end) {
      const text = slice(buffer, start, end);
      if (text === undefined) throw textTooLong();
      return text;
    },
  };
}

const utf8 = encoding('utf8', room.byteLengthUtf8, room.utf8Write, room.utf8Slice);
const utf16le = encoding('utf16le', (text) => text.length * 2, room.ucs2Write, room.ucs2Slice);
const latin1 = encoding('latin1', (text) => text.length, room.latin1Write, room.latin1Slice);
const ascii = encoding('ascii', (text) => text.length, room.latin1Write, room.asciiSlice);
const base64 = encoding('base64', base64Length, room.base64Write, room.base64Slice);
const base64url = encoding('base64url', base64Length, room.base64Write, room.base64urlSlice);
const hex = encoding('hex', (text) => text.length >>> 1, room.hexWrite, room.hexSlice);

const byName = {
  '__proto__': null,
  utf8,
  'utf-8': utf8,
  'ucs2': utf16le,
  'ucs-2': utf16le,
  utf16le,
  'utf-16le': utf16le,
  latin1,
  'binary': latin1,
  ascii,
  base64,
  base64url,
  hex,
};

// The operations of an encoding, by any of its names in any case; `undefined` for an unknown one.
function getEncodingOps(name) {
  const text = `${name}`;
  return byName[text] ?? byName[StringPrototypeToLowerCase(text)];
}

// The canonical name of an encoding; nothing named means UTF-8.
function normalizeEncoding(name) {
  if (name === undefined || name === null || name === '') return 'utf8';
  return typeof name === 'string' ? getEncodingOps(name)?.name : undefined;
}

exports.encodings = { __proto__: null, utf8, utf16le, latin1, ascii, base64, base64url, hex };
exports.plainError = plainError;
exports.textTooLong = textTooLong;
exports.getEncodingOps = getEncodingOps;
exports.normalizeEncoding = normalizeEncoding;
