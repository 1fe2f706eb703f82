// Request, Response and `fetch`. Where no network is granted its promise is rejected as when a connection fails in Node.
'use strict';

const {
  ArrayPrototypePush, Error, JSONStringify, NumberIsInteger, ObjectDefineProperties, ObjectDefineProperty, Promise, RangeError,
  RegExpPrototypeExec, StringPrototypeToUpperCase, SymbolFor, SymbolToStringTag, TypeError,
} = primordials;

const { kEnumerableProperty } = require('internal/util');
const { refused } = require('internal/process/refusals');
const { Body, extract, mixIn } = require('internal/fetch/body');
const { Headers, guard } = require('internal/fetch/headers');
const { codingsOf, decoded, exchange } = require('internal/fetch/network');

const inspectCustom = SymbolFor('nodejs.util.inspect.custom');

function enumerable(Class, name, members) {
  const properties = { __proto__: null };
  for (let i = 0; i < members.length; i++) {
    properties[members[i]] = kEnumerableProperty;
  }
  ObjectDefineProperties(Class.prototype, properties);
  ObjectDefineProperty(Class.prototype, SymbolToStringTag, {
    __proto__: null, configurable: true, enumerable: false, value: name, writable: false,
  });
}

function inspected(name, object, members, depth, options) {
  const shown = {};
  for (let i = 0; i < members.length; i++) {
    shown[members[i]] = object[members[i]];
  }
  const { inspect } = require('internal/util/inspect');
  return `${name} ${inspect(shown, { ...options, depth: options.depth === null ? null : options.depth - 1 })}`;
}

const normalized = { __proto__: null, DELETE: true, GET: true, HEAD: true, OPTIONS: true, POST: true, PUT: true, PATCH: false };

function methodOf(method) {
  const text = `${method}`;
  if (RegExpPrototypeExec(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, text) === null) {
    throw new TypeError(`'${text}' is not a valid HTTP method.`);
  }
  const upper = StringPrototypeToUpperCase(text);
  if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'TRACK') {
    throw new TypeError(`'${text}' HTTP method is unsupported.`);
  }
  return normalized[upper] === true ? upper : text;
}

const settings = {
  __proto__: null,
  cache: 'default', credentials: 'same-origin', integrity: '', keepalive: false, mode: 'cors', redirect: 'follow',
  referrer: 'about:client', referrerPolicy: '',
};

class Request {
  #state;

  constructor(input, init = { __proto__: null }) {
    if (arguments.length === 0) {
      throw new TypeError('Request constructor: 1 argument required, but only 0 found.');
    }
    const given = init ?? { __proto__: null };
    const from = input !== null && typeof input === 'object' && #state in input ? input : undefined;
    this.#state = from === undefined ? fresh(input) : { ...from.#state, headers: undefined, body: null };
    const state = this.#state;
    if (given.method !== undefined) {
      state.method = methodOf(given.method);
    }
    for (const key in settings) {
      if (given[key] !== undefined) {
        state[key] = typeof settings[key] === 'boolean' ? !!given[key] : `${given[key]}`;
      }
    }
    if (given.duplex !== undefined) {
      state.duplex = `${given.duplex}`;
    }
    state.signal = signalOf(given.signal === undefined ? from?.signal : given.signal);
    state.headers = new Headers(given.headers ?? from?.headers);
    this.#takeBody(given, from);
  }

  #takeBody(given, from) {
    const state = this.#state;
    const own = given.body !== undefined && given.body !== null;
    if ((own || (from !== undefined && from.#state.body !== null)) && (state.method === 'GET' || state.method === 'HEAD')) {
      throw new TypeError('Request with GET/HEAD method cannot have body.');
    }
    if (own) {
      const parts = extract(given.body);
      if (parts.stream !== undefined && given.duplex === undefined) {
        throw new TypeError('RequestInit: duplex option is required when sending a body.');
      }
      state.body = new Body(parts);
      if (parts.type !== null && !state.headers.has('content-type')) {
        state.headers.append('content-type', parts.type);
      }
    } else if (from !== undefined && from.#state.body !== null) {
      if (from.bodyUsed) {
        throw new TypeError('Cannot construct a Request with a Request object that has already been used.');
      }
      state.body = from.#state.body.clone();
      from.#state.body.used = true;
    }
  }

  static bodyOf(request) {
    return request.#state.body;
  }

  get method() {
    return this.#state.method;
  }

  get url() {
    return this.#state.url;
  }

  get headers() {
    return this.#state.headers;
  }

  get destination() {
    return '';
  }

  get referrer() {
    return this.#state.referrer;
  }

  get referrerPolicy() {
    return this.#state.referrerPolicy;
  }

  get mode() {
    return this.#state.mode;
  }

  get credentials() {
    return this.#state.credentials;
  }

  get cache() {
    return this.#state.cache;
  }

  get redirect() {
    return this.#state.redirect;
  }

  get integrity() {
    return this.#state.integrity;
  }

  get keepalive() {
    return this.#state.keepalive;
  }

  get isReloadNavigation() {
    return false;
  }

  get isHistoryNavigation() {
    return false;
  }

  get signal() {
    return this.#state.signal;
  }

  get duplex() {
    return 'half';
  }

  clone() {
    const { body } = this.#state;
    if (body !== null && (body.disturbed || body.locked)) {
      throw new TypeError('unusable');
    }
    const copy = new Request(this.url, { signal: this.signal });
    copy.#state = { ...this.#state, body: body === null ? null : body.clone(), headers: new Headers(this.headers) };
    return copy;
  }

  [inspectCustom](depth, options) {
    return inspected('Request', this, [
      'method', 'url', 'headers', 'destination', 'referrer', 'referrerPolicy', 'mode', 'credentials', 'cache', 'redirect',
      'integrity', 'keepalive', 'isReloadNavigation', 'isHistoryNavigation', 'signal',
    ], depth, options);
  }
}

function fresh(input) {
  const { URL } = require('internal/url');
  let url;
  try {
    url = new URL(`${input}`);
  } catch (error) {
    throw new TypeError(`Failed to parse URL from ${input}`, { cause: error });
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${input}`);
  }
  return { __proto__: null, ...settings, body: null, headers: undefined, method: 'GET', signal: undefined, url: url.href };
}

// A request's own signal, which follows the one that was given.
function signalOf(given) {
  const { AbortController, AbortSignal } = require('internal/abort_controller');
  if (given === undefined || given === null) {
    return new AbortController().signal;
  }
  if (!(given instanceof AbortSignal)) {
    throw new TypeError("Failed to construct 'Request': member signal is not of type AbortSignal.");
  }
  return AbortSignal.any([given]);
}
const bodyOfRequest = Request.bodyOf;
delete Request.bodyOf;
mixIn(Request, 'Request', bodyOfRequest);
enumerable(Request, 'Request', [
  'method', 'url', 'headers', 'redirect', 'clone', 'signal', 'duplex', 'destination', 'credentials', 'cache', 'integrity',
  'keepalive', 'isHistoryNavigation', 'isReloadNavigation', 'mode', 'referrer', 'referrerPolicy',
]);

const nullBody = { __proto__: null, 101: true, 103: true, 204: true, 205: true, 304: true };
const redirects = { __proto__: null, 301: true, 302: true, 303: true, 307: true, 308: true };

class Response {
  #state;

  constructor(body = null, init = { __proto__: null }) {
    const given = init ?? { __proto__: null };
    const status = given.status === undefined ? 200 : +given.status;
    if (!NumberIsInteger(status) || status < 200 || status > 599) {
      throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
    }
    const statusText = given.statusText === undefined ? '' : `${given.statusText}`;
    if (RegExpPrototypeExec(/^[\t \x21-\x7e\x80-\xff]*$/, statusText) === null) {
      throw new TypeError('Invalid statusText');
    }
    this.#state = {
      __proto__: null, body: null, headers: new Headers(given.headers), redirected: false, status, statusText,
      type: 'default', url: '',
    };
    if (body !== null && body !== undefined) {
      if (nullBody[status]) {
        throw new TypeError(`Response constructor: Invalid response status code ${status}`);
      }
      const parts = extract(body);
      this.#state.body = new Body(parts);
      if (parts.type !== null && !this.headers.has('content-type')) {
        this.headers.append('content-type', parts.type);
      }
    }
  }

  static bodyOf(response) {
    return response.#state.body;
  }

  static received(fields, pairs, stream) {
    const response = new Response();
    const { headers } = response;
    for (let i = 0; i < pairs.length; i += 2) {
      headers.append(pairs[i], pairs[i + 1]);
    }
    guard(headers, 'immutable');
    const body = stream === null ? null : new Body({ stream });
    response.#state = { ...response.#state, ...fields, body, type: 'basic' };
    return response;
  }

  static error() {
    const response = new Response();
    response.#state.type = 'error';
    response.#state.status = 0;
    guard(response.headers, 'immutable');
    return response;
  }

  static json(data, init = undefined) {
    if (arguments.length === 0) {
      throw new TypeError('Response.json: 1 argument required, but only 0 found.');
    }
    const text = JSONStringify(data);
    if (text === undefined) {
      throw new TypeError('Value is not JSON serializable');
    }
    const given = init ?? { __proto__: null };
    const headers = new Headers(given.headers);
    if (!headers.has('content-type')) {
      headers.set('content-type', 'application/json');
    }
    return new Response(text, { status: given.status, statusText: given.statusText, headers });
  }

  static redirect(url, status = 302) {
    const { URL } = require('internal/url');
    let parsed;
    try {
      parsed = new URL(`${url}`);
    } catch (error) {
      throw new TypeError(`Failed to parse URL from ${url}`, { cause: error });
    }
    if (!redirects[status]) {
      throw new RangeError(`Invalid status code ${status}`);
    }
    const response = new Response(null, { headers: { location: parsed.href } });
    response.#state.status = status;
    guard(response.headers, 'immutable');
    return response;
  }

  get type() {
    return this.#state.type;
  }

  get url() {
    return this.#state.url;
  }

  get redirected() {
    return this.#state.redirected;
  }

  get status() {
    return this.#state.status;
  }

  get ok() {
    return this.status >= 200 && this.status <= 299;
  }

  get statusText() {
    return this.#state.statusText;
  }

  get headers() {
    return this.#state.headers;
  }

  clone() {
    const { body } = this.#state;
    if (body !== null && (body.disturbed || body.locked)) {
      throw new TypeError('Response.clone: Body has already been consumed.');
    }
    const copy = new Response();
    copy.#state = { ...this.#state, body: body === null ? null : body.clone(), headers: new Headers(this.headers) };
    return copy;
  }

  [inspectCustom](depth, options) {
    return inspected('Response', this,
      ['status', 'statusText', 'headers', 'body', 'bodyUsed', 'ok', 'redirected', 'type', 'url'], depth, options);
  }
}
const { bodyOf: bodyOfResponse, received } = Response;
delete Response.bodyOf;
delete Response.received;
mixIn(Response, 'Response', bodyOfResponse);
enumerable(Response, 'Response', ['type', 'url', 'status', 'ok', 'redirected', 'statusText', 'headers', 'clone']);
ObjectDefineProperties(Response, {
  json: kEnumerableProperty,
  redirect: kEnumerableProperty,
  error: kEnumerableProperty,
});

const MAX_REDIRECTS = 20;
// What a redirect to another origin must not learn.
const ownOnly = ['authorization', 'proxy-authorization', 'cookie', 'host'];
const ofBody = ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length'];

function removeAll(headers, names) {
  for (let i = 0; i < names.length; i++) {
    headers.delete(names[i]);
  }
}

function failed(message) {
  return new TypeError('fetch failed', { cause: new Error(message) });
}

// One `fetch` from its request to its response: each hop is a request of its own, which the broker judges anew.
class Fetching {
  constructor(request, bytes, resolve, reject) {
    const body = bodyOfRequest(request);
    this.request = request;
    this.resolve = resolve;
    this.reject = reject;
    this.method = request.method;
    this.headers = new Headers(request.headers);
    this.body = body === null ? null : bytes === undefined ? { __proto__: null, stream: body.stream } : { __proto__: null, bytes };
    this.hops = 0;
    const { URL } = require('internal/url');
    this.url = new URL(request.url);
    this.giveUp = undefined;
    if (request.signal.aborted) {
      reject(request.signal.reason);
      return;
    }
    request.signal.addEventListener('abort', () => this.giveUp?.(request.signal.reason), { once: true });
    this.hop();
  }

  pairs() {
    const { headers } = this;
    const defaults = [
      'accept', '*/*', 'accept-language', '*', 'sec-fetch-mode', 'cors', 'user-agent', 'node', 'accept-encoding', 'gzip, deflate',
    ];
    for (let i = 0; i < defaults.length; i += 2) {
      if (!headers.has(defaults[i])) {
        headers.append(defaults[i], defaults[i + 1]);
      }
    }
    if (this.body?.bytes !== undefined) {
      headers.set('content-length', `${this.body.bytes.byteLength}`);
    } else if (this.body === null && (this.method === 'POST' || this.method === 'PUT')) {
      headers.set('content-length', '0');
    }
    const pairs = [];
    headers.forEach((value, name) => {
      // The length of a stream is not known, whatever was said; the host is that of the URL.
      if (name !== 'host' && (name !== 'content-length' || this.body?.stream === undefined)) {
        ArrayPrototypePush(pairs, name, value);
      }
    });
    return pairs;
  }

  hop() {
    const settle = (error, status, statusText, pairs, stream) => {
      if (error !== null) {
        this.reject(error);
      } else {
        this.receive(status, statusText, pairs, stream);
      }
    };
    this.giveUp = exchange(this.method, this.url, this.pairs(), this.body, settle);
  }

  receive(status, statusText, pairs, stream) {
    const { redirect } = this.request;
    const headers = new Headers();
    for (let i = 0; i < pairs.length; i += 2) {
      headers.append(pairs[i], pairs[i + 1]);
    }
    const location = redirects[status] ? headers.get('location') : null;
    if (location !== null && redirect !== 'manual') {
      this.giveUp();
      if (redirect === 'error') {
        this.reject(failed('unexpected redirect'));
      } else {
        this.follow(status, location);
      }
      return;
    }
    const empty = nullBody[status] || this.method === 'HEAD';
    if (empty) {
      this.giveUp();
    }
    const url = `${this.url}`;
    this.resolve(received(
      { redirected: this.hops > 0, status, statusText, url: primordials.StringPrototypeSplit(url, '#')[0] },
      pairs,
      empty ? null : decoded(stream, codingsOf(headers)),
    ));
  }

  follow(status, location) {
    const { URL } = require('internal/url');
    let next;
    try {
      next = new URL(location, this.url);
    } catch {
      this.reject(failed('URL scheme must be a HTTP(S) scheme'));
      return;
    }
    if (next.protocol !== 'http:' && next.protocol !== 'https:') {
      this.reject(failed('URL scheme must be a HTTP(S) scheme'));
      return;
    }
    if (++this.hops > MAX_REDIRECTS) {
      this.reject(failed('redirect count exceeded'));
      return;
    }
    if (status !== 303 && this.body?.stream !== undefined) {
      this.reject(failed('Response is redirected after the request\'s stream was sent'));
      return;
    }
    const toGet = status === 303 ? this.method !== 'GET' && this.method !== 'HEAD' :
      (status === 301 || status === 302) && this.method === 'POST';
    if (toGet) {
      this.method = 'GET';
      this.body = null;
      removeAll(this.headers, ofBody);
    }
    if (next.origin !== this.url.origin) {
      removeAll(this.headers, ownOnly);
    }
    next.hash ||= this.url.hash;
    this.url = next;
    this.hop();
  }
}

async function begin(input, init) {
  const request = new Request(input, init);
  if (request.signal.aborted) {
    throw request.signal.reason;
  }
  if (!native.network.isGranted()) {
    throw new TypeError('fetch failed', { cause: refused('fetch', 'Net') });
  }
  const { protocol } = new (require('internal/url').URL)(request.url);
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TypeError('fetch failed', { cause: new Error('unknown scheme') });
  }
  const body = bodyOfRequest(request);
  let bytes;
  if (body !== null && body.made === undefined) {
    bytes = body.bytes ?? await body.blob.bytes();
    body.used = true;
  }
  return new Promise((resolve, reject) => new Fetching(request, bytes, resolve, reject));
}

function fetch(input, init = undefined) {
  return begin(input, init);
}

module.exports = { FormData: require('internal/fetch/form_data').FormData, Headers, Request, Response, fetch };
