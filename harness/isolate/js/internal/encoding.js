// TextEncoder and TextDecoder.
'use strict';

const {
  ArrayBufferIsView, ObjectDefineProperty, StringPrototypeSlice, SymbolFor, SymbolToStringTag,
  TypeError, Uint8Array,
} = primordials;

const { codes } = require('internal/errors');
const { encodings, plainError, textTooLong } = require('internal/buffer_encodings');
const { bytesOf, isUint8Array } = require('internal/buffer_memory');
const room = native.encoding;
const customInspect = SymbolFor('nodejs.util.inspect.custom');
const emptyBytes = new Uint8Array(0);

class TextEncoder {
  #brand;

  static #check(value) {
    if (value === null || typeof value !== 'object' || !(#brand in value)) {
      throw new codes.ERR_INVALID_THIS('TextEncoder');
    }
  }

  get encoding() {
    TextEncoder.#check(this);
    return 'utf-8';
  }

  encode(input = '') {
    TextEncoder.#check(this);
    return bytesOf(`${input}`, encodings.utf8);
  }

  encodeInto(src, dest) {
    TextEncoder.#check(this);
    if (typeof src !== 'string') throw new codes.ERR_INVALID_ARG_TYPE('src', 'string', src);
    if (!isUint8Array(dest)) throw new codes.ERR_INVALID_ARG_TYPE('dest', 'Uint8Array', dest);
    const { 0: read, 1: written } = room.encodeInto(src, dest);
    return { read, written };
  }

  [customInspect](depth, options, inspect) {
    TextEncoder.#check(this);
    if (typeof depth === 'number' && depth < 0) return this;
    return inspect({ encoding: 'utf-8' }, options);
  }
}

function optionsObject(options) {
  if (options === undefined || options === null) return { __proto__: null };
  if (typeof options !== 'object' && typeof options !== 'function') {
    throw new codes.ERR_INVALID_ARG_TYPE('options', 'Object', options);
  }
  return options;
}

class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  // In the middle of a stream: the bytes of an unfinished character, and whether anything came before them.
  #pending;
  #started = false;

  constructor(encoding = 'utf-8', options = undefined) {
    encoding = `${encoding}`;
    const { fatal, ignoreBOM } = optionsObject(options);
    const name = room.nameOf(encoding);
    if (name === undefined || name === 'replacement') {
      throw new codes.ERR_ENCODING_NOT_SUPPORTED(name ?? encoding);
    }
    this.#encoding = name;
    this.#fatal = !!fatal;
    this.#ignoreBOM = !!ignoreBOM;
  }

  static #check(value) {
    if (value === null || typeof value !== 'object' || !(#pending in value)) {
      throw new codes.ERR_INVALID_THIS('TextDecoder');
    }
  }

  get encoding() {
    TextDecoder.#check(this);
    return this.#encoding;
  }

  get fatal() {
    TextDecoder.#check(this);
    return this.#fatal;
  }

  get ignoreBOM() {
    TextDecoder.#check(this);
    return this.#ignoreBOM;
  }

  decode(input = emptyBytes, options = undefined) {
    TextDecoder.#check(this);
    const more = !!optionsObject(options).stream;
    if (!ArrayBufferIsView(input) && !native.buffer.isAnyArrayBuffer(input)) {
      throw plainError(
        TypeError, 'ERR_INVALID_ARG_TYPE',
        'The "list" argument must be an instance of SharedArrayBuffer, ArrayBuffer or ArrayBufferView.');
    }
    const result = room.decode(this.#encoding, input, this.#pending, this.#fatal, !more);
    if (result === undefined) {
      this.#pending = undefined;
      this.#started = false;
      throw plainError(
        TypeError, 'ERR_ENCODING_INVALID_ENCODED_DATA',
        `The encoded data was not valid for encoding ${this.#encoding}`);
    }
    let { 0: text } = result;
    if (text === undefined) throw textTooLong();
    const first = !this.#started && text.length > 0;
    if (first && !this.#ignoreBOM && text[0] === '\ufeff' && this.#unicode()) {
      text = StringPrototypeSlice(text, 1);
    }
    this.#pending = result[1];
    this.#started = more && (this.#started || first);
    return text;
  }

  #unicode() {
    return this.#encoding === 'utf-8' || this.#encoding === 'utf-16le' || this.#encoding === 'utf-16be';
  }

  [customInspect](depth, options, inspect) {
    TextDecoder.#check(this);
    if (typeof depth === 'number' && depth < 0) return this;
    return `TextDecoder ${inspect({
      encoding: this.#encoding, fatal: this.#fatal, ignoreBOM: this.#ignoreBOM,
    }, options)}`;
  }
}

for (const { 0: Class, 1: names } of [
  [TextEncoder, ['encode', 'encodeInto', 'encoding']],
  [TextDecoder, ['decode', 'encoding', 'fatal', 'ignoreBOM']],
]) {
  for (let i = 0; i < names.length; i++) {
    ObjectDefineProperty(Class.prototype, names[i], { __proto__: null, enumerable: true });
  }
  ObjectDefineProperty(Class.prototype, SymbolToStringTag, {
    __proto__: null, value: Class.name, configurable: true,
  });
}

exports.TextEncoder = TextEncoder;
exports.TextDecoder = TextDecoder;
