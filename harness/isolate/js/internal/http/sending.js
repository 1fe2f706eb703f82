// How an outgoing message becomes bytes: its head, its body in chunks or of a known length, its end.
'use strict';

const {
  ArrayIsArray, ArrayPrototypeJoin, ArrayPrototypePush, ArrayPrototypeShift, Date, DatePrototypeToUTCString, NumberPrototypeToString, RegExpPrototypeExec,
  StringPrototypeToLowerCase, hardenRegExp,
} = primordials;

const {
  codes: {
    ERR_INVALID_ARG_TYPE, ERR_HTTP_TRAILER_INVALID, ERR_METHOD_NOT_IMPLEMENTED, ERR_STREAM_ALREADY_FINISHED, ERR_STREAM_CANNOT_PIPE,
    ERR_STREAM_DESTROYED, ERR_STREAM_NULL_VALUES, ERR_STREAM_WRITE_AFTER_END,
  },
} = require('internal/errors');
const { nextTick } = require('internal/task_queues');
const { isUint8Array } = require('internal/util/types');

const closes = hardenRegExp(/(?:^|\W)close(?:$|\W)/i);
const chunks = hardenRegExp(/(?:^|\W)chunked(?:$|\W)/i);

function lengthOf(chunk, encoding) {
  return typeof chunk === 'string' ? require('buffer').Buffer.byteLength(chunk, encoding) : chunk.byteLength;
}

// What the given headers say about the body and the connection.
class Told {
  connection = false;
  length = false;
  coding = false;
  date = false;
  trailer = false;

  header(message, name, value) {
    switch (StringPrototypeToLowerCase(name)) {
      case 'connection':
        this.connection = true;
        message._removedConnection = false;
        if (RegExpPrototypeExec(closes, value) !== null) {
          message._last = true;
        } else {
          message.shouldKeepAlive = true;
        }
        break;
      case 'transfer-encoding':
        this.coding = true;
        message._removedTE = false;
        if (RegExpPrototypeExec(chunks, value) !== null) {
          message.chunkedEncoding = true;
        }
        break;
      case 'content-length':
        this.length = true;
        message._contentLength = +value;
        message._removedContLen = false;
        break;
      case 'date':
        this.date = true;
        break;
      case 'trailer':
        this.trailer = true;
        break;
      case 'keep-alive':
        message._defaultKeepAlive = false;
        break;
      default:
    }
  }
}

function connectionOf(message, told) {
  if (message._removedConnection) {
    message._last = !message.shouldKeepAlive;
    return '';
  }
  if (told.connection) {
    return '';
  }
  const keeps = message.shouldKeepAlive && (told.length || message.useChunkedEncodingByDefault || message.agent);
  if (!keeps) {
    message._last = true;
    return 'Connection: close\r\n';
  }
  const timeout = message._keepAliveTimeout && message._defaultKeepAlive ?
    `Keep-Alive: timeout=${primordials.MathFloor(message._keepAliveTimeout / 1000)}\r\n` : '';
  return `Connection: keep-alive\r\n${timeout}`;
}

function lengthHeader(message, told) {
  if (told.length || told.coding) {
    return '';
  }
  if (!message._hasBody) {
    message.chunkedEncoding = false;
  } else if (!message.useChunkedEncodingByDefault) {
    message._last = true;
  } else if (!told.trailer && !message._removedContLen && typeof message._contentLength === 'number') {
    return `Content-Length: ${message._contentLength}\r\n`;
  } else if (!message._removedTE) {
    message.chunkedEncoding = true;
    return 'Transfer-Encoding: chunked\r\n';
  }
  return '';
}

// Fixes the head of `message`: `firstLine`, its headers, and what HTTP adds to them.
function storeHeader(message, firstLine) {
  const told = new Told();
  let head = firstLine;
  for (const key in message._headers) {
    const { name, value } = message._headers[key];
    if (ArrayIsArray(value) && key !== 'cookie') {
      for (let i = 0; i < value.length; i++) {
        head += `${name}: ${value[i]}\r\n`;
        told.header(message, name, `${value[i]}`);
      }
    } else {
      const text = ArrayIsArray(value) ? ArrayPrototypeJoin(value, '; ') : `${value}`;
      head += `${name}: ${text}\r\n`;
      told.header(message, name, text);
    }
  }
  if (message.sendDate && !told.date) {
    head += `Date: ${DatePrototypeToUTCString(new Date())}\r\n`;
  }
  if (message.chunkedEncoding && (message.statusCode === 204 || message.statusCode === 304)) {
    message.chunkedEncoding = false;
    message.shouldKeepAlive = false;
  }
  head += connectionOf(message, told);
  head += lengthHeader(message, told);
  if (message.chunkedEncoding !== true && told.trailer) {
    throw new ERR_HTTP_TRAILER_INVALID();
  }
  message._header = `${head}\r\n`;
  message._headerSent = false;
}

function afterEnd(message, error, callback) {
  if (!message.destroyed) {
    nextTick(() => {
      message.emit('error', error);
      callback?.(error);
    });
  } else {
    nextTick(() => callback?.(error));
  }
}

function writeChunk(message, chunk, encoding, callback, fromEnd) {
  if (chunk === null) {
    throw new ERR_STREAM_NULL_VALUES();
  }
  if (typeof chunk !== 'string' && !isUint8Array(chunk)) {
    throw new ERR_INVALID_ARG_TYPE('chunk', ['string', 'Buffer', 'Uint8Array'], chunk);
  }
  if (message.finished || message.destroyed) {
    const error = message.finished ? new ERR_STREAM_WRITE_AFTER_END() : new ERR_STREAM_DESTROYED('write');
    afterEnd(message, error, callback);
    return false;
  }
  const length = lengthOf(chunk, encoding);
  if (!message._header) {
    if (fromEnd) {
      message._contentLength ??= length;
    }
    message._implicitHeader();
  }
  if (!message._hasBody) {
    nextTick(() => callback?.());
    return true;
  }
  const { socket } = message;
  if (!fromEnd && socket && !socket.writableCorked) {
    socket.cork();
    nextTick(() => socket.uncork());
  }
  if (message.chunkedEncoding && length !== 0) {
    message._send(`${NumberPrototypeToString(length, 16)}\r\n`, 'latin1', null);
    message._send(chunk, encoding, null);
    return message._send('\r\n', null, callback);
  }
  return message._send(chunk, encoding, callback);
}

const methods = {
  _storeHeader(firstLine) {
    storeHeader(this, firstLine);
  },
  _implicitHeader() {
    throw new ERR_METHOD_NOT_IMPLEMENTED('_implicitHeader()');
  },
  _send(data, encoding, callback) {
    if (!this._headerSent) {
      this._headerSent = true;
      const head = this._header;
      if (typeof data === 'string' && (encoding === 'utf8' || encoding === 'latin1' || !encoding)) {
        data = head + data;
      } else {
        this._writeRaw(head, 'latin1', null);
      }
    }
    return this._writeRaw(data, encoding, callback);
  },
  _writeRaw(data, encoding, callback) {
    const { socket } = this;
    if (socket?.destroyed) {
      return false;
    }
    if (typeof encoding === 'function') {
      callback = encoding;
      encoding = null;
    }
    if (socket && socket._httpMessage === this && socket.writable) {
      return socket.write(data, encoding, callback);
    }
    const size = lengthOf(data, encoding);
    ArrayPrototypePush(this.outputData, { data, encoding, callback });
    this.outputSize += size;
    return this.outputSize < this.writableHighWaterMark;
  },
  _flush() {
    const { socket } = this;
    if (!socket?.writable) {
      return;
    }
    let ret;
    socket.cork?.();
    while (this.outputData.length > 0) {
      const { data, encoding, callback } = ArrayPrototypeShift(this.outputData);
      ret = socket.write(data, encoding, callback);
    }
    socket.uncork?.();
    this.outputSize = 0;
    if (this.finished) {
      this._finish();
    } else if (ret) {
      this.emit('drain');
    }
  },
  _finish() {
    this.emit('prefinish');
  },
  write(chunk, encoding, callback) {
    if (typeof encoding === 'function') {
      callback = encoding;
      encoding = null;
    }
    return writeChunk(this, chunk, encoding, callback, false);
  },
  end(chunk, encoding, callback) {
    if (typeof chunk === 'function') {
      callback = chunk;
      chunk = null;
      encoding = null;
    } else if (typeof encoding === 'function') {
      callback = encoding;
      encoding = null;
    }
    if (chunk) {
      if (this.finished) {
        afterEnd(this, new ERR_STREAM_WRITE_AFTER_END(), typeof callback === 'function' ? callback : undefined);
        return this;
      }
      this.socket?.cork?.();
      writeChunk(this, chunk, encoding, null, true);
    } else if (this.finished) {
      if (typeof callback === 'function') {
        if (this.writableFinished) {
          callback(new ERR_STREAM_ALREADY_FINISHED('end'));
        } else {
          this.on('finish', callback);
        }
      }
      return this;
    } else if (!this._header) {
      this.socket?.cork?.();
      this._contentLength = 0;
      this._implicitHeader();
    }
    if (typeof callback === 'function') {
      this.once('finish', callback);
    }
    const finish = (error) => {
      if (!error) {
        this.emit('finish');
      }
    };
    if (this._hasBody && this.chunkedEncoding) {
      this._send(`0\r\n${this._trailer}\r\n`, 'latin1', finish);
    } else if (!this._headerSent || this.writableLength || chunk) {
      this._send('', 'latin1', finish);
    } else {
      nextTick(finish);
    }
    if (this.socket?._writableState) {
      this.socket._writableState.corked = 1;
      this.socket.uncork();
    }
    this.finished = true;
    if (this.outputData.length === 0 && this.socket?._httpMessage === this) {
      this._finish();
    }
    return this;
  },
  addTrailers(headers) {
    this._trailer = '';
    const { validateHeaderName, validateHeaderValue } = require('internal/refuse/http_messages');
    const pairs = ArrayIsArray(headers) ? headers : primordials.ObjectEntries(headers);
    for (let i = 0; i < pairs.length; i++) {
      const { 0: name, 1: value } = pairs[i];
      validateHeaderName(name, 'Trailer name');
      validateHeaderValue(name, value);
      this._trailer += `${name}: ${value}\r\n`;
    }
  },
  flushHeaders() {
    if (!this._header) {
      this._implicitHeader();
    }
    this._send('');
  },
  pipe() {
    this.emit('error', new ERR_STREAM_CANNOT_PIPE());
  },
};

module.exports = { chunks, methods };
