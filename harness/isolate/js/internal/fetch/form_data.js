// FormData of the XMLHttpRequest Standard, and multipart bodies made of it and read into it.
'use strict';

const {
  ArrayPrototypeFilter, ArrayPrototypeFind, ArrayPrototypeFindIndex, ArrayPrototypeForEach,
  ArrayPrototypeMap, ArrayPrototypePush, FunctionPrototypeCall, ObjectDefineProperties, ObjectDefineProperty,
  RegExpPrototypeExec, StringPrototypeReplaceAll, StringPrototypeToWellFormed, SymbolIterator, SymbolToStringTag, TypeError,
} = primordials;

const { kEnumerableProperty } = require('internal/util');
const { iteratorClass, need } = require('internal/fetch/headers');
const { Blob, File } = require('internal/buffer_blob');

const makeIterator = iteratorClass('FormData');

function isBlob(value) {
  return value instanceof Blob;
}

function entryOf(name, value, filename) {
  if (!isBlob(value)) {
    return { __proto__: null, name, value: StringPrototypeToWellFormed(`${value}`) };
  }
  const file = !(value instanceof File) || filename !== undefined
    ? new File([value], filename ?? (value instanceof File ? value.name : 'blob'), { type: value.type }) : value;
  return { __proto__: null, name, value: file };
}

class FormData {
  #entries = [];

  constructor(form = undefined) {
    if (form !== undefined) {
      throw new TypeError('FormData constructor: Argument 1 could not be converted to: undefined.');
    }
  }

  static is(value) {
    return value !== null && typeof value === 'object' && #entries in value;
  }

  append(name, value, filename = undefined) {
    need(arguments, 2, 'FormData.append');
    if (arguments.length === 3 && !isBlob(value)) {
      throw new TypeError("FormData.append: Argument 2 (\"value\") could not be converted to: Blob.");
    }
    ArrayPrototypePush(this.#entries, entryOf(StringPrototypeToWellFormed(`${name}`), value,
      filename === undefined ? undefined : `${filename}`));
  }

  delete(name) {
    need(arguments, 1, 'FormData.delete');
    const key = `${name}`;
    this.#entries = ArrayPrototypeFilter(this.#entries, (entry) => entry.name !== key);
  }

  get(name) {
    need(arguments, 1, 'FormData.get');
    const key = `${name}`;
    return ArrayPrototypeFind(this.#entries, (entry) => entry.name === key)?.value ?? null;
  }

  getAll(name) {
    need(arguments, 1, 'FormData.getAll');
    const key = `${name}`;
    return ArrayPrototypeMap(ArrayPrototypeFilter(this.#entries, (entry) => entry.name === key), (entry) => entry.value);
  }

  has(name) {
    need(arguments, 1, 'FormData.has');
    const key = `${name}`;
    return ArrayPrototypeFindIndex(this.#entries, (entry) => entry.name === key) !== -1;
  }

  set(name, value, filename = undefined) {
    need(arguments, 2, 'FormData.set');
    const entry = entryOf(StringPrototypeToWellFormed(`${name}`), value, filename === undefined ? undefined : `${filename}`);
    const at = ArrayPrototypeFindIndex(this.#entries, (known) => known.name === entry.name);
    if (at === -1) {
      ArrayPrototypePush(this.#entries, entry);
      return;
    }
    this.#entries[at] = entry;
    this.#entries = ArrayPrototypeFilter(this.#entries, (known, index) => index <= at || known.name !== entry.name);
  }

  keys() {
    return makeIterator(() => this.#entries, (entry) => entry.name);
  }

  values() {
    return makeIterator(() => this.#entries, (entry) => entry.value);
  }

  entries() {
    return makeIterator(() => this.#entries, (entry) => [entry.name, entry.value]);
  }

  forEach(callback, self = undefined) {
    need(arguments, 1, 'FormData.forEach');
    ArrayPrototypeForEach(this.#entries, (entry) => FunctionPrototypeCall(callback, self, entry.value, entry.name, this));
  }
}
const isFormData = FormData.is;
delete FormData.is;
ObjectDefineProperty(FormData.prototype, SymbolIterator, {
  __proto__: null, configurable: true, enumerable: false, value: FormData.prototype.entries, writable: true,
});
ObjectDefineProperties(FormData.prototype, {
  append: kEnumerableProperty,
  delete: kEnumerableProperty,
  get: kEnumerableProperty,
  getAll: kEnumerableProperty,
  has: kEnumerableProperty,
  set: kEnumerableProperty,
  keys: kEnumerableProperty,
  values: kEnumerableProperty,
  entries: kEnumerableProperty,
  forEach: kEnumerableProperty,
  [SymbolToStringTag]: { __proto__: null, configurable: true, enumerable: false, value: 'FormData', writable: false },
});

function quoted(text) {
  return StringPrototypeReplaceAll(StringPrototypeReplaceAll(StringPrototypeReplaceAll(text, '\n', '%0A'), '\r', '%0D'), '"', '%22');
}

// The parts of a multipart body, and its boundary.
function encodeForm(form) {
  const { randomInt } = require('crypto');
  const boundary = `----formdata-undici-0${primordials.StringPrototypePadStart(`${randomInt(1e11)}`, 11, '0')}`;
  const parts = [];
  form.forEach((value, name) => {
    let head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"`;
    if (typeof value === 'string') {
      ArrayPrototypePush(parts, `${head}\r\n\r\n${value}\r\n`);
    } else {
      head += `; filename="${quoted(value.name)}"\r\nContent-Type: ${value.type || 'application/octet-stream'}`;
      ArrayPrototypePush(parts, `${head}\r\n\r\n`, value, '\r\n');
    }
  });
  ArrayPrototypePush(parts, `--${boundary}--\r\n`);
  return { boundary, blob: new Blob(parts) };
}

// Reads a multipart body; `undefined` when it is none.
function decodeForm(bytes, boundary) {
  const { Buffer } = require('buffer');
  const form = new FormData();
  const mark = Buffer.from(`--${boundary}`);
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = all.indexOf(mark);
  while (at !== -1) {
    at += mark.length;
    if (all.toString('latin1', at, at + 2) === '--') {
      return form;
    }
    const head = all.indexOf('\r\n\r\n', at);
    const end = head === -1 ? -1 : all.indexOf(`\r\n--${boundary}`, head + 2);
    if (end === -1) {
      return undefined;
    }
    const fields = all.toString('utf8', at + 2, head);
    const name = RegExpPrototypeExec(/content-disposition:[^\r\n]*?[; ]name="([^"]*)"/i, fields);
    if (name === null) {
      return undefined;
    }
    const file = RegExpPrototypeExec(/filename="([^"]*)"/i, fields);
    const type = RegExpPrototypeExec(/content-type:[ \t]*([^\r\n]*)/i, fields);
    const body = all.subarray(head + 4, primordials.MathMax(end, head + 4));
    if (file === null) {
      form.append(name[1], body.toString('utf8'));
    } else {
      form.append(name[1], new File([body], file[1], { type: type?.[1] ?? 'text/plain' }));
    }
    at = end + 2;
  }
  return undefined;
}

module.exports = { FormData, decodeForm, encodeForm, isFormData };
