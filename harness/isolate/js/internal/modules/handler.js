// Runs a package as a function: the entry exports a handler of Express-like `(req, res)`, whose answer goes to the engine.
'use strict';

const {
  ArrayIsArray,
  ArrayPrototypeForEach,
  ArrayPrototypeMap,
  ArrayPrototypePush,
  JSONStringify,
  NumberIsInteger,
  ObjectDefineProperty,
  ObjectKeys,
  ObjectPrototypeHasOwnProperty,
  ReflectApply,
  String,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  TypeError,
} = primordials;

const { codes: { ERR_HTTP_HEADERS_SENT, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE } } = require('internal/errors');
const { validateString } = require('internal/validators');
const { Module } = require('internal/modules/cjs');
const { resolveMain, shouldImport } = require('internal/modules/run_main');

const isView = primordials.ArrayBufferIsView;
const promiseThen = primordials.PromisePrototypeThen;

// ---- The request

function lowerCased(headers) {
  const lower = {};
  if (headers !== null && typeof headers === 'object') {
    ArrayPrototypeForEach(ObjectKeys(headers), (name) => {
      lower[StringPrototypeToLowerCase(name)] = headers[name];
    });
  }
  return lower;
}

function pathOf(url) {
  const query = StringPrototypeIndexOf(url, '?');
  return query === -1 ? url : StringPrototypeSlice(url, 0, query);
}

// A query in which there is nothing to decode, no name twice and none that objects have: as most are, and sooner. `undefined` for any other.
function plainQueryOf(text) {
  const { length } = text;
  if (length > 1000 || StringPrototypeIndexOf(text, '%') !== -1 || StringPrototypeIndexOf(text, '+') !== -1) {
    return undefined;
  }
  const query = {};
  for (let start = 0; start < length;) {
    const found = StringPrototypeIndexOf(text, '&', start);
    const end = found === -1 ? length : found;
    const sign = StringPrototypeIndexOf(text, '=', start);
    const stop = sign === -1 || sign > end ? end : sign;
    const name = StringPrototypeSlice(text, start, stop);
    if (start !== end) {
      if (name in query) {
        return undefined;
      }
      query[name] = StringPrototypeSlice(text, stop + 1, end);
    }
    start = end + 1;
  }
  return query;
}

function queryOf(url) {
  const mark = StringPrototypeIndexOf(url, '?');
  if (mark === -1) {
    return {};
  }
  const text = StringPrototypeSlice(url, mark + 1);
  return plainQueryOf(text) ?? { ...require('querystring').parse(text) };
}

function hostnameOf(headers) {
  const host = headers.host;
  if (typeof host !== 'string') {
    return undefined;
  }
  // An IPv6 literal keeps its brackets, the port goes.
  const end = StringPrototypeIndexOf(host, ']');
  const colon = StringPrototypeIndexOf(StringPrototypeSlice(host, end + 1), ':');
  return colon === -1 ? host : StringPrototypeSlice(host, 0, end + 1 + colon);
}

class Request {
  constructor(given) {
    this.method = given.method ?? 'GET';
    this.url = given.url ?? given.path ?? '/';
    this.path = given.path ?? pathOf(this.url);
    this.headers = lowerCased(given.headers);
    this.query = given.query ?? queryOf(this.url);
    this.params = given.params ?? {};
    this.body = given.body;
    this.ip = given.ip ?? '127.0.0.1';
    this.hostname = given.hostname ?? hostnameOf(this.headers);
    this.protocol = given.protocol ?? 'http';
  }

  // Express spells the referrer both ways.
  get(name) {
    if (name === undefined || name === null || name === '') {
      throw new TypeError('name argument is required to req.get');
    }
    if (typeof name !== 'string') {
      throw new TypeError('name must be a string to req.get');
    }
    const lower = StringPrototypeToLowerCase(name);
    if (lower === 'referer' || lower === 'referrer') {
      return this.headers.referrer ?? this.headers.referer;
    }
    return ObjectPrototypeHasOwnProperty(this.headers, lower) ? this.headers[lower] : undefined;
  }

  header(name) {
    return this.get(name);
  }
}

// ---- The response

const sent = new (class extends primordials.SafeWeakMap {})();

class Response {
  #headers = { __proto__: null };

  constructor() {
    this.statusCode = 200;
    this.locals = { __proto__: null };
  }

  get headersSent() {
    return sent.get(this) === true;
  }

  get writableEnded() {
    return this.headersSent;
  }

  #open(action) {
    if (this.headersSent) {
      throw new ERR_HTTP_HEADERS_SENT(action);
    }
  }

  status(code) {
    if (!NumberIsInteger(code)) {
      throw new TypeError(`Invalid status code: ${JSONStringify(code)}. Status code must be an integer.`);
    }
    if (code < 100 || code > 999) {
      throw new ERR_OUT_OF_RANGE('code', '>= 100 && <= 999', code);
    }
    this.statusCode = code;
    return this;
  }

  setHeader(name, value) {
    this.#open('set');
    validateString(name, 'name');
    if (value === undefined) {
      throw new ERR_INVALID_ARG_TYPE('value', ['string', 'number', 'Array'], value);
    }
    this.#headers[StringPrototypeToLowerCase(name)] =
      ArrayIsArray(value) ? ArrayPrototypeMap(value, (item) => String(item)) : String(value);
    return this;
  }

  getHeader(name) {
    return this.#headers[StringPrototypeToLowerCase(name)];
  }

  get(name) {
    return this.getHeader(name);
  }

  getHeaders() {
    return { __proto__: null, ...this.#headers };
  }

  hasHeader(name) {
    return StringPrototypeToLowerCase(name) in this.#headers;
  }

  removeHeader(name) {
    this.#open('remove');
    delete this.#headers[StringPrototypeToLowerCase(name)];
    return this;
  }

  set(name, value) {
    if (typeof name === 'object' && name !== null) {
      ArrayPrototypeForEach(ObjectKeys(name), (key) => this.setHeader(key, name[key]));
      return this;
    }
    return this.setHeader(name, value);
  }

  header(name, value) {
    return this.set(name, value);
  }

  type(type) {
    return this.setHeader('Content-Type', StringPrototypeIncludes(type, '/') ? type : `text/${type}`);
  }

  #default(name, value) {
    if (!this.hasHeader(name)) {
      this.setHeader(name, value);
    }
  }

  #finish(body) {
    const flat = [];
    const headers = this.#headers;
    ArrayPrototypeForEach(ObjectKeys(headers), (name) => {
      const value = headers[name];
      if (ArrayIsArray(value)) {
        ArrayPrototypeForEach(value, (item) => ArrayPrototypePush(flat, name, item));
      } else {
        ArrayPrototypePush(flat, name, value);
      }
    });
    sent.set(this, true);
    native.modules.respond(this.statusCode, flat, body);
    return this;
  }

  json(data) {
    this.#open('set');
    const text = JSONStringify(data);
    this.#default('Content-Type', 'application/json; charset=utf-8');
    return this.#finish(text ?? '');
  }

  send(data) {
    this.#open('set');
    if (data === undefined || data === null) {
      return this.#finish('');
    }
    if (typeof data === 'string') {
      this.#default('Content-Type', 'text/html; charset=utf-8');
      return this.#finish(data);
    }
    if (isView(data)) {
      this.#default('Content-Type', 'application/octet-stream');
      return this.#finish(data);
    }
    return this.json(data);
  }

  sendStatus(code) {
    this.status(code);
    this.setHeader('Content-Type', 'text/plain; charset=utf-8');
    return this.#finish(`${require('http').STATUS_CODES[code] ?? code}`);
  }

  end(data) {
    this.#open('set');
    return this.#finish(data === undefined || data === null ? '' : isView(data) ? data : String(data));
  }

  redirect(statusOrUrl, url) {
    this.#open('set');
    this.status(url === undefined ? 302 : statusOrUrl);
    this.setHeader('Location', url ?? statusOrUrl);
    return this.#finish('');
  }
}

ObjectDefineProperty(Request, 'name', { __proto__: null, value: 'IncomingMessage' });
ObjectDefineProperty(Response, 'name', { __proto__: null, value: 'ServerResponse' });

// ---- The handler

function describe(value) {
  return value === null ? 'null' : ArrayIsArray(value) ? 'an array' : `of type ${typeof value}`;
}

function validateHandler(handler, entry) {
  if (typeof handler !== 'function') {
    const error = new TypeError(`The default export of '${entry}' must be a function, but it is ${describe(handler)}`);
    error.code = 'ERR_INVALID_HANDLER';
    throw error;
  }
  return handler;
}

// `module.exports = fn`, and what compilers make of `export default fn`.
function handlerOf(exports, entry) {
  if (typeof exports !== 'function' && exports !== null && typeof exports === 'object' && exports.__esModule &&
      typeof exports.default === 'function') {
    return exports.default;
  }
  return validateHandler(exports, entry);
}

function settled() {
  native.modules.handlerSettled();
}

function failed(error) {
  native.modules.handlerFailed(error);
}

function invoke(handler) {
  const request = new Request(native.modules.request());
  const result = ReflectApply(handler, undefined, [request, new Response()]);
  if (result !== null && (typeof result === 'object' || typeof result === 'function') && typeof result.then === 'function') {
    ReflectApply(result.then, result, [settled, failed]);
  } else {
    settled();
  }
}

function guarded(work) {
  try {
    work();
  } catch (error) {
    failed(error);
  }
}

// The entry's exports, or the promise of its namespace where it is an ES module.
function loadEntry(entry) {
  const filename = resolveMain(entry);
  if (filename !== undefined && shouldImport(filename)) {
    return { __proto__: null, exports: undefined, imported: native.modules.importEntry(filename) };
  }
  const exports = Module._load(filename ?? entry, null, true);
  // An entry that turned out to be an ES module is imported.
  return { __proto__: null, exports, imported: native.modules.takeMainPromise() };
}

// What was loaded before anybody asked for it.
let ahead;

// All that is done before the handler is called; whether that is all. An ES module comes later, see `isHandlerLoaded`.
function loadHandler(entry) {
  const loaded = loadEntry(entry);
  if (loaded.imported === undefined) {
    ahead = loaded;
    return true;
  }
  promiseThen(loaded.imported, () => { ahead = loaded; });
  return false;
}

function isHandlerLoaded() {
  return ahead !== undefined;
}

function runHandler(entry) {
  guarded(() => {
    const { exports, imported } = ahead ?? loadEntry(entry);
    if (imported !== undefined) {
      promiseThen(imported, (namespace) => {
        guarded(() => invoke(validateHandler(namespace.default, entry)));
      }, failed);
      return;
    }
    invoke(handlerOf(exports, entry));
  });
}

// For `internal/bootstrap/rehearsal`: an answer that nobody asked for goes nowhere.
function rehearse() {
  guarded(() => {
    const handler = handlerOf((request, response) => {
      request.get('host');
      response.status(200).json(request.query);
    }, '/rehearsal.js');
    const request = new Request({ headers: { host: 'localhost' }, url: '/?a=b' });
    ReflectApply(handler, undefined, [request, new Response()]);
    settled();
  });
}

// The request of the last execution, whose shape the next one's will have: V8 knows it then.
function rehearseRequest() {
  new Request(native.modules.request());
}

module.exports = { Request, Response, isHandlerLoaded, loadHandler, rehearse, rehearseRequest, runHandler };
