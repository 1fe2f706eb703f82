// http's message classes: headers are kept as Node keeps them, and what is sent goes to the stream that was assigned as a socket.
'use strict';

const {
  ArrayIsArray,
  ArrayPrototypePush,
  ObjectAssign,
  ObjectCreate,
  ObjectDefineProperty,
  ObjectKeys,
  ObjectSetPrototypeOf,
  RegExpPrototypeExec,
  StringPrototypeToLowerCase,
  Symbol,
  hardenRegExp,
} = primordials;

const {
  codes: {
    ERR_HTTP_HEADERS_SENT,
    ERR_HTTP_INVALID_HEADER_VALUE,
    ERR_HTTP_INVALID_STATUS_CODE,
    ERR_HTTP_SOCKET_ASSIGNED,
    ERR_INVALID_ARG_TYPE,
    ERR_INVALID_CHAR,
    ERR_INVALID_HTTP_TOKEN,
  },
} = require('internal/errors');
const { validateString } = require('internal/validators');
const Readable = require('internal/streams/readable');
const { Stream } = require('internal/streams/legacy');
const sending = require('internal/http/sending');
const { STATUS_CODES } = require('internal/refuse/http_names');

const token = hardenRegExp(/^[\^_`a-zA-Z\-0-9!#$%&'*+.|~]+$/);
const invalidValue = hardenRegExp(/[^\t\x20-\x7e\x80-\xff]/);

function validateHeaderName(name, label) {
  if (typeof name !== 'string' || !name || RegExpPrototypeExec(token, name) === null) {
    throw new ERR_INVALID_HTTP_TOKEN(label || 'Header name', name);
  }
}

function validateHeaderValue(name, value) {
  if (value === undefined) {
    throw new ERR_HTTP_INVALID_HEADER_VALUE(value, name);
  }
  if (RegExpPrototypeExec(invalidValue, `${value}`) !== null) {
    throw new ERR_INVALID_CHAR('header content', name);
  }
}

const kHeaders = Symbol('kHeaders');
const kHeadersDistinct = Symbol('kHeadersDistinct');
const kTrailers = Symbol('kTrailers');
const kTrailersDistinct = Symbol('kTrailersDistinct');

// Headers that are told once: of several, the first stands.
const single = {
  '__proto__': null, 'age': true, 'authorization': true, 'content-length': true, 'content-type': true, 'etag': true,
  'expires': true, 'from': true, 'host': true, 'if-modified-since': true, 'if-unmodified-since': true, 'last-modified': true,
  'location': true, 'max-forwards': true, 'proxy-authorization': true, 'referer': true, 'retry-after': true, 'server': true,
  'user-agent': true,
};

function joined(raw) {
  const headers = {};
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = StringPrototypeToLowerCase(raw[i]);
    const value = raw[i + 1];
    if (name === 'set-cookie') {
      if (headers[name] === undefined) {
        headers[name] = [value];
      } else {
        ArrayPrototypePush(headers[name], value);
      }
    } else if (headers[name] === undefined) {
      headers[name] = value;
    } else if (!single[name]) {
      headers[name] += `${name === 'cookie' ? '; ' : ', '}${value}`;
    }
  }
  return headers;
}

function distinct(raw) {
  const headers = ObjectCreate(null);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = StringPrototypeToLowerCase(raw[i]);
    headers[name] ??= [];
    ArrayPrototypePush(headers[name], raw[i + 1]);
  }
  return headers;
}

class IncomingMessage extends Readable {
  constructor(socket) {
    super({ autoDestroy: true, highWaterMark: socket?.readableHighWaterMark });
    this.socket = socket;
    this.httpVersionMajor = null;
    this.httpVersionMinor = null;
    this.httpVersion = null;
    this.complete = false;
    this.rawHeaders = [];
    this.rawTrailers = [];
    this.joinDuplicateHeaders = false;
    this.aborted = false;
    this.upgrade = null;
    this.url = '';
    this.method = null;
    this.statusCode = null;
    this.statusMessage = null;
    this.client = socket;
    this._consuming = false;
    this._dumped = false;
  }

  get connection() {
    return this.socket;
  }

  set connection(value) {
    this.socket = value;
  }

  get headers() {
    return this[kHeaders] ??= joined(this.rawHeaders);
  }

  set headers(value) {
    this[kHeaders] = value;
  }

  get headersDistinct() {
    return this[kHeadersDistinct] ??= distinct(this.rawHeaders);
  }

  set headersDistinct(value) {
    this[kHeadersDistinct] = value;
  }

  get trailers() {
    return this[kTrailers] ??= joined(this.rawTrailers);
  }

  set trailers(value) {
    this[kTrailers] = value;
  }

  get trailersDistinct() {
    return this[kTrailersDistinct] ??= distinct(this.rawTrailers);
  }

  set trailersDistinct(value) {
    this[kTrailersDistinct] = value;
  }

  setTimeout(msecs, callback) {
    if (callback) {
      this.on('timeout', callback);
    }
    this.socket?.setTimeout(msecs);
    return this;
  }

  _read() {
    this._consuming = true;
  }
}

function OutgoingMessage() {
  Stream.call(this);
  this.outputData = [];
  this.outputSize = 0;
  this.writable = true;
  this.destroyed = false;
  this.finished = false;
  this.shouldKeepAlive = true;
  this.sendDate = true;
  this.chunkedEncoding = false;
  this.useChunkedEncodingByDefault = true;
  this.socket = null;
  this._header = null;
  this._hasBody = true;
  this._closed = false;
  this._defaultKeepAlive = true;
  this._removedConnection = false;
  this._removedContLen = false;
  this._removedTE = false;
  this._contentLength = null;
  this._headerSent = false;
  this._trailer = '';
  this._last = false;
  this._headers = ObjectCreate(null);
}
ObjectSetPrototypeOf(OutgoingMessage.prototype, Stream.prototype);
ObjectSetPrototypeOf(OutgoingMessage, Stream);

function checkUnsent(message, what) {
  if (message._header) {
    throw new ERR_HTTP_HEADERS_SENT(what);
  }
}

const methods = {
  setHeader(name, value) {
    checkUnsent(this, 'set');
    validateHeaderName(name);
    if (ArrayIsArray(value)) {
      for (let i = 0; i < value.length; i++) {
        validateHeaderValue(name, value[i]);
      }
    } else {
      validateHeaderValue(name, value);
    }
    this._headers[StringPrototypeToLowerCase(name)] = { name, value };
    return this;
  },
  setHeaders(headers) {
    checkUnsent(this, 'set');
    if (!headers || ArrayIsArray(headers) || typeof headers.keys !== 'function' || typeof headers.get !== 'function') {
      throw new ERR_INVALID_ARG_TYPE('headers', ['Headers', 'Map'], headers);
    }
    for (const [key, value] of headers) {
      this.setHeader(key, value);
    }
    return this;
  },
  appendHeader(name, value) {
    checkUnsent(this, 'append');
    const before = this.getHeader(name);
    if (before === undefined) {
      return this.setHeader(name, value);
    }
    const list = ArrayIsArray(before) ? before : [before];
    const added = ArrayIsArray(value) ? value : [value];
    const all = [];
    for (let i = 0; i < list.length; i++) {
      ArrayPrototypePush(all, list[i]);
    }
    for (let i = 0; i < added.length; i++) {
      ArrayPrototypePush(all, added[i]);
    }
    return this.setHeader(name, all);
  },
  getHeader(name) {
    validateString(name, 'name');
    return this._headers[StringPrototypeToLowerCase(name)]?.value;
  },
  getHeaderNames() {
    return ObjectKeys(this._headers);
  },
  getRawHeaderNames() {
    const names = [];
    for (const key in this._headers) {
      ArrayPrototypePush(names, this._headers[key].name);
    }
    return names;
  },
  getHeaders() {
    const headers = ObjectCreate(null);
    for (const key in this._headers) {
      headers[key] = this._headers[key].value;
    }
    return headers;
  },
  hasHeader(name) {
    validateString(name, 'name');
    return StringPrototypeToLowerCase(name) in this._headers;
  },
  removeHeader(name) {
    validateString(name, 'name');
    checkUnsent(this, 'remove');
    const key = StringPrototypeToLowerCase(name);
    delete this._headers[key];
    switch (key) {
      case 'connection':
        this._removedConnection = true;
        break;
      case 'content-length':
        this._removedContLen = true;
        break;
      case 'transfer-encoding':
        this._removedTE = true;
        break;
      case 'date':
        this.sendDate = false;
        break;
      default:
    }
  },
  setTimeout() {
    return this;
  },
  destroy(error) {
    if (!this.destroyed) {
      this.destroyed = true;
      this.socket?.destroy(error);
    }
    return this;
  },
  cork() {
    this.socket?.cork();
  },
  uncork() {
    this.socket?.uncork();
  },
};
ObjectAssign(OutgoingMessage.prototype, methods, sending.methods);
ObjectDefineProperty(OutgoingMessage.prototype, 'connection', {
  __proto__: null,
  configurable: true,
  enumerable: true,
  get() {
    return this.socket;
  },
  set(value) {
    this.socket = value;
  },
});
for (const [name, get] of [
  ['headersSent', function() {
    return !!this._header;
  }],
  ['writableEnded', function() {
    return this.finished;
  }],
  ['writableFinished', function() {
    return this.finished && this.outputSize === 0 && (!this.socket || this.socket.writableLength === 0);
  }],
  ['writableObjectMode', () => false],
  ['writableLength', function() {
    return this.outputSize + (this.socket ? this.socket.writableLength : 0);
  }],
  ['writableCorked', function() {
    return this.socket ? this.socket.writableCorked : 0;
  }],
  ['writableHighWaterMark', () => 65536],
]) {
  ObjectDefineProperty(OutgoingMessage.prototype, name, { __proto__: null, configurable: true, enumerable: true, get });
}

function ServerResponse(request) {
  OutgoingMessage.call(this);
  this.req = request;
  this._sent100 = false;
  this._expect_continue = false;
  if (request?.method === 'HEAD') {
    this._hasBody = false;
  }
  // Who does not speak HTTP/1.1 is not kept, and gets chunks only if it says that it takes them.
  if (request?.httpVersionMajor < 1 || request?.httpVersionMinor < 1) {
    this.useChunkedEncodingByDefault = RegExpPrototypeExec(sending.chunks, `${request.headers.te}`) !== null;
    this.shouldKeepAlive = false;
  }
}
ObjectSetPrototypeOf(ServerResponse.prototype, OutgoingMessage.prototype);
ObjectSetPrototypeOf(ServerResponse, OutgoingMessage);

ServerResponse.prototype.statusCode = 200;
ServerResponse.prototype.statusMessage = undefined;
ServerResponse.prototype.assignSocket = function assignSocket(socket) {
  if (socket._httpMessage) {
    throw new ERR_HTTP_SOCKET_ASSIGNED();
  }
  socket._httpMessage = this;
  this.socket = socket;
  this.emit('socket', socket);
  this._flush();
};
ServerResponse.prototype.detachSocket = function detachSocket(socket) {
  socket._httpMessage = null;
  this.socket = null;
};
ServerResponse.prototype._implicitHeader = function _implicitHeader() {
  this.writeHead(this.statusCode);
};
ServerResponse.prototype.writeHead = function writeHead(statusCode, reason, headers) {
  checkUnsent(this, 'write');
  const given = statusCode;
  statusCode |= 0;
  if (statusCode < 100 || statusCode > 999) {
    throw new ERR_HTTP_INVALID_STATUS_CODE(given);
  }
  if (typeof reason === 'string') {
    this.statusMessage = reason;
  } else {
    this.statusMessage ||= STATUS_CODES[statusCode] || 'unknown';
    headers ??= reason;
  }
  this.statusCode = statusCode;
  if (ArrayIsArray(headers)) {
    for (let i = 0; i + 1 < headers.length; i += 2) {
      this.setHeader(headers[i], headers[i + 1]);
    }
  } else if (headers) {
    for (const key of ObjectKeys(headers)) {
      this.setHeader(key, headers[key]);
    }
  }
  if (statusCode === 204 || statusCode === 304 || statusCode < 200) {
    this._hasBody = false;
  }
  this._storeHeader(`HTTP/1.1 ${statusCode} ${this.statusMessage}\r\n`);
  return this;
};
ServerResponse.prototype.writeHeader = ServerResponse.prototype.writeHead;

module.exports = { IncomingMessage, OutgoingMessage, ServerResponse, validateHeaderName, validateHeaderValue };
