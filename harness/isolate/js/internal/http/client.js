// HTTP requests of `http` and `https`, which the broker makes where a network is granted.
'use strict';

const {
  ArrayIsArray, ArrayPrototypePush, ObjectAssign, ObjectKeys, ObjectSetPrototypeOf, RegExpPrototypeExec, StringPrototypeIncludes,
  StringPrototypeToUpperCase, hardenRegExp,
} = primordials;

const {
  AbortError, ConnResetException,
  codes: {
    ERR_INVALID_ARG_TYPE, ERR_INVALID_HTTP_TOKEN, ERR_INVALID_PROTOCOL, ERR_STREAM_DESTROYED, ERR_STREAM_WRITE_AFTER_END,
    ERR_UNESCAPED_CHARACTERS,
  },
} = require('internal/errors');
const { nextTick } = require('internal/task_queues');
const { isUint8Array } = require('internal/util/types');
const { refused } = require('internal/process/refusals');
const { failureOf, readPart } = require('internal/fetch/network');
const { IncomingMessage, OutgoingMessage } = require('internal/refuse/http_messages');

const token = hardenRegExp(/^[\^_`a-zA-Z\-0-9!#$%&'*+.|~]+$/);
const unescaped = hardenRegExp(/[^\u0021-\u00ff]/);
const bodiless = { __proto__: null, GET: true, HEAD: true, DELETE: true, OPTIONS: true, TRACE: true, CONNECT: true };

function hostOf(value, name) {
  if (value !== null && value !== undefined && typeof value !== 'string') {
    throw new ERR_INVALID_ARG_TYPE(`options.${name}`, ['string', 'undefined', 'null'], value);
  }
  return value;
}

// The options of a request, from a URL, a text or an object, and further ones.
function optionsOf(input, options, callback) {
  const { URL, urlToHttpOptions } = require('internal/url');
  let own = null;
  if (typeof input === 'string') {
    own = urlToHttpOptions(new URL(input));
  } else if (input instanceof URL) {
    own = urlToHttpOptions(input);
  } else {
    callback = options;
    options = input;
  }
  if (typeof options === 'function') {
    callback = options;
    options = own ?? {};
  } else {
    options = ObjectAssign(own ?? {}, options);
  }
  return { __proto__: null, options, callback };
}

function methodOf(options) {
  const { method } = options;
  if (method !== null && method !== undefined && typeof method !== 'string') {
    throw new ERR_INVALID_ARG_TYPE('options.method', 'string', method);
  }
  if (!method) {
    return 'GET';
  }
  if (RegExpPrototypeExec(token, method) === null) {
    throw new ERR_INVALID_HTTP_TOKEN('Method', method);
  }
  return StringPrototypeToUpperCase(method);
}

function setHeaders(request, options) {
  const { headers } = options;
  if (ArrayIsArray(headers)) {
    const flat = !ArrayIsArray(headers[0]);
    for (let i = 0; i < headers.length; i += flat ? 2 : 1) {
      request.setHeader(flat ? headers[i] : headers[i][0], flat ? headers[i + 1] : headers[i][1]);
    }
  } else if (headers) {
    const names = ObjectKeys(headers);
    for (let i = 0; i < names.length; i++) {
      request.setHeader(names[i], headers[names[i]]);
    }
  }
  if (options.auth && !request.getHeader('Authorization')) {
    request.setHeader('Authorization', `Basic ${require('buffer').Buffer.from(options.auth).toString('base64')}`);
  }
}

function ClientRequest(input, options, callback) {
  if (!native.network.isGranted()) {
    throw refused('http.ClientRequest', 'Net');
  }
  OutgoingMessage.call(this);
  const given = optionsOf(input, options, callback);
  options = given.options;
  const { agent } = options;
  const defaultAgent = options._defaultAgent || require('http').globalAgent;
  this.agent = agent === false || agent === undefined || agent === null ? defaultAgent : agent;
  const expected = this.agent.protocol ?? 'http:';
  const protocol = options.protocol || defaultAgent.protocol;
  if (options.path) {
    const path = `${options.path}`;
    if (RegExpPrototypeExec(unescaped, path) !== null) {
      throw new ERR_UNESCAPED_CHARACTERS('Request path');
    }
  }
  if (protocol !== expected) {
    throw new ERR_INVALID_PROTOCOL(protocol, expected);
  }
  this.protocol = protocol;
  this.method = methodOf(options);
  this.path = options.path || '/';
  this.host = hostOf(options.hostname, 'hostname') || hostOf(options.host, 'host') || 'localhost';
  this.port = options.port || options.defaultPort || this.agent.defaultPort;
  this.useChunkedEncodingByDefault = !bodiless[this.method];
  this.timeout = options.timeout;
  this.reusedSocket = false;
  this.maxHeadersCount = null;
  this.aborted = false;
  this.res = null;
  this._exchange = undefined;
  if (given.callback) {
    this.once('response', given.callback);
  }
  setHeaders(this, options);
  if (options.signal) {
    const { signal } = options;
    const abort = () => this.destroy(new AbortError(undefined, { cause: signal.reason }));
    if (signal.aborted) {
      nextTick(abort);
    } else {
      signal.addEventListener('abort', abort, { once: true });
    }
  }
  if (options.timeout) {
    this.setTimeout(options.timeout);
  }
  // Libraries listen to the connection; this one has none, and never tells anything.
  const net = require('net');
  this.socket = new net.Socket();
  nextTick(() => {
    if (!this.destroyed) {
      this.emit('socket', this.socket);
    }
  });
}
ObjectSetPrototypeOf(ClientRequest.prototype, OutgoingMessage.prototype);
ObjectSetPrototypeOf(ClientRequest, OutgoingMessage);

function urlOf(request) {
  const { URL } = require('internal/url');
  const host = StringPrototypeIncludes(request.host, ':') ? `[${request.host}]` : request.host;
  return new URL(`${request.protocol}//${host}:${request.port}${request.path}`);
}

function bytesOf(chunk, encoding) {
  if (typeof chunk === 'string') {
    return require('buffer').Buffer.from(chunk, encoding);
  }
  if (!isUint8Array(chunk)) {
    throw new ERR_INVALID_ARG_TYPE('chunk', ['string', 'Buffer', 'Uint8Array'], chunk);
  }
  return chunk;
}

// Sends the head; `length` is the body's when it is known.
function begin(request, length) {
  if (request._exchange !== undefined) {
    return;
  }
  const hasBody = length !== 0;
  if (length !== undefined && (hasBody || request.useChunkedEncodingByDefault) && !request.hasHeader('content-length') &&
      !request.hasHeader('transfer-encoding')) {
    request.setHeader('Content-Length', length);
  }
  const pairs = [];
  for (const key in request._headers) {
    const { name, value } = request._headers[key];
    // These are the connection's, which is the broker's.
    if (key === 'host' || key === 'connection' || key === 'transfer-encoding' || key === 'keep-alive') {
      continue;
    }
    const values = ArrayIsArray(value) ? value : [value];
    for (let i = 0; i < values.length; i++) {
      ArrayPrototypePush(pairs, name, `${values[i]}`);
    }
  }
  request._header = `${request.method} ${request.path} HTTP/1.1\r\n`;
  const url = urlOf(request);
  request._exchange = native.network.open(request.method, url.href, pairs, hasBody, (what, a, b, c) => {
    hear(request, url, what, a, b, c);
  });
}

function hear(request, url, what, a, b, c) {
  touch(request);
  const { res } = request;
  switch (what) {
    case 'head':
      receive(request, a, b, c);
      break;
    case 'data': {
      const part = readPart(request._exchange, a);
      res._owed += a;
      res.push(require('buffer').Buffer.from(part.buffer));
      break;
    }
    case 'end':
      settle(request);
      res.complete = true;
      res.push(null);
      break;
    default:
      settle(request);
      if (res === null) {
        fail(request, failureOf(a, b, url));
      } else {
        res.aborted = true;
        res.emit('aborted');
        res.destroy(new ConnResetException('aborted'));
      }
  }
}

function receive(request, status, reason, pairs) {
  const res = new IncomingMessage(request.socket);
  request.res = res;
  ObjectAssign(res, {
    req: request, statusCode: status, statusMessage: reason, httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders: pairs,
  });
  res._owed = 0;
  res._read = function read() {
    res._consuming = true;
    native.network.taken(request._exchange, res._owed);
    res._owed = 0;
  };
  res._destroy = function destroy(error, callback) {
    native.network.abort(request._exchange);
    settle(request);
    nextTick(() => callback(error));
  };
  res.once('close', () => closed(request));
  if (!request.emit('response', res)) {
    res._dumped = true;
    res.resume();
  }
}

function closed(request) {
  if (!request._closed) {
    request._closed = true;
    request.destroyed = true;
    request.emit('close');
  }
}

function fail(request, error) {
  request.destroyed = true;
  nextTick(() => {
    request.emit('error', error);
    closed(request);
  });
}

// Time without a word from the other side.
function touch(request) {
  const { clearTimeout, setTimeout } = require('timers');
  clearTimeout(request._silence);
  if (request.timeout) {
    request._silence = setTimeout(() => request.emit('timeout'), request.timeout).unref();
  }
}

function settle(request) {
  require('timers').clearTimeout(request._silence);
}

const methods = {
  _implicitHeader() {
    begin(this, undefined);
  },
  flushHeaders() {
    begin(this, this.useChunkedEncodingByDefault ? undefined : 0);
  },
  write(chunk, encoding, callback) {
    if (typeof encoding === 'function') {
      callback = encoding;
      encoding = undefined;
    }
    const bytes = bytesOf(chunk, encoding);
    if (this.finished || this.destroyed) {
      const error = this.finished ? new ERR_STREAM_WRITE_AFTER_END() : new ERR_STREAM_DESTROYED('write');
      nextTick(() => {
        if (!this.destroyed) {
          this.emit('error', error);
        }
        callback?.(error);
      });
      return false;
    }
    begin(this, this.hasHeader('content-length') ? +this.getHeader('content-length') : undefined);
    native.network.send(this._exchange, bytes);
    if (callback) {
      nextTick(callback);
    }
    return true;
  },
  end(chunk, encoding, callback) {
    if (typeof chunk === 'function') {
      callback = chunk;
      chunk = undefined;
    } else if (typeof encoding === 'function') {
      callback = encoding;
      encoding = undefined;
    }
    if (this.finished || this.destroyed) {
      if (callback) {
        nextTick(callback);
      }
      return this;
    }
    if (callback) {
      this.once('finish', callback);
    }
    const bytes = chunk === undefined || chunk === null ? undefined : bytesOf(chunk, encoding);
    begin(this, bytes === undefined ? 0 : bytes.byteLength);
    if (bytes !== undefined) {
      native.network.send(this._exchange, bytes);
    }
    native.network.finish(this._exchange);
    this.finished = true;
    touch(this);
    nextTick(() => this.emit('finish'));
    return this;
  },
  destroy(error) {
    if (this.destroyed) {
      return this;
    }
    this.destroyed = true;
    settle(this);
    if (this.res !== null) {
      this.res.destroy(error);
    } else {
      if (this._exchange !== undefined) {
        native.network.abort(this._exchange);
      }
      nextTick(() => {
        this.emit('error', error ?? new ConnResetException('socket hang up'));
        closed(this);
      });
    }
    return this;
  },
  abort() {
    if (!this.aborted) {
      this.aborted = true;
      nextTick(() => this.emit('abort'));
      this.destroy();
    }
  },
  setTimeout(msecs, callback) {
    this.timeout = msecs;
    if (callback) {
      this.once('timeout', callback);
    }
    touch(this);
    return this;
  },
  setNoDelay() {},
  setSocketKeepAlive() {},
  clearTimeout(callback) {
    this.setTimeout(0, callback);
  },
};
ObjectAssign(ClientRequest.prototype, methods);

// `request` and `get` of a module; `name` says of which in a refusal.
function functionsOf(name, agentOf) {
  function request(input, options, callback) {
    if (!native.network.isGranted()) {
      throw refused(`${name}.request`, 'Net');
    }
    const given = optionsOf(input, options, callback);
    const own = ObjectAssign({}, given.options);
    own._defaultAgent = agentOf();
    return new ClientRequest(own, given.callback);
  }
  function get(input, options, callback) {
    if (!native.network.isGranted()) {
      throw refused(`${name}.get`, 'Net');
    }
    const made = request(input, options, callback);
    made.end();
    return made;
  }
  return { __proto__: null, get, request };
}

module.exports = { ClientRequest, functionsOf };
