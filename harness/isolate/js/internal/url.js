// URL, and the ways between URLs, paths and request options.
'use strict';

const {
  Number, ObjectDefineProperties, ObjectDefineProperty, StringPrototypeCharCodeAt,
  StringPrototypeIndexOf, StringPrototypeSlice, SymbolFor, SymbolToStringTag, TypeError,
  Uint32Array, decodeURIComponent,
} = primordials;

const { codes } = require('internal/errors');
const {
  kValidateObjectAllowObjects, validateObject, validateString,
} = require('internal/validators');
const { URLSearchParams, makeLinked, replaceList } = require('internal/url_params');
const { percentDecodeBytes } = require('internal/url_percent');

const room = native.url;
const customInspect = SymbolFor('nodejs.util.inspect.custom');

// Where the parts of a URL's text lie, as `native.url.parse` writes them.
const kSchemeEnd = 0;
const kUsernameEnd = 1;
const kHostStart = 2;
const kHostEnd = 3;
const kPort = 4;
const kPathStart = 5;
const kQueryStart = 6;
const kFragmentStart = 7;
const kAbsent = 0xffffffff;

// Passed by `URL.parse`, which has parsed already.
const parsed = { __proto__: null, href: undefined, offsets: undefined };

// Node's parser throws this one natively: its stack has no `[ERR_INVALID_URL]`.
function invalidUrl(input, base) {
  const error = new TypeError('Invalid URL');
  const fields = [['code', 'ERR_INVALID_URL'], ['input', input]];
  if (base !== undefined) fields[2] = ['base', base];
  for (let i = 0; i < fields.length; i++) {
    ObjectDefineProperty(error, fields[i][0], {
      __proto__: null, value: fields[i][1], writable: true, enumerable: true, configurable: true,
    });
  }
  return error;
}

class URL {
  #href;
  #offsets;
  #params;

  constructor(input, base = undefined) {
    if (input === parsed) {
      this.#href = parsed.href;
      this.#offsets = parsed.offsets;
      return;
    }
    if (arguments.length === 0) throw new codes.ERR_MISSING_ARGS('url');
    input = `${input}`;
    if (base !== undefined) base = `${base}`;
    const offsets = new Uint32Array(8);
    const href = room.parse(input, base, offsets);
    if (href === undefined) throw invalidUrl(input, base);
    this.#href = href;
    this.#offsets = offsets;
  }

  static parse(input, base = undefined) {
    if (arguments.length === 0) throw new codes.ERR_MISSING_ARGS('url');
    input = `${input}`;
    if (base !== undefined) base = `${base}`;
    const offsets = new Uint32Array(8);
    const href = room.parse(input, base, offsets);
    if (href === undefined) return null;
    parsed.href = href;
    parsed.offsets = offsets;
    return new URL(parsed);
  }

  static canParse(url, base = undefined) {
    if (arguments.length === 0) throw new codes.ERR_MISSING_ARGS('url');
    url = `${url}`;
    if (base !== undefined) base = `${base}`;
    return room.parse(url, base, undefined) !== undefined;
  }

  // Object URLs need the store of `blob:` addresses, which no part of this runtime could load from.
  static createObjectURL(obj) {
    const { isBlob } = require('internal/buffer_blob');
    if (!isBlob(obj)) throw new codes.ERR_INVALID_ARG_TYPE('obj', 'Blob', obj);
    throw new codes.ERR_ACCESS_DENIED('Access to this API has been restricted: URL.createObjectURL');
  }

  static revokeObjectURL(url) {
    if (arguments.length === 0) throw new codes.ERR_MISSING_ARGS('url');
    url = `${url}`;
  }

  // The receiver check that native accessors do, in their words.
  static #check(value) {
    if (typeof value !== 'object' || value === null || !(#href in value)) {
      throw new TypeError('Receiver must be an instance of class URL');
    }
  }

  [customInspect](depth, opts, inspect) {
    URL.#check(this);
    if (typeof depth === 'number' && depth < 0) return this;
    const shown = {
      href: this.href,
      origin: this.origin,
      protocol: this.protocol,
      username: this.username,
      password: this.password,
      host: this.host,
      hostname: this.hostname,
      port: this.port,
      pathname: this.pathname,
      search: this.search,
      searchParams: this.searchParams,
      hash: this.hash,
    };
    return `${this.constructor?.name ?? 'URL'} ${inspect(shown, opts)}`;
  }

  #slice(start, end) {
    return StringPrototypeSlice(this.#href, start, end);
  }

  #update(part, value) {
    const offsets = new Uint32Array(8);
    const href = room.update(this.#href, part, value, offsets);
    if (href === undefined) return;
    this.#href = href;
    this.#offsets = offsets;
  }

  // The end of what precedes the query.
  #pathEnd() {
    const offsets = this.#offsets;
    if (offsets[kQueryStart] !== kAbsent) return offsets[kQueryStart];
    return offsets[kFragmentStart] !== kAbsent ? offsets[kFragmentStart] : this.#href.length;
  }

  toString() {
    URL.#check(this);
    return this.#href;
  }

  get href() {
    URL.#check(this);
    return this.#href;
  }

  set href(value) {
    URL.#check(this);
    value = `${value}`;
    const offsets = new Uint32Array(8);
    const href = room.parse(value, undefined, offsets);
    if (href === undefined) throw new codes.ERR_INVALID_URL(value);
    this.#href = href;
    this.#offsets = offsets;
    if (this.#params !== undefined) replaceList(this.#params, StringPrototypeSlice(this.search, 1));
  }

  get origin() {
    URL.#check(this);
    const protocol = this.#slice(0, this.#offsets[kSchemeEnd] + 1);
    switch (protocol) {
      case 'http:':
      case 'https:':
      case 'ws:':
      case 'wss:':
      case 'ftp:':
        return `${protocol}//${this.#host()}`;
      case 'blob:': {
        const inner = URL.parse(this.#slice(this.#offsets[kPathStart], this.#pathEnd()));
        const known = inner !== null && (inner.#startsWith('http:') || inner.#startsWith('https:'));
        return known ? inner.origin : 'null';
      }
      default:
        return 'null';
    }
  }

  #startsWith(protocol) {
    return this.#slice(0, this.#offsets[kSchemeEnd] + 1) === protocol;
  }

  get protocol() {
    URL.#check(this);
    return this.#slice(0, this.#offsets[kSchemeEnd] + 1);
  }

  set protocol(value) {
    URL.#check(this);
    this.#update('protocol', `${value}`);
  }

  get username() {
    URL.#check(this);
    const start = this.#offsets[kSchemeEnd] + 3;
    return start < this.#offsets[kUsernameEnd] ? this.#slice(start, this.#offsets[kUsernameEnd]) : '';
  }

  set username(value) {
    URL.#check(this);
    this.#update('username', `${value}`);
  }

  get password() {
    URL.#check(this);
    // Between the colon after the name and the `@`.
    const end = this.#offsets[kHostStart] - 1;
    const start = this.#offsets[kUsernameEnd] + 1;
    return start < end && this.#href[start - 1] === ':' ? this.#slice(start, end) : '';
  }

  set password(value) {
    URL.#check(this);
    this.#update('password', `${value}`);
  }

  #host() {
    const port = this.#offsets[kPort];
    const name = this.#slice(this.#offsets[kHostStart], this.#offsets[kHostEnd]);
    return port === kAbsent ? name : `${name}:${port}`;
  }

  get host() {
    URL.#check(this);
    return this.#host();
  }

  set host(value) {
    URL.#check(this);
    this.#update('host', `${value}`);
  }

  get hostname() {
    URL.#check(this);
    return this.#slice(this.#offsets[kHostStart], this.#offsets[kHostEnd]);
  }

  set hostname(value) {
    URL.#check(this);
    this.#update('hostname', `${value}`);
  }

  get port() {
    URL.#check(this);
    const port = this.#offsets[kPort];
    return port === kAbsent ? '' : `${port}`;
  }

  set port(value) {
    URL.#check(this);
    this.#update('port', `${value}`);
  }

  get pathname() {
    URL.#check(this);
    return this.#slice(this.#offsets[kPathStart], this.#pathEnd());
  }

  set pathname(value) {
    URL.#check(this);
    this.#update('pathname', `${value}`);
  }

  get search() {
    URL.#check(this);
    const start = this.#offsets[kQueryStart];
    if (start === kAbsent) return '';
    const end = this.#offsets[kFragmentStart] === kAbsent ? this.#href.length : this.#offsets[kFragmentStart];
    // A lone question mark is no search.
    return end - start <= 1 ? '' : this.#slice(start, end);
  }

  set search(value) {
    URL.#check(this);
    this.#update('search', `${value}`);
    if (this.#params !== undefined) replaceList(this.#params, StringPrototypeSlice(this.search, 1));
  }

  get searchParams() {
    URL.#check(this);
    this.#params ??= makeLinked(StringPrototypeSlice(this.search, 1), (text) => {
      this.#update('search', text);
    });
    return this.#params;
  }

  get hash() {
    URL.#check(this);
    const start = this.#offsets[kFragmentStart];
    return start === kAbsent || this.#href.length - start <= 1 ? '' : this.#slice(start, this.#href.length);
  }

  set hash(value) {
    URL.#check(this);
    this.#update('hash', `${value}`);
  }

  toJSON() {
    URL.#check(this);
    return this.#href;
  }
}

const enumerable = { __proto__: null, enumerable: true };
ObjectDefineProperties(URL.prototype, {
  [SymbolToStringTag]: { __proto__: null, configurable: true, value: 'URL' },
  toString: enumerable,
  href: enumerable,
  origin: enumerable,
  protocol: enumerable,
  username: enumerable,
  password: enumerable,
  host: enumerable,
  hostname: enumerable,
  port: enumerable,
  pathname: enumerable,
  search: enumerable,
  searchParams: enumerable,
  hash: enumerable,
  toJSON: enumerable,
});
ObjectDefineProperties(URL, {
  parse: enumerable,
  canParse: enumerable,
  createObjectURL: enumerable,
  revokeObjectURL: enumerable,
});

function domainToASCII(domain) {
  if (arguments.length < 1) throw new codes.ERR_MISSING_ARGS('domain');
  return room.domainToASCII(`${domain}`);
}

function domainToUnicode(domain) {
  if (arguments.length < 1) throw new codes.ERR_MISSING_ARGS('domain');
  return room.domainToUnicode(`${domain}`);
}

// Whatever looks like a URL is one, also from another context; legacy `Url` objects have `auth` and `path`.
function isURL(value) {
  return !!(value?.href && value.protocol && value.auth === undefined && value.path === undefined);
}

function asFileURL(path) {
  if (typeof path === 'string') {
    path = new URL(path);
  } else if (!isURL(path)) {
    throw new codes.ERR_INVALID_ARG_TYPE('path', ['string', 'URL'], path);
  }
  if (path.protocol !== 'file:') throw new codes.ERR_INVALID_URL_SCHEME('file');
  return path;
}

// Whether an encoded slash (or, on Windows, backslash) hides in the path.
function hidesSeparator(pathname, windows) {
  for (let i = StringPrototypeIndexOf(pathname, '%'); i !== -1 && i + 2 < pathname.length;
    i = StringPrototypeIndexOf(pathname, '%', i + 1)) {
    const high = pathname[i + 1];
    const low = StringPrototypeCharCodeAt(pathname, i + 2) | 0x20;
    if ((high === '2' && low === 102) || (windows && high === '5' && low === 99)) return true;
  }
  return false;
}

function checkSeparators(url, windows) {
  if (hidesSeparator(url.pathname, windows)) {
    throw new codes.ERR_INVALID_FILE_URL_PATH(
      `must not include encoded ${windows ? '\\ or ' : ''}/ characters`, url.href);
  }
}

function checkHost(url) {
  if (url.hostname !== '') throw new codes.ERR_INVALID_FILE_URL_HOST('linux');
}

function windowsPath(url) {
  checkSeparators(url, true);
  const { pathname, hostname } = url;
  let slashed = '';
  for (let i = 0; i < pathname.length; i++) slashed += pathname[i] === '/' ? '\\' : pathname[i];
  const path = decodeURIComponent(slashed);
  if (hostname !== '') return `\\\\${room.domainToUnicode(hostname)}${path}`;
  const letter = StringPrototypeCharCodeAt(path, 1) | 0x20;
  if (letter < 97 || letter > 122 || path[2] !== ':') {
    throw new codes.ERR_INVALID_FILE_URL_PATH('must be absolute', url.href);
  }
  return StringPrototypeSlice(path, 1);
}

function fileURLToPath(path, options = undefined) {
  const url = asFileURL(path);
  if (options?.windows) return windowsPath(url);
  checkHost(url);
  checkSeparators(url, false);
  return decodeURIComponent(url.pathname);
}

function fileURLToPathBuffer(path, options = undefined) {
  const url = asFileURL(path);
  const { Buffer } = require('buffer');
  if (options?.windows) return Buffer.from(windowsPath(url));
  checkHost(url);
  checkSeparators(url, false);
  const { bytes, length } = percentDecodeBytes(url.pathname);
  return Buffer.copyBytesFrom(bytes, 0, length);
}

const pathEscapes = {
  '__proto__': null, '%': '%25', '\\': '%5C', '\n': '%0A', '\r': '%0D', '\t': '%09', '?': '%3F', '#': '%23',
  '[': '%5B', ']': '%5D', '|': '%7C', '~': '%7E',
};

function escapePath(path, windows) {
  let escaped = '';
  for (let i = 0; i < path.length; i++) {
    const char = path[i];
    escaped += windows && char === '\\' ? '/' : pathEscapes[char] ?? char;
  }
  return escaped;
}

function shareURL(filepath, resolved) {
  // `\\?\UNC\server\share` is `\\server\share` in full.
  const prefix = StringPrototypeSlice(resolved, 0, 8) === '\\\\?\\UNC\\' ? 8 : 2;
  const serverEnd = StringPrototypeIndexOf(resolved, '\\', prefix);
  if (serverEnd === -1) {
    throw new codes.ERR_INVALID_ARG_VALUE('path', filepath, 'Missing UNC resource path');
  }
  if (serverEnd === 2) {
    throw new codes.ERR_INVALID_ARG_VALUE('path', filepath, 'Empty UNC servername');
  }
  const url = new URL('file://');
  url.hostname = StringPrototypeSlice(resolved, prefix, serverEnd);
  url.pathname = escapePath(StringPrototypeSlice(resolved, serverEnd), true);
  return url;
}

function pathToFileURL(filepath, options = undefined) {
  validateString(filepath, 'path');
  const windows = !!options?.windows;
  const paths = require('path');
  const { resolve, sep } = windows ? paths.win32 : paths.posix;
  if (windows && StringPrototypeSlice(filepath, 0, 2) === '\\\\' &&
      !(StringPrototypeSlice(filepath, 0, 4) === '\\\\?\\' && filepath[5] === ':')) {
    return shareURL(filepath, filepath);
  }
  let path = windows && StringPrototypeSlice(filepath, 0, 4) === '\\\\?\\' ?
    StringPrototypeSlice(filepath, 4) : resolve(filepath);
  // Resolution drops the slash at the end, which means something in a URL.
  const last = filepath[filepath.length - 1];
  if ((last === '/' || (windows && last === '\\')) && path[path.length - 1] !== sep) path += '/';
  const url = new URL('file://');
  url.pathname = escapePath(path, windows);
  return url;
}

function urlToHttpOptions(url) {
  validateObject(url, 'url', kValidateObjectAllowObjects);
  const { hostname, pathname, port, username, password, search } = url;
  const options = {
    __proto__: null,
    // A legacy object may carry more.
    ...url,
    protocol: url.protocol,
    hostname: hostname && hostname[0] === '[' ? StringPrototypeSlice(hostname, 1, -1) : hostname,
    hash: url.hash,
    search,
    pathname,
    path: `${pathname || ''}${search || ''}`,
    href: url.href,
  };
  if (port !== '') options.port = Number(port);
  if (username || password) {
    options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  }
  return options;
}

exports.URL = URL;
exports.URLSearchParams = URLSearchParams;
exports.domainToASCII = domainToASCII;
exports.domainToUnicode = domainToUnicode;
exports.fileURLToPath = fileURLToPath;
exports.fileURLToPathBuffer = fileURLToPathBuffer;
exports.isURL = isURL;
exports.pathToFileURL = pathToFileURL;
exports.urlToHttpOptions = urlToHttpOptions;
