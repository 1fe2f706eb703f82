// Headers of the Fetch Standard.
'use strict';

const {
  ArrayPrototypeForEach, ArrayPrototypeJoin, ArrayPrototypePush, ArrayPrototypeSort, FunctionPrototypeCall,
  ObjectDefineProperties, ObjectDefineProperty, ObjectKeys, ObjectSetPrototypeOf, RegExpPrototypeExec, SafeMap, String,
  StringPrototypeToLowerCase, SymbolFor, SymbolIterator, SymbolToStringTag, TypeError, hardenRegExp,
} = primordials;

const { kEnumerableProperty } = require('internal/util');

const token = hardenRegExp(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/);
const forbiddenValue = hardenRegExp(/[\0\r\n]/);
const edges = hardenRegExp(/^[\t\n\r ]+|[\t\n\r ]+$/g);

function nameOf(name, method) {
  const text = `${name}`;
  if (RegExpPrototypeExec(token, text) === null) {
    throw new TypeError(`${method}: "${text}" is an invalid header name.`);
  }
  return text;
}

function valueOf(value, method) {
  const text = primordials.RegExpPrototypeSymbolReplace(edges, toByteString(value, method), '');
  if (RegExpPrototypeExec(forbiddenValue, text) !== null) {
    throw new TypeError(`${method}: "${text}" is an invalid header value.`);
  }
  return text;
}

function toByteString(value, method) {
  if (typeof value === 'symbol') {
    throw new TypeError(`${method}: ${String(value)} is a symbol, which cannot be converted to a ByteString.`);
  }
  const text = `${value}`;
  for (let i = 0; i < text.length; i++) {
    const unit = primordials.StringPrototypeCharCodeAt(text, i);
    if (unit > 255) {
      throw new TypeError('Cannot convert argument to a ByteString because the character at ' +
        `index ${i} has a value of ${unit} which is greater than 255.`);
    }
  }
  return text;
}

const iterators = new (class extends primordials.SafeWeakMap {})();
const HeadersIteratorPrototype = ObjectSetPrototypeOf({
  next() {
    const state = iterators.get(this);
    if (state === undefined) {
      throw new TypeError("'next' called on an object that does not implement interface Headers Iterator.");
    }
    // The list is sorted anew each time: it may have changed.
    const list = state.list();
    if (state.at >= list.length) {
      return { value: undefined, done: true };
    }
    return { value: state.pick(list[state.at++]), done: false };
  },
}, primordials.ObjectGetPrototypeOf(primordials.ObjectGetPrototypeOf([][SymbolIterator]())));

function iteratorClass(name) {
  const prototype = ObjectSetPrototypeOf({}, HeadersIteratorPrototype);
  ObjectDefineProperty(prototype, SymbolToStringTag, {
    __proto__: null, configurable: true, enumerable: false, value: `${name} Iterator`, writable: false,
  });
  return (list, pick) => {
    const iterator = ObjectSetPrototypeOf({}, prototype);
    iterators.set(iterator, { at: 0, list, pick });
    return iterator;
  };
}

const makeIterator = iteratorClass('Headers');

class Headers {
  // By lower-case name: `{ name, values }`.
  #map = new SafeMap();
  #guard = 'none';

  constructor(init = undefined) {
    if (init === kEmpty) {
      return;
    }
    if (init !== undefined && init !== null && typeof init !== 'object' && typeof init !== 'function') {
      throw new TypeError("Headers constructor: init given to Headers contructor is not one of sequence<sequence<ByteString>>, record<ByteString, ByteString>.");
    }
    if (init !== undefined && init !== null) {
      fill(this, init);
    }
  }

  static guard(headers, guard) {
    headers.#guard = guard;
    return headers;
  }

  static is(value) {
    return value !== null && typeof value === 'object' && #map in value;
  }

  #writable() {
    if (this.#guard === 'immutable') {
      throw new TypeError('immutable');
    }
  }

  append(name, value) {
    need(arguments, 2, 'Headers.append');
    const text = valueOf(value, 'Headers.append');
    const key = nameOf(name, 'Headers.append');
    this.#writable();
    const entry = this.#map.get(StringPrototypeToLowerCase(key));
    if (entry === undefined) {
      this.#map.set(StringPrototypeToLowerCase(key), [text]);
    } else {
      ArrayPrototypePush(entry, text);
    }
  }

  delete(name) {
    need(arguments, 1, 'Headers.delete');
    const key = nameOf(name, 'Headers.delete');
    this.#writable();
    this.#map.delete(StringPrototypeToLowerCase(key));
  }

  get(name) {
    need(arguments, 1, 'Headers.get');
    const values = this.#map.get(StringPrototypeToLowerCase(nameOf(name, 'Headers.get')));
    return values === undefined ? null : ArrayPrototypeJoin(values, ', ');
  }

  has(name) {
    need(arguments, 1, 'Headers.has');
    return this.#map.has(StringPrototypeToLowerCase(nameOf(name, 'Headers.has')));
  }

  set(name, value) {
    need(arguments, 2, 'Headers.set');
    const text = valueOf(value, 'Headers.set');
    const key = nameOf(name, 'Headers.set');
    this.#writable();
    this.#map.set(StringPrototypeToLowerCase(key), [text]);
  }

  getSetCookie() {
    return primordials.ArrayPrototypeSlice(this.#map.get('set-cookie') ?? []);
  }

  #sorted() {
    const list = [];
    const names = ArrayPrototypeSort([...new primordials.SafeArrayIterator(keysOf(this.#map))]);
    ArrayPrototypeForEach(names, (name) => {
      const values = this.#map.get(name);
      if (name === 'set-cookie') {
        ArrayPrototypeForEach(values, (value) => ArrayPrototypePush(list, [name, value]));
      } else {
        ArrayPrototypePush(list, [name, ArrayPrototypeJoin(values, ', ')]);
      }
    });
    return list;
  }

  keys() {
    return makeIterator(() => this.#sorted(), (pair) => pair[0]);
  }

  values() {
    return makeIterator(() => this.#sorted(), (pair) => pair[1]);
  }

  entries() {
    return makeIterator(() => this.#sorted(), (pair) => pair);
  }

  forEach(callback, self = undefined) {
    need(arguments, 1, 'Headers.forEach');
    if (typeof callback !== 'function') {
      throw new TypeError("Headers.forEach: Argument 1 is not of type 'Function'.");
    }
    ArrayPrototypeForEach(this.#sorted(), (pair) => FunctionPrototypeCall(callback, self, pair[1], pair[0], this));
  }

  [SymbolFor('nodejs.util.inspect.custom')](depth, options) {
    const shown = {};
    ArrayPrototypeForEach(this.#sorted(), (pair) => {
      shown[pair[0]] = pair[1];
    });
    return `Headers ${require('internal/util/inspect').inspect(shown, { ...options, depth: options.depth ?? depth })}`;
  }
}
const { guard, is: isHeaders } = Headers;
delete Headers.guard;
delete Headers.is;

const kEmpty = { __proto__: null };

function keysOf(map) {
  const names = [];
  map.forEach((_, name) => ArrayPrototypePush(names, name));
  return names;
}

function need(args, count, method) {
  if (args.length < count) {
    throw new TypeError(`${method}: ${count} argument${count > 1 ? 's' : ''} required, but${args.length > 0 ? ' only' : ''} ${args.length} found.`);
  }
}

function fill(headers, init) {
  if (typeof init[SymbolIterator] === 'function') {
    for (const pair of init) {
      const list = [...pair];
      if (list.length !== 2) {
        throw new TypeError(`Headers constructor: expected name/value pair to be length 2, found ${list.length}.`);
      }
      headers.append(list[0], list[1]);
    }
    return;
  }
  ArrayPrototypeForEach(ObjectKeys(init), (name) => headers.append(name, init[name]));
}

ObjectDefineProperty(Headers.prototype, SymbolIterator, {
  __proto__: null, configurable: true, enumerable: false, value: Headers.prototype.entries, writable: true,
});
ObjectDefineProperties(Headers.prototype, {
  append: kEnumerableProperty,
  delete: kEnumerableProperty,
  get: kEnumerableProperty,
  has: kEnumerableProperty,
  set: kEnumerableProperty,
  getSetCookie: kEnumerableProperty,
  keys: kEnumerableProperty,
  values: kEnumerableProperty,
  entries: kEnumerableProperty,
  forEach: kEnumerableProperty,
  [SymbolToStringTag]: { __proto__: null, configurable: true, enumerable: false, value: 'Headers', writable: false },
});

module.exports = { Headers, guard, isHeaders, iteratorClass, need };
