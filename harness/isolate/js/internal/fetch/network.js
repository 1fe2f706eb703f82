// What `fetch` does over the network: requests that the broker makes, redirects, bodies that stream.
'use strict';

const {
  ArrayPrototypePush, ArrayPrototypeReverse, Error, ObjectAssign, PromisePrototypeThen, RegExpPrototypeSymbolSplit, StringPrototypeToLowerCase, StringPrototypeTrim,
  SymbolAsyncIterator, TypeError, Uint8Array, hardenRegExp,
} = primordials;

const { codes: { ERR_ACCESS_DENIED } } = require('internal/errors');
const { errnoOf } = require('internal/util/system_errors');

// What undici calls its own errors.
const names = {
  __proto__: null, UND_ERR_SOCKET: 'SocketError', UND_ERR_CONNECT_TIMEOUT: 'ConnectTimeoutError', UND_ERR_HEADERS_TIMEOUT: 'HeadersTimeoutError',
};
const comma = hardenRegExp(/,/);

// The error that Node shows as the cause of what the broker could not do; `url` says for whom.
function failureOf(code, message, url) {
  if (code === 'ERR_ACCESS_DENIED') {
    return new ERR_ACCESS_DENIED(`Access to this API has been restricted: ${message}`, 'Net');
  }
  const error = new Error(message);
  const { hostname, port, protocol } = url;
  if (code === 'ENOTFOUND') {
    return ObjectAssign(error, { errno: -3008, code, syscall: 'getaddrinfo', hostname });
  }
  const errno = errnoOf(code);
  if (errno === undefined) {
    error.name = names[code] ?? 'Error';
    error.code = code;
    return error;
  }
  if (code === 'ECONNRESET') {
    return ObjectAssign(error, { errno, code, syscall: 'read' });
  }
  return ObjectAssign(error, {
    errno, code, syscall: 'connect', address: hostname, port: +(port || (protocol === 'https:' ? 443 : 80)),
  });
}

// Sends a body as it becomes readable.
async function sendStream(id, stream) {
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      break;
    }
    if (!(value instanceof Uint8Array)) {
      throw new TypeError('Received non-Uint8Array chunk');
    }
    native.network.send(id, value);
  }
  native.network.finish(id);
}

// The next part of a response, in memory of the guest.
function readPart(id, length) {
  const part = new Uint8Array(length);
  native.network.read(id, part);
  return part;
}

// The names of what was done to a body, the last first.
function codingsOf(headers) {
  const text = headers.get('content-encoding');
  if (text === null) {
    return [];
  }
  const codings = [];
  const parts = RegExpPrototypeSymbolSplit(comma, text);
  for (let i = 0; i < parts.length; i++) {
    const coding = StringPrototypeToLowerCase(StringPrototypeTrim(parts[i]));
    if (coding !== 'gzip' && coding !== 'x-gzip' && coding !== 'deflate') {
      return [];
    }
    ArrayPrototypePush(codings, coding);
  }
  return ArrayPrototypeReverse(codings);
}

// The body as the program reads it: what was done to it for the way is undone.
function decoded(stream, codings) {
  if (codings.length === 0) {
    return stream;
  }
  const zlib = require('zlib');
  const { Readable } = require('stream');
  let readable = Readable.fromWeb(stream);
  for (let i = 0; i < codings.length; i++) {
    const undone = codings[i] === 'deflate' ? zlib.createUnzip() : zlib.createGunzip();
    const source = readable;
    source.on('error', (error) => undone.destroy(error));
    readable = source.pipe(undone);
  }
  const iterator = readable[SymbolAsyncIterator]();
  const { ReadableStream } = require('internal/webstreams/readable');
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await iterator.next();
      if (done) {
        controller.close();
      } else {
        controller.enqueue(new Uint8Array(value));
      }
    },
    cancel(reason) {
      readable.destroy(reason);
    },
    type: 'bytes',
  });
}

// One request without its redirects: `settle(error, status, statusText, pairs, stream)` once its head came. Returns what gives it up.
function exchange(method, url, pairs, body, settle) {
  let controller;
  let settled = false;
  let owed = 0;
  let over = false;
  let id;
  function fail(error) {
    over = true;
    if (settled) {
      controller.error(error);
    } else {
      settled = true;
      settle(error);
    }
  }
  const { ReadableStream } = require('internal/webstreams/readable');
  function listener(what, a, b, c) {
    switch (what) {
      case 'head':
        settled = true;
        settle(null, a, b, c, new ReadableStream({
          start(own) {
            controller = own;
          },
          pull() {
            native.network.taken(id, owed);
            owed = 0;
          },
          cancel() {
            over = true;
            native.network.abort(id);
          },
          type: 'bytes',
        }));
        break;
      case 'data': {
        const part = readPart(id, a);
        owed += a;
        if (!over) {
          controller.enqueue(part);
        }
        break;
      }
      case 'end':
        if (!over) {
          over = true;
          controller.close();
          controller.byobRequest?.respond(0);
        }
        break;
      default: {
        const cause = failureOf(a, b, url);
        fail(new TypeError(settled ? 'terminated' : 'fetch failed', { cause }));
      }
    }
  }
  id = native.network.open(method, url.href, pairs, body !== null, listener);
  if (body?.bytes !== undefined) {
    native.network.send(id, body.bytes);
    native.network.finish(id);
  } else if (body !== null) {
    PromisePrototypeThen(sendStream(id, body.stream), undefined, (error) => {
      native.network.abort(id);
      fail(new TypeError('fetch failed', { cause: error }));
    });
  }
  return (reason) => {
    if (!over) {
      native.network.abort(id);
      fail(reason);
    }
  };
}

module.exports = { codingsOf, decoded, exchange, failureOf, readPart };
