// Texts that go through bytes: base64 by the web's functions, and changes of encoding.
'use strict';

const {
  Error, ObjectDefineProperty, StringFromCharCode, StringPrototypeCharCodeAt,
  StringPrototypeCodePointAt, StringPrototypeIsWellFormed, StringPrototypeToWellFormed,
} = primordials;

const { codes } = require('internal/errors');
const { encodings, normalizeEncoding } = require('internal/buffer_encodings');
const { FastBuffer, fromText, isUint8Array } = require('internal/buffer_memory');

const room = native.buffer;

function invalidCharacter(message) {
  const { DOMException } = require('internal/dom_exception');
  return new DOMException(message, 'InvalidCharacterError');
}

function btoa(input) {
  if (arguments.length === 0) throw new codes.ERR_MISSING_ARGS('input');
  const text = room.btoa(`${input}`);
  if (text === undefined) throw invalidCharacter('Invalid character');
  return text;
}

function atob(input) {
  if (arguments.length === 0) throw new codes.ERR_MISSING_ARGS('input');
  const text = room.atob(`${input}`);
  if (text === true) throw invalidCharacter('Invalid character');
  if (text === false) {
    throw invalidCharacter('The string to be decoded is not correctly encoded.');
  }
  return text;
}

// The failures of ICU that Node shows, by name and number.
function conversionError(name, errno) {
  const error = new Error(`Unable to transcode Buffer [${name}]`);
  for (const { 0: key, 1: value } of [['code', name], ['errno', errno]]) {
    ObjectDefineProperty(error, key, {
      __proto__: null, value, writable: true, enumerable: true, configurable: true,
    });
  }
  return error;
}

// One byte for each character, a question mark where it has none.
function narrow(text, limit) {
  let narrowed = '';
  for (let i = 0; i < text.length; i++) {
    const point = StringPrototypeCodePointAt(text, i);
    if (point > 0xffff) i++;
    narrowed += point < limit ? StringFromCharCode(point) : '?';
  }
  return narrowed;
}

// Seven bits: what has the eighth is no character.
function decodeAscii(source) {
  const text = room.latin1Slice(source, 0, source.length);
  let decoded = '';
  for (let i = 0; i < text.length; i++) {
    decoded += StringPrototypeCharCodeAt(text, i) < 128 ? text[i] : '\ufffd';
  }
  return decoded;
}

function transcode(source, fromEncoding, toEncoding) {
  if (!isUint8Array(source)) {
    throw new codes.ERR_INVALID_ARG_TYPE('source', ['Buffer', 'Uint8Array'], source);
  }
  if (source.length === 0) return new FastBuffer();
  const from = normalizeEncoding(fromEncoding);
  const to = normalizeEncoding(toEncoding);
  const convertible = (name) =>
    name === 'ascii' || name === 'latin1' || name === 'utf16le' || name === 'utf8';
  if (!convertible(from) || !convertible(to)) {
    throw conversionError('U_ILLEGAL_ARGUMENT_ERROR', 1);
  }
  // Between the two Unicode forms nothing may be lost.
  if (from === 'utf8' && to === 'utf16le') {
    if (!room.isUtf8(source)) throw conversionError('U_INVALID_CHAR_FOUND', 10);
    return fromText(encodings.utf8.slice(source, 0, source.length), encodings.utf16le);
  }
  let text;
  if (from === 'ascii' && to !== 'utf16le') {
    text = decodeAscii(source);
  } else if (from === 'ascii') {
    text = encodings.latin1.slice(source, 0, source.length);
  } else {
    text = encodings[from].slice(source, 0, source.length);
  }
  if (from === 'utf16le' && to === 'utf8' && !StringPrototypeIsWellFormed(text)) {
    throw conversionError('U_INVALID_CHAR_FOUND', 10);
  }
  if (from === 'utf16le' && to === 'utf16le') {
    text = StringPrototypeToWellFormed(text);
  }
  if (to === 'latin1') text = narrow(text, 256);
  if (to === 'ascii') text = narrow(text, 128);
  return fromText(text, encodings[to]);
}

exports.atob = atob;
exports.btoa = btoa;
exports.transcode = transcode;
