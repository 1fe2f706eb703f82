// The bodies of requests and responses: what they are made of, and how they are read, once.
'use strict';

const {
  ArrayBufferIsView, ArrayPrototypePush, JSONParse, ObjectDefineProperties, PromiseReject, RegExpPrototypeExec,
  StringPrototypeToWellFormed, SymbolAsyncIterator, TypeError, Uint8Array,
} = primordials;

const { kEnumerableProperty } = require('internal/util');
const { Blob } = require('internal/buffer_blob');
const { FormData, decodeForm, encodeForm, isFormData } = require('internal/fetch/form_data');

function encode(text) {
  return new Uint8Array(require('buffer').Buffer.from(StringPrototypeToWellFormed(text)));
}

// `{ bytes | blob | stream, type }` of what a program gave as a body.
function extract(object) {
  const { URLSearchParams } = require('internal/url');
  const { coreOf, ReadableStream } = require('internal/webstreams/readable');
  if (coreOf(object) !== undefined) {
    if (object.locked || coreOf(object).disturbed) {
      throw new TypeError('Response body object should not be disturbed or locked');
    }
    return { __proto__: null, stream: object, type: null };
  }
  if (object instanceof URLSearchParams) {
    return { __proto__: null, bytes: encode(`${object}`), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  }
  if (native.buffer.isAnyArrayBuffer(object)) {
    return { __proto__: null, bytes: new Uint8Array(new Uint8Array(object)), type: null };
  }
  if (ArrayBufferIsView(object)) {
    return { __proto__: null, bytes: new Uint8Array(new Uint8Array(object.buffer, object.byteOffset, object.byteLength)), type: null };
  }
  if (isFormData(object)) {
    const { boundary, blob } = encodeForm(object);
    return { __proto__: null, blob, type: `multipart/form-data; boundary=${boundary}` };
  }
  if (object instanceof Blob) {
    return { __proto__: null, blob: object, type: object.type || null };
  }
  if (object !== null && typeof object === 'object' && typeof object[SymbolAsyncIterator] === 'function') {
    return { __proto__: null, stream: ReadableStream.from(object), type: null };
  }
  return { __proto__: null, bytes: encode(`${object}`), type: 'text/plain;charset=UTF-8' };
}

// A body that is read through `stream` once anyone asks for it.
class Body {
  constructor(parts) {
    this.bytes = parts.bytes;
    this.blob = parts.blob;
    this.made = parts.stream;
    this.used = false;
  }

  get stream() {
    if (this.made === undefined) {
      const { ReadableStream } = require('internal/webstreams/readable');
      const { bytes, blob } = this;
      this.made = new ReadableStream({
        async pull(controller) {
          const all = bytes ?? await blob.bytes();
          if (all.byteLength > 0) {
            controller.enqueue(new Uint8Array(all));
          }
          controller.close();
        },
        type: 'bytes',
      });
    }
    return this.made;
  }

  get disturbed() {
    return this.used || (this.made !== undefined && require('internal/webstreams/readable').coreOf(this.made).disturbed);
  }

  get locked() {
    return this.made !== undefined && this.made.locked;
  }

  async read() {
    this.used = true;
    if (this.made === undefined) {
      return this.bytes ?? this.blob.bytes();
    }
    const reader = this.made.getReader();
    const chunks = [];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        break;
      }
      if (!(value instanceof Uint8Array)) {
        throw new TypeError('Received non-Uint8Array chunk');
      }
      ArrayPrototypePush(chunks, value);
    }
    return new Uint8Array(require('buffer').Buffer.concat(chunks));
  }

  clone() {
    if (this.made === undefined) {
      return new Body({ bytes: this.bytes, blob: this.blob });
    }
    const { 0: mine, 1: other } = this.made.tee();
    this.made = mine;
    return new Body({ stream: other });
  }
}

function text(bytes) {
  const { TextDecoder } = require('internal/encoding');
  return new TextDecoder().decode(bytes);
}

const readers = {
  __proto__: null,
  arrayBuffer: (bytes) => new Uint8Array(bytes).buffer,
  blob: (bytes, type) => new Blob([bytes], { type: type ?? '' }),
  bytes: (bytes) => new Uint8Array(bytes),
  formData(bytes, type) {
    const { URLSearchParams } = require('internal/url');
    if (type !== null) {
      const boundary = RegExpPrototypeExec(/^multipart\/form-data;.*boundary="?([^";]+)"?/i, type);
      const form = boundary === null ? undefined : decodeForm(bytes, boundary[1]);
      if (form !== undefined) {
        return form;
      }
      if (boundary !== null) {
        throw new TypeError('Failed to parse body as FormData.');
      }
      if (RegExpPrototypeExec(/^application\/x-www-form-urlencoded/i, type) !== null) {
        const form = new FormData();
        new URLSearchParams(text(bytes)).forEach((value, name) => form.append(name, value));
        return form;
      }
    }
    throw new TypeError('Content-Type was not one of "multipart/form-data" or "application/x-www-form-urlencoded".');
  },
  json: (bytes) => JSONParse(text(bytes)),
  text,
};

// Gives a class the members of the standard's Body mixin; `bodyOf(object)` is its body or null.
function mixIn(Class, name, bodyOf) {
  const properties = { __proto__: null };
  for (const key in readers) {
    properties[key] = { __proto__: null, configurable: true, enumerable: true, writable: true, value: { async [key]() {
      const body = bodyOf(this);
      if (body === null) {
        return readers[key](new Uint8Array(0), this.headers.get('content-type'));
      }
      if (body.disturbed || body.locked) {
        return PromiseReject(new TypeError('Body is unusable: Body has already been read'));
      }
      return readers[key](await body.read(), this.headers.get('content-type'));
    } }[key] };
  }
  ObjectDefineProperties(Class.prototype, {
    ...properties,
    body: { __proto__: null, configurable: true, enumerable: true, get: { body() {
      return bodyOf(this)?.stream ?? null;
    } }.body },
    bodyUsed: { __proto__: null, configurable: true, enumerable: true, get: { bodyUsed() {
      return bodyOf(this)?.disturbed ?? false;
    } }.bodyUsed },
    clone: kEnumerableProperty,
  });
}

module.exports = { Body, extract, mixIn };
