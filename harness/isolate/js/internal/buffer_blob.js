// Blob and File: bytes that do not change, in memory.
'use strict';

const {
  ArrayBufferIsView, DateNow, MathMax, MathMin, MathTrunc, NumberIsNaN, ObjectDefineProperty,
  PromiseReject, PromiseResolve, RegExpPrototypeExec, RegExpPrototypeSymbolReplace,
  StringPrototypeToLowerCase, StringPrototypeToWellFormed, SymbolFor, SymbolIterator,
  SymbolToStringTag, TypeError, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeSet,
  TypedArrayPrototypeSlice, TypedArrayPrototypeSubarray, Uint8Array,
} = primordials;

const { codes } = require('internal/errors');
const { encodings } = require('internal/buffer_encodings');
const { bytesOf } = require('internal/buffer_memory');

const room = native.buffer;
const customInspect = SymbolFor('nodejs.util.inspect.custom');
const disallowedType = /[^\u{0020}-\u{007E}]/u;
const lineEnd = /\r\n|\r|\n/g;

function webidlError(message) {
  const error = new TypeError(message);
  ObjectDefineProperty(error, 'code', {
    __proto__: null, value: 'ERR_INVALID_ARG_TYPE', writable: true, enumerable: true, configurable: true,
  });
  return error;
}

function dictionary(options) {
  if (options === undefined || options === null) return { __proto__: null };
  if (typeof options !== 'object' && typeof options !== 'function') {
    throw new codes.ERR_INVALID_ARG_TYPE('options', 'a dictionary', options);
  }
  return options;
}

function partBytes(part, endings) {
  if (isBlob(part)) return bytesOfBlob(part);
  // Copied: later changes of the source must not show.
  if (room.isAnyArrayBuffer(part)) return TypedArrayPrototypeSlice(new Uint8Array(part));
  if (ArrayBufferIsView(part)) {
    return TypedArrayPrototypeSlice(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  let text = StringPrototypeToWellFormed(`${part}`);
  if (endings === 'native') text = RegExpPrototypeSymbolReplace(lineEnd, text, '\n');
  return bytesOf(text, encodings.utf8);
}

function collect(sources, endings) {
  if (sources === undefined) return new Uint8Array(0);
  if (sources === null || (typeof sources !== 'object' && typeof sources !== 'function') ||
      typeof sources[SymbolIterator] !== 'function') {
    throw webidlError('Value cannot be converted to sequence.');
  }
  const parts = [];
  let size = 0;
  for (const source of sources) {
    const bytes = partBytes(source, endings);
    parts[parts.length] = bytes;
    size += bytes.length;
  }
  const all = new Uint8Array(size);
  let position = 0;
  for (let i = 0; i < parts.length; i++) {
    TypedArrayPrototypeSet(all, parts[i], position);
    position += parts[i].length;
  }
  return all;
}

function mediaType(type) {
  const text = `${type}`;
  return RegExpPrototypeExec(disallowedType, text) === null ? StringPrototypeToLowerCase(text) : '';
}

function clamp(index, size) {
  index = MathTrunc(index);
  if (NumberIsNaN(index)) index = 0;
  return index < 0 ? MathMax(size + index, 0) : MathMin(index, size);
}

function inspectAs(name, value, shown, depth, options, inspect) {
  if (depth < 0) return value;
  return `${name} ${inspect(shown, {
    ...options, depth: options.depth === null ? null : options.depth - 1,
  })}`;
}

// Passed by our own callers to make a Blob of given bytes.
const ownBytes = { __proto__: null };

class Blob {
  #bytes;
  #type;

  constructor(sources = undefined, options = undefined) {
    if (options === ownBytes) {
      this.#bytes = sources.bytes;
      this.#type = sources.type;
      return;
    }
    const { type = '', endings = 'transparent' } = dictionary(options);
    const endingsText = `${endings}`;
    if (endingsText !== 'transparent' && endingsText !== 'native') {
      throw new codes.ERR_INVALID_ARG_VALUE('options.endings', endings);
    }
    this.#bytes = collect(sources, endingsText);
    this.#type = mediaType(type);
  }

  static isBlob(value) {
    return typeof value === 'object' && value !== null && #bytes in value;
  }

  static bytesOfBlob(blob) {
    return blob.#bytes;
  }

  get type() {
    if (!isBlob(this)) throw new codes.ERR_INVALID_THIS('Blob');
    return this.#type;
  }

  get size() {
    if (!isBlob(this)) throw new codes.ERR_INVALID_THIS('Blob');
    return this.#bytes.length;
  }

  slice(start = 0, end = this.size, type = '') {
    if (!isBlob(this)) throw new codes.ERR_INVALID_THIS('Blob');
    const size = this.#bytes.length;
    const from = clamp(start, size);
    const to = MathMax(clamp(end, size), from);
    const bytes = TypedArrayPrototypeSubarray(this.#bytes, from, to);
    return new Blob({ bytes, type: mediaType(type) }, ownBytes);
  }

  arrayBuffer() {
    if (!isBlob(this)) return PromiseReject(new codes.ERR_INVALID_THIS('Blob'));
    return PromiseResolve(TypedArrayPrototypeGetBuffer(TypedArrayPrototypeSlice(this.#bytes)));
  }

  text() {
    if (!isBlob(this)) return PromiseReject(new codes.ERR_INVALID_THIS('Blob'));
    const bytes = this.#bytes;
    const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    try {
      return PromiseResolve(encodings.utf8.slice(bytes, marked ? 3 : 0, bytes.length));
    } catch (error) {
      return PromiseReject(error);
    }
  }

  bytes() {
    if (!isBlob(this)) return PromiseReject(new codes.ERR_INVALID_THIS('Blob'));
    return PromiseResolve(TypedArrayPrototypeSlice(this.#bytes));
  }

  [customInspect](depth, options, inspect) {
    return inspectAs('Blob', this, { size: this.size, type: this.type }, depth, options, inspect);
  }
}

// The two doors into a Blob's private part leave the class before a guest can see it.
const { isBlob, bytesOfBlob } = Blob;
delete Blob.isBlob;
delete Blob.bytesOfBlob;

class File extends Blob {
  #name;
  #lastModified;

  constructor(fileBits, fileName, options = undefined) {
    if (arguments.length < 2) throw new codes.ERR_MISSING_ARGS('fileBits', 'fileName');
    super(fileBits, options);
    const { lastModified } = dictionary(options);
    this.#lastModified = lastModified === undefined ? DateNow() : MathTrunc(+lastModified) || 0;
    this.#name = StringPrototypeToWellFormed(`${fileName}`);
  }

  static isFile(value) {
    return #name in value;
  }

  get name() {
    if (!isFile(this)) throw new codes.ERR_INVALID_THIS('File');
    return this.#name;
  }

  get lastModified() {
    if (!isFile(this)) throw new codes.ERR_INVALID_THIS('File');
    return this.#lastModified;
  }

  [customInspect](depth, options, inspect) {
    const { size, type, name, lastModified } = this;
    return inspectAs('File', this, { size, type, name, lastModified }, depth, options, inspect);
  }
}

const { isFile } = File;
delete File.isFile;

for (const { 0: Class, 1: names } of [
  [Blob, ['type', 'size', 'slice', 'arrayBuffer', 'text', 'bytes']], [File, ['name', 'lastModified']],
]) {
  for (let i = 0; i < names.length; i++) {
    ObjectDefineProperty(Class.prototype, names[i], { __proto__: null, enumerable: true });
  }
  ObjectDefineProperty(Class.prototype, SymbolToStringTag, {
    __proto__: null, value: Class.name, configurable: true,
  });
}

// Nothing is stored under `blob:` addresses here, so none resolves.
function resolveObjectURL() {
  return undefined;
}

exports.Blob = Blob;
exports.File = File;
exports.bytesOfBlob = bytesOfBlob;
exports.isBlob = isBlob;
exports.resolveObjectURL = resolveObjectURL;
