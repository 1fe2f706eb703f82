// The legacy `Url`: Node's own parser, older than the URL Standard.
'use strict';

const {
  ArrayPrototypeJoin,
  ArrayPrototypePop,
  ArrayPrototypeShift,
  ArrayPrototypeUnshift,
  ObjectAssign,
  ObjectCreate,
  ObjectKeys,
  RegExpPrototypeExec,
  StringPrototypeCharCodeAt,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  decodeURIComponent,
} = primordials;

const { codes } = require('internal/errors');
const { validateObject, validateString } = require('internal/validators');
const { percentEncode } = require('internal/url_percent');
const { URL } = require('internal/url');

const room = native.url;

const protocolPattern = /^[a-z0-9.+-]+:/i;
const portPattern = /:[0-9]*$/;
const hostPattern = /^\/\/[^@/]+@[^@/]+/;
const simplePathPattern = /^(\/\/?(?!\/)[^?\s]*)(\?[^\s]*)?$/;
const forbiddenHost = /[\0\t\n\r #%/:<>?@[\\\]^|]/;
const forbiddenHostIpv6 = /[\0\t\n\r #%/<>?@\\^|]/;
const maxHostname = 255;

const slashed = {
  '__proto__': null,
  'http': true, 'http:': true, 'https': true, 'https:': true, 'ftp': true, 'ftp:': true,
  'gopher': true, 'gopher:': true, 'file': true, 'file:': true, 'ws': true, 'ws:': true,
  'wss': true, 'wss:': true,
};
const hostless = { '__proto__': null, 'javascript': true, 'javascript:': true };

// What is escaped wherever it stands behind the host.
const autoEscapes = {
  '__proto__': null,
  '\t': '%09', '\n': '%0A', '\r': '%0D', ' ': '%20', '"': '%22', '\'': '%27', '<': '%3C', '>': '%3E',
  '\\': '%5C', '^': '%5E', '`': '%60', '{': '%7B', '|': '%7C', '}': '%7D',
};

function Url() {
  this.protocol = null;
  this.slashes = null;
  this.auth = null;
  this.host = null;
  this.port = null;
  this.hostname = null;
  this.hash = null;
  this.search = null;
  this.query = null;
  this.pathname = null;
  this.path = null;
  this.href = null;
}

let parseWarned = false;
let portWarned = false;

function warnOfParse() {
  if (parseWarned || native.buffer.calledFromNodeModules()) return;
  parseWarned = true;
  require('process').emitWarning(
    '`url.parse()` behavior is not standardized and prone to errors that have security implications. ' +
    'Use the WHATWG URL API instead. CVEs are not issued for `url.parse()` vulnerabilities.',
    'DeprecationWarning', 'DEP0169');
}

function warnOfPort(url) {
  if (portWarned) return;
  portWarned = true;
  require('process').emitWarning(
    `The URL ${url} is invalid. Future versions of Node.js will throw an error.`,
    'DeprecationWarning', 'DEP0170');
}

function urlParse(url, parseQueryString, slashesDenoteHost) {
  warnOfParse();
  return parseUrl(url, parseQueryString, slashesDenoteHost);
}

function parseUrl(url, parseQueryString, slashesDenoteHost) {
  if (url instanceof Url) return url;
  const parsed = new Url();
  parsed.parse(url, parseQueryString, slashesDenoteHost);
  return parsed;
}

function isSpace(code) {
  return code < 33 || code === 0xa0 || code === 0xfeff;
}

// The text without white space around it, backslashes before the query and hash made slashes.
function clean(url) {
  let start = 0;
  let end = url.length;
  while (start < end && isSpace(StringPrototypeCharCodeAt(url, start))) start++;
  while (end > start && isSpace(StringPrototypeCharCodeAt(url, end - 1))) end--;
  let text = '';
  let hasHash = false;
  let hasAt = false;
  let split = false;
  for (let i = start; i < end; i++) {
    const char = url[i];
    if (char === '@' && !split) hasAt = true;
    if (char === '#') hasHash = true;
    if (char === '#' || char === '?') split = true;
    text += char === '\\' && !split ? '/' : char;
  }
  return { __proto__: null, text, hasHash, hasAt };
}

function parseQuery(text) {
  return require('querystring').parse(text);
}

const beforeHostEnd = ' "%\';<>\\^`{|}';
const hostEnds = '#/?';

// Where the host ends in `rest` and where the `@` of the credentials stands; tabs and line breaks fall out.
function splitHost(rest) {
  let text = '';
  let hostEnd = -1;
  let at = -1;
  let i = 0;
  for (; i < rest.length; i++) {
    const char = rest[i];
    if (char === '\t' || char === '\n' || char === '\r') continue;
    const place = text.length;
    if (StringPrototypeIncludes(hostEnds, char)) {
      if (hostEnd === -1) hostEnd = place;
      break;
    }
    if (char === '@') {
      // What came before was no host after all.
      at = place;
      hostEnd = -1;
    } else if (hostEnd === -1 && StringPrototypeIncludes(beforeHostEnd, char)) {
      hostEnd = place;
    }
    text += char;
  }
  return { __proto__: null, text: `${text}${StringPrototypeSlice(rest, i)}`, hostEnd, at };
}

Url.prototype.parse = function parse(url, parseQueryString, slashesDenoteHost) {
  validateString(url, 'url');
  const { text, hasHash, hasAt } = clean(url);
  let rest = text;
  if (!slashesDenoteHost && !hasHash && !hasAt) {
    const simple = RegExpPrototypeExec(simplePathPattern, rest);
    if (simple !== null) {
      this.path = rest;
      this.href = rest;
      this.pathname = simple[1];
      if (simple[2]) {
        this.search = simple[2];
        const query = StringPrototypeSlice(simple[2], 1);
        this.query = parseQueryString ? parseQuery(query) : query;
      } else if (parseQueryString) {
        this.search = null;
        this.query = ObjectCreate(null);
      }
      return this;
    }
  }
  let protocol = RegExpPrototypeExec(protocolPattern, rest)?.[0];
  if (protocol !== undefined) {
    rest = StringPrototypeSlice(rest, protocol.length);
    protocol = StringPrototypeToLowerCase(protocol);
    this.protocol = protocol;
  }
  let slashes = false;
  if (slashesDenoteHost || protocol || RegExpPrototypeExec(hostPattern, rest) !== null) {
    slashes = StringPrototypeStartsWith(rest, '//');
    if (slashes && !(protocol && hostless[protocol])) {
      rest = StringPrototypeSlice(rest, 2);
      this.slashes = true;
    }
  }
  if (!hostless[protocol] && (slashes || (protocol && !slashed[protocol]))) {
    rest = parseAuthority(this, rest, url);
  }
  if (!hostless[protocol]) {
    let escaped = '';
    for (let i = 0; i < rest.length; i++) escaped += autoEscapes[rest[i]] ?? rest[i];
    rest = escaped;
  }
  parseTail(this, rest, parseQueryString);
  this.href = this.format();
  return this;
};

// Reads credentials, host and port off the front of `rest`; returns what is left.
function parseAuthority(self, rest, url) {
  const { text, hostEnd, at } = splitHost(rest);
  if (at !== -1) self.auth = decodeURIComponent(StringPrototypeSlice(text, 0, at));
  self.host = StringPrototypeSlice(text, at + 1, hostEnd === -1 ? text.length : hostEnd);
  rest = hostEnd === -1 ? '' : StringPrototypeSlice(text, hostEnd);
  self.parseHost();
  if (typeof self.hostname !== 'string') self.hostname = '';
  const hostname = self.hostname;
  const ipv6 = hostname[0] === '[' && hostname[hostname.length - 1] === ']';
  if (!ipv6) rest = cutHostname(self, rest, hostname, url);
  self.hostname = self.hostname.length > maxHostname ? '' : StringPrototypeToLowerCase(self.hostname);
  if (self.hostname !== '') {
    if (ipv6) {
      if (RegExpPrototypeExec(forbiddenHostIpv6, self.hostname) !== null) throw new codes.ERR_INVALID_URL(url);
    } else {
      self.hostname = room.toASCII(self.hostname);
      // The mapping may have made characters that would change what the URL means.
      if (self.hostname === '' || RegExpPrototypeExec(forbiddenHost, self.hostname) !== null) {
        throw new codes.ERR_INVALID_URL(url);
      }
    }
  }
  self.host = `${self.hostname || ''}${self.port ? `:${self.port}` : ''}`;
  if (ipv6) {
    self.hostname = StringPrototypeSlice(self.hostname, 1, -1);
    if (rest[0] !== '/') rest = `/${rest}`;
  }
  return rest;
}

// From the first character that no hostname has, it is path.
function cutHostname(self, rest, hostname, url) {
  for (let i = 0; i < hostname.length; i++) {
    if (StringPrototypeIncludes('/\\#?:', hostname[i])) {
      if (hostname[i] === ':') warnOfPort(url);
      self.hostname = StringPrototypeSlice(hostname, 0, i);
      return `/${StringPrototypeSlice(hostname, i)}${rest}`;
    }
  }
  return rest;
}

function parseTail(self, rest, parseQueryString) {
  const hash = StringPrototypeIndexOf(rest, '#');
  let end = rest.length;
  if (hash !== -1) {
    self.hash = StringPrototypeSlice(rest, hash);
    end = hash;
  }
  const question = StringPrototypeIndexOf(rest, '?');
  if (question !== -1 && question < end) {
    self.search = StringPrototypeSlice(rest, question, end);
    self.query = StringPrototypeSlice(rest, question + 1, end);
    if (parseQueryString) self.query = parseQuery(self.query);
    end = question;
  } else if (parseQueryString) {
    self.search = null;
    self.query = ObjectCreate(null);
  }
  if (end > 0) self.pathname = StringPrototypeSlice(rest, 0, end);
  if (slashed[self.protocol] && self.hostname && !self.pathname) self.pathname = '/';
  if (self.pathname || self.search) self.path = `${self.pathname || ''}${self.search || ''}`;
}

Url.prototype.parseHost = function parseHost() {
  let { host } = this;
  const port = RegExpPrototypeExec(portPattern, host);
  if (port !== null) {
    if (port[0] !== ':') this.port = StringPrototypeSlice(port[0], 1);
    host = StringPrototypeSlice(host, 0, host.length - port[0].length);
  }
  if (host) this.hostname = host;
};

function formatWhatwg(url, options) {
  let fragment = true;
  let unicode = false;
  let search = true;
  let auth = true;
  if (options) {
    validateObject(options, 'options');
    if (options.fragment != null) fragment = !!options.fragment;
    if (options.unicode != null) unicode = !!options.unicode;
    if (options.search != null) search = !!options.search;
    if (options.auth != null) auth = !!options.auth;
  }
  const { protocol, href, username, password, port, pathname } = url;
  let text = protocol;
  if (StringPrototypeStartsWith(href, '//', protocol.length)) {
    text += '//';
    if (auth && (username !== '' || password !== '')) {
      text += `${username}${password === '' ? '' : `:${password}`}@`;
    }
    text += unicode ? room.domainToUnicode(url.hostname) : url.hostname;
    if (port !== '') text += `:${port}`;
  } else if (StringPrototypeStartsWith(pathname, '//')) {
    // The standard's guard against a path that looks like a host.
    text += '/.';
  }
  text += pathname;
  if (search) text += url.search;
  if (fragment) text += url.hash;
  return text;
}

function urlFormat(urlObject, options) {
  if (typeof urlObject === 'string') {
    urlObject = parseUrl(urlObject);
  } else if (typeof urlObject !== 'object' || urlObject === null) {
    throw new codes.ERR_INVALID_ARG_TYPE('urlObject', ['Object', 'string'], urlObject);
  } else if (urlObject instanceof URL) {
    return formatWhatwg(urlObject, options);
  }
  return formatUrl(urlObject);
}

function escapeEach(text, characters) {
  let escaped = '';
  for (let i = 0; i < text.length; i++) escaped += characters[text[i]] ?? text[i];
  return escaped;
}

function formatUrl(self) {
  const auth = self.auth ? `${percentEncode(self.auth, '!\'()*-.:_~')}@` : '';
  let protocol = self.protocol || '';
  let pathname = self.pathname || '';
  let hash = self.hash || '';
  let host = '';
  let query = '';
  if (self.host) {
    host = `${auth}${self.host}`;
  } else if (self.hostname) {
    const { hostname } = self;
    const bare = StringPrototypeIncludes(hostname, ':') &&
      !(hostname[0] === '[' && hostname[hostname.length - 1] === ']');
    host = `${auth}${bare ? `[${hostname}]` : hostname}${self.port ? `:${self.port}` : ''}`;
  }
  if (self.query !== null && typeof self.query === 'object') {
    query = require('querystring').stringify(self.query);
  }
  let search = self.search || (query && `?${query}`) || '';
  if (protocol && protocol[protocol.length - 1] !== ':') protocol += ':';
  pathname = escapeEach(pathname, { '__proto__': null, '#': '%23', '?': '%3F' });
  // Only some schemes get slashes of their own; the others keep what they came with.
  if (self.slashes || slashed[protocol]) {
    if (self.slashes || host) {
      if (pathname && pathname[0] !== '/') pathname = `/${pathname}`;
      host = `//${host}`;
    } else if (StringPrototypeStartsWith(protocol, 'file')) {
      host = '//';
    }
  }
  search = escapeEach(search, { '__proto__': null, '#': '%23' });
  if (hash && hash[0] !== '#') hash = `#${hash}`;
  if (search && search[0] !== '?') search = `?${search}`;
  return `${protocol}${host}${pathname}${search}${hash}`;
}

Url.prototype.format = function format() {
  return formatUrl(this);
};

function urlResolve(source, relative) {
  return parseUrl(source, false, true).resolve(relative);
}

Url.prototype.resolve = function resolve(relative) {
  return this.resolveObject(parseUrl(relative, false, true)).format();
};

function urlResolveObject(source, relative) {
  if (!source) return relative;
  return parseUrl(source, false, true).resolveObject(relative);
}

function setPath(url) {
  url.path = `${url.pathname || ''}${url.search || ''}`;
}

function segmentsOf(pathname) {
  return pathname ? StringPrototypeSplit(pathname, '/') : [];
}

// `user@host` at the front of a path, as schemes without slashes have it.
function takeHost(url, host) {
  const at = host && StringPrototypeIndexOf(host, '@') > 0 ? StringPrototypeSplit(host, '@') : false;
  if (!at) return;
  url.auth = ArrayPrototypeShift(at);
  url.host = url.hostname = ArrayPrototypeShift(at);
}

Url.prototype.resolveObject = function resolveObject(relative) {
  if (typeof relative === 'string') relative = parseUrl(relative, false, true);
  const result = new Url();
  ObjectAssign(result, this);
  // The hash is always the reference's, even an empty one.
  result.hash = relative.hash;
  if (relative.href === '') {
    result.href = result.format();
    return result;
  }
  if (relative.slashes && !relative.protocol) {
    const keys = ObjectKeys(relative);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] !== 'protocol') result[keys[i]] = relative[keys[i]];
    }
    if (slashed[result.protocol] && result.hostname && !result.pathname) {
      result.path = result.pathname = '/';
    }
    result.href = result.format();
    return result;
  }
  if (relative.protocol && relative.protocol !== result.protocol) {
    return resolveOtherProtocol(result, relative);
  }
  return resolvePath(result, relative);
};

function resolveOtherProtocol(result, relative) {
  // Without slashes the two schemes share nothing: the reference stands for itself.
  if (!slashed[relative.protocol]) {
    ObjectAssign(result, relative);
    result.href = result.format();
    return result;
  }
  result.protocol = relative.protocol;
  if (!relative.host && RegExpPrototypeExec(/^file:?$/, relative.protocol) === null &&
      !hostless[relative.protocol]) {
    const segments = StringPrototypeSplit(relative.pathname || '', '/');
    while (segments.length && !(relative.host = ArrayPrototypeShift(segments)));
    relative.host ||= '';
    relative.hostname ||= '';
    if (segments[0] !== '') ArrayPrototypeUnshift(segments, '');
    if (segments.length < 2) ArrayPrototypeUnshift(segments, '');
    result.pathname = ArrayPrototypeJoin(segments, '/');
  } else {
    result.pathname = relative.pathname;
  }
  result.search = relative.search;
  result.query = relative.query;
  result.host = relative.host || '';
  result.auth = relative.auth;
  result.hostname = relative.hostname || relative.host;
  result.port = relative.port;
  if (result.pathname || result.search) setPath(result);
  result.slashes ||= relative.slashes;
  result.href = result.format();
  return result;
}

function resolvePath(result, relative) {
  const sourceAbsolute = result.pathname && result.pathname[0] === '/';
  const relativeAbsolute = relative.host || (relative.pathname && relative.pathname[0] === '/');
  let mustBeAbsolute = relativeAbsolute || sourceAbsolute || (result.host && relative.pathname);
  const removeAll = mustBeAbsolute;
  let segments = segmentsOf(result.pathname);
  const relativeSegments = segmentsOf(relative.pathname);
  const noLeadingSlashes = result.protocol && !slashed[result.protocol];
  if (noLeadingSlashes) {
    // `mailto:local@domain` and its like: the host is the first segment.
    result.hostname = '';
    result.port = null;
    if (result.host) {
      if (segments[0] === '') segments[0] = result.host;
      else ArrayPrototypeUnshift(segments, result.host);
    }
    result.host = '';
    if (relative.protocol) {
      relative.hostname = null;
      relative.port = null;
      result.auth = null;
      if (relative.host) {
        if (relativeSegments[0] === '') relativeSegments[0] = relative.host;
        else ArrayPrototypeUnshift(relativeSegments, relative.host);
      }
      relative.host = null;
    }
    mustBeAbsolute = mustBeAbsolute && (relativeSegments[0] === '' || segments[0] === '');
  }

  if (relativeAbsolute) {
    if (relative.host || relative.host === '') {
      if (result.host !== relative.host) result.auth = null;
      result.host = relative.host;
      result.port = relative.port;
    }
    if (relative.hostname || relative.hostname === '') {
      if (result.hostname !== relative.hostname) result.auth = null;
      result.hostname = relative.hostname;
    }
    result.search = relative.search;
    result.query = relative.query;
    segments = relativeSegments;
  } else if (relativeSegments.length) {
    // The last segment of the source gives way.
    if (segments.length) ArrayPrototypePop(segments);
    for (let i = 0; i < relativeSegments.length; i++) segments[segments.length] = relativeSegments[i];
    result.search = relative.search;
    result.query = relative.query;
  } else if (relative.search !== null && relative.search !== undefined) {
    if (noLeadingSlashes) {
      result.hostname = result.host = ArrayPrototypeShift(segments);
      takeHost(result, result.host);
    }
    result.search = relative.search;
    result.query = relative.query;
    if (result.pathname !== null || result.search !== null) setPath(result);
    result.href = result.format();
    return result;
  }

  if (!segments.length) {
    // No path at all: all that was there was a hash or a query.
    result.pathname = null;
    result.path = result.search ? `/${result.search}` : null;
    result.href = result.format();
    return result;
  }
  return finishPath(result, relative, segments, mustBeAbsolute, removeAll, noLeadingSlashes);
}

// Takes out `.` and `..`; returns how many `..` were left over.
function foldDots(segments) {
  let up = 0;
  for (let i = segments.length - 1; i >= 0; i--) {
    const last = segments[i];
    if (last === '.') {
      removeAt(segments, i);
    } else if (last === '..') {
      removeAt(segments, i);
      up++;
    } else if (up > 0) {
      removeAt(segments, i);
      up--;
    }
  }
  return up;
}

function removeAt(segments, index) {
  for (let i = index; i + 1 < segments.length; i++) segments[i] = segments[i + 1];
  segments.length--;
}

function finishPath(result, relative, segments, mustBeAbsolute, removeAll, noLeadingSlashes) {
  const last = segments[segments.length - 1];
  const trailingSlash = ((result.host || relative.host || segments.length > 1) &&
    (last === '.' || last === '..')) || last === '';
  let up = foldDots(segments);
  if (!mustBeAbsolute && !removeAll) {
    for (; up > 0; up--) ArrayPrototypeUnshift(segments, '..');
  }
  if (mustBeAbsolute && segments[0] !== '' && (!segments[0] || segments[0][0] !== '/')) {
    ArrayPrototypeUnshift(segments, '');
  }
  const joined = ArrayPrototypeJoin(segments, '/');
  if (trailingSlash && joined[joined.length - 1] !== '/') segments[segments.length] = '';
  const absolute = segments[0] === '' || (segments[0] && segments[0][0] === '/');
  if (noLeadingSlashes) {
    result.hostname = result.host = absolute ? '' : (segments.length ? ArrayPrototypeShift(segments) : '');
    takeHost(result, result.host);
  }
  mustBeAbsolute ||= result.host && segments.length;
  if (mustBeAbsolute && !absolute) ArrayPrototypeUnshift(segments, '');
  if (!segments.length) {
    result.pathname = null;
    result.path = null;
  } else {
    result.pathname = ArrayPrototypeJoin(segments, '/');
  }
  if (result.pathname !== null || result.search !== null) setPath(result);
  result.auth = relative.auth || result.auth;
  result.slashes ||= relative.slashes;
  result.href = result.format();
  return result;
}

exports.Url = Url;
exports.urlFormat = urlFormat;
exports.urlParse = urlParse;
exports.urlResolve = urlResolve;
exports.urlResolveObject = urlResolveObject;
