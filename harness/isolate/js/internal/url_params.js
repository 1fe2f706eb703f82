// URLSearchParams: the list of pairs in a query, and the `application/x-www-form-urlencoded` format.
'use strict';

const {
  ArrayPrototypeJoin, FunctionPrototypeCall, Iterator, ObjectCreate,
  ObjectDefineProperties, ReflectGetOwnPropertyDescriptor, ReflectOwnKeys,
  RegExpPrototypeSymbolReplace, SafeMap, SafeWeakMap, StringPrototypeCharCodeAt,
  StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeToWellFormed, SymbolFor,
  SymbolIterator, SymbolToStringTag,
} = primordials;

const { codes } = require('internal/errors');
const { validateFunction } = require('internal/validators');
const { encodings } = require('internal/buffer_encodings');
const { bytesOf } = require('internal/buffer_memory');
const { percentDecode } = require('internal/url_percent');

const customInspect = SymbolFor('nodejs.util.inspect.custom');
const colors = /\u001b\[\d\d?m/g;

// What the format leaves as it is: letters, digits, and `*-._`.
const kept = [];
for (let code = 0; code < 128; code++) {
  kept[code] = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) ||
    code === 42 || code === 45 || code === 46 || code === 95;
}

const escapes = [];
for (let byte = 0; byte < 256; byte++) {
  escapes[byte] = `%${'0123456789ABCDEF'[byte >> 4]}${'0123456789ABCDEF'[byte & 15]}`;
}
escapes[32] = '+';

function encode(text) {
  let plain = true;
  for (let i = 0; i < text.length && plain; i++) {
    plain = kept[StringPrototypeCharCodeAt(text, i)] === true;
  }
  if (plain) return text;
  const bytes = bytesOf(text, encodings.utf8);
  let encoded = '';
  let start = 0;
  const latin = encodings.latin1.slice(bytes, 0, bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    if (kept[bytes[i]] === true) continue;
    encoded += `${StringPrototypeSlice(latin, start, i)}${escapes[bytes[i]]}`;
    start = i + 1;
  }
  return `${encoded}${StringPrototypeSlice(latin, start)}`;
}

function decode(text) {
  let spaced = '';
  let start = 0;
  for (let i = StringPrototypeIndexOf(text, '+'); i !== -1; i = StringPrototypeIndexOf(text, '+', start)) {
    spaced += `${StringPrototypeSlice(text, start, i)} `;
    start = i + 1;
  }
  if (start > 0) text = `${spaced}${StringPrototypeSlice(text, start)}`;
  return percentDecode(text);
}

// A flat list: names at even places, values at odd ones.
function parseParams(text) {
  const list = [];
  let count = 0;
  let start = 0;
  while (start <= text.length) {
    let end = StringPrototypeIndexOf(text, '&', start);
    if (end === -1) end = text.length;
    if (end > start) {
      const pair = StringPrototypeSlice(text, start, end);
      const equals = StringPrototypeIndexOf(pair, '=');
      list[count++] = decode(equals === -1 ? pair : StringPrototypeSlice(pair, 0, equals));
      list[count++] = equals === -1 ? '' : decode(StringPrototypeSlice(pair, equals + 1));
    }
    start = end + 1;
  }
  return list;
}

function serializeParams(list) {
  let text = '';
  for (let i = 0; i < list.length; i += 2) {
    text += `${i === 0 ? '' : '&'}${encode(list[i])}=${encode(list[i + 1])}`;
  }
  return text;
}

function toUSVString(value) {
  return StringPrototypeToWellFormed(`${value}`);
}

function isObject(value) {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function fromSequence(pairs) {
  const list = [];
  for (const pair of pairs) {
    if (!isObject(pair) || typeof pair[SymbolIterator] !== 'function') {
      throw new codes.ERR_INVALID_TUPLE('Each query pair', '[name, value]');
    }
    const members = [];
    for (const member of pair) members[members.length] = toUSVString(member);
    if (members.length !== 2) throw new codes.ERR_INVALID_TUPLE('Each query pair', '[name, value]');
    list[list.length] = members[0];
    list[list.length] = members[1];
  }
  return list;
}

function fromRecord(record) {
  const list = [];
  const places = new SafeMap();
  const keys = ReflectOwnKeys(record);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (!ReflectGetOwnPropertyDescriptor(record, key)?.enumerable) continue;
    const name = toUSVString(key);
    const value = toUSVString(record[key]);
    // Two keys may become one name, when their lone surrogates are replaced.
    const place = places.get(name);
    if (place !== undefined) {
      list[place] = value;
      continue;
    }
    list[list.length] = name;
    places.set(name, list.length);
    list[list.length] = value;
  }
  return list;
}

// A stable merge sort by code units.
function sortPairs(list) {
  const count = list.length / 2;
  let source = list;
  for (let width = 1; width < count; width *= 2) {
    const target = [];
    for (let start = 0; start < count; start += 2 * width) {
      const middle = start + width < count ? start + width : count;
      const end = start + 2 * width < count ? start + 2 * width : count;
      let left = start;
      let right = middle;
      for (let i = start; i < end; i++) {
        const from = left < middle && (right >= end || source[left * 2] <= source[right * 2]) ? left++ : right++;
        target[i * 2] = source[from * 2];
        target[i * 2 + 1] = source[from * 2 + 1];
      }
    }
    source = target;
  }
  return source;
}

// Set by the class, for the URL class: a list that follows its query, and a way to give it a new one.
let makeLinked;
let replaceList;
let listOf;

class URLSearchParams {
  #list = [];
  // Told of each change, when the parameters are a URL's.
  #changed;

  static {
    makeLinked = (text, changed) => {
      const params = new URLSearchParams();
      params.#list = parseParams(text);
      params.#changed = changed;
      return params;
    };
    replaceList = (params, text) => {
      params.#list = parseParams(text);
    };
    listOf = (params) => params.#list;
  }

  constructor(init = undefined) {
    if (init === undefined || init === null) return;
    if (!isObject(init)) {
      const text = toUSVString(init);
      this.#list = parseParams(text[0] === '?' ? StringPrototypeSlice(text, 1) : text);
      return;
    }
    const method = init[SymbolIterator];
    if (method === this[SymbolIterator] && #list in init) {
      const list = init.#list;
      for (let i = 0; i < list.length; i++) this.#list[i] = list[i];
    } else if (method !== undefined && method !== null) {
      if (typeof method !== 'function') throw new codes.ERR_ARG_NOT_ITERABLE('Query pairs');
      this.#list = fromSequence(init);
    } else {
      this.#list = fromRecord(init);
    }
  }

  static #check(value) {
    if (typeof value !== 'object' || value === null || !(#list in value)) {
      throw new codes.ERR_INVALID_THIS('URLSearchParams');
    }
  }

  #update() {
    this.#changed?.(serializeParams(this.#list));
  }

  [customInspect](recurseTimes, ctx, inspect) {
    URLSearchParams.#check(this);
    if (typeof recurseTimes === 'number' && recurseTimes < 0) {
      return ctx.stylize('[Object]', 'special');
    }
    const options = { ...ctx };
    if (recurseTimes !== null) options.depth = recurseTimes - 1;
    const output = [];
    let length = -2;
    for (let i = 0; i < this.#list.length; i += 2) {
      const entry = `${inspect(this.#list[i], options)} => ${inspect(this.#list[i + 1], options)}`;
      output[output.length] = entry;
      length += RegExpPrototypeSymbolReplace(colors, entry, '').length + 2;
    }
    const { name } = this.constructor;
    if (output.length === 0) return `${name} {}`;
    return length > ctx.breakLength ?
      `${name} {\n  ${ArrayPrototypeJoin(output, ',\n  ')} }` :
      `${name} { ${ArrayPrototypeJoin(output, ', ')} }`;
  }

  get size() {
    URLSearchParams.#check(this);
    return this.#list.length / 2;
  }

  append(name, value) {
    URLSearchParams.#check(this);
    if (arguments.length < 2) throw new codes.ERR_MISSING_ARGS('name', 'value');
    name = toUSVString(name);
    value = toUSVString(value);
    this.#list[this.#list.length] = name;
    this.#list[this.#list.length] = value;
    this.#update();
  }

  delete(name, value = undefined) {
    URLSearchParams.#check(this);
    if (arguments.length < 1) throw new codes.ERR_MISSING_ARGS('name');
    name = toUSVString(name);
    if (value !== undefined) value = toUSVString(value);
    const list = this.#list;
    let count = 0;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name && (value === undefined || list[i + 1] === value)) continue;
      list[count++] = list[i];
      list[count++] = list[i + 1];
    }
    list.length = count;
    this.#update();
  }

  get(name) {
    URLSearchParams.#check(this);
    if (arguments.length < 1) throw new codes.ERR_MISSING_ARGS('name');
    name = toUSVString(name);
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name) return list[i + 1];
    }
    return null;
  }

  getAll(name) {
    URLSearchParams.#check(this);
    if (arguments.length < 1) throw new codes.ERR_MISSING_ARGS('name');
    name = toUSVString(name);
    const values = [];
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name) values[values.length] = list[i + 1];
    }
    return values;
  }

  has(name, value = undefined) {
    URLSearchParams.#check(this);
    if (arguments.length < 1) throw new codes.ERR_MISSING_ARGS('name');
    name = toUSVString(name);
    if (value !== undefined) value = toUSVString(value);
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name && (value === undefined || list[i + 1] === value)) return true;
    }
    return false;
  }

  set(name, value) {
    URLSearchParams.#check(this);
    if (arguments.length < 2) throw new codes.ERR_MISSING_ARGS('name', 'value');
    name = toUSVString(name);
    value = toUSVString(value);
    const list = this.#list;
    let count = 0;
    let found = false;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name) {
        if (found) continue;
        found = true;
        list[i + 1] = value;
      }
      list[count++] = list[i];
      list[count++] = list[i + 1];
    }
    if (!found) {
      list[count++] = name;
      list[count++] = value;
    }
    list.length = count;
    this.#update();
  }

  sort() {
    URLSearchParams.#check(this);
    this.#list = sortPairs(this.#list);
    this.#update();
  }

  entries() {
    URLSearchParams.#check(this);
    return makeIterator(this, 'key+value');
  }

  forEach(callback, thisArg = undefined) {
    URLSearchParams.#check(this);
    validateFunction(callback, 'callback');
    for (let i = 0; i < this.#list.length; i += 2) {
      FunctionPrototypeCall(callback, thisArg, this.#list[i + 1], this.#list[i], this);
    }
  }

  keys() {
    URLSearchParams.#check(this);
    return makeIterator(this, 'key');
  }

  values() {
    URLSearchParams.#check(this);
    return makeIterator(this, 'value');
  }

  toString() {
    URLSearchParams.#check(this);
    return serializeParams(this.#list);
  }
}

const enumerable = { __proto__: null, enumerable: true };
ObjectDefineProperties(URLSearchParams.prototype, {
  append: enumerable,
  delete: enumerable,
  get: enumerable,
  getAll: enumerable,
  has: enumerable,
  set: enumerable,
  sort: enumerable,
  entries: enumerable,
  forEach: enumerable,
  keys: enumerable,
  values: enumerable,
  toString: enumerable,
  size: enumerable,
  [SymbolToStringTag]: { __proto__: null, configurable: true, value: 'URLSearchParams' },
  [SymbolIterator]: {
    __proto__: null, configurable: true, writable: true, value: URLSearchParams.prototype.entries,
  },
});

function member(list, index, kind) {
  if (kind === 'key') return list[index];
  return kind === 'value' ? list[index + 1] : [list[index], list[index + 1]];
}

const iteratorBase = Iterator.prototype;
const iteratorState = new SafeWeakMap();

function stateOf(iterator) {
  const state = isObject(iterator) ? iteratorState.get(iterator) : undefined;
  if (state === undefined) throw new codes.ERR_INVALID_THIS('URLSearchParamsIterator');
  return state;
}

const URLSearchParamsIteratorPrototype = ObjectCreate(iteratorBase, {
  [SymbolToStringTag]: { __proto__: null, configurable: true, value: 'URLSearchParams Iterator' },
  next: {
    __proto__: null,
    configurable: true,
    enumerable: true,
    writable: true,
    value: function next() {
      const state = stateOf(this);
      const list = listOf(state.params);
      const { index } = state;
      if (index >= list.length) return { value: undefined, done: true };
      state.index += 2;
      return { value: member(list, index, state.kind), done: false };
    },
  },
  [customInspect]: {
    __proto__: null,
    configurable: true,
    writable: true,
    value(recurseTimes, ctx, inspect) {
      const state = stateOf(this);
      if (typeof recurseTimes === 'number' && recurseTimes < 0) {
        return ctx.stylize('[Object]', 'special');
      }
      const options = { ...ctx };
      if (recurseTimes !== null) options.depth = recurseTimes - 1;
      const list = listOf(state.params);
      const rest = [];
      for (let i = state.index; i < list.length; i += 2) rest[rest.length] = member(list, i, state.kind);
      const text = inspect(rest, options);
      // The brackets of the list become braces.
      return `URLSearchParams Iterator { ${StringPrototypeSlice(text, 2, -2)} }`;
    },
  },
});

function makeIterator(params, kind) {
  const iterator = ObjectCreate(URLSearchParamsIteratorPrototype);
  iteratorState.set(iterator, { __proto__: null, params, kind, index: 0 });
  return iterator;
}

exports.URLSearchParams = URLSearchParams;
exports.makeLinked = makeLinked;
exports.replaceList = replaceList;
