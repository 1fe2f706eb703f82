// readline's Interface over a stream: lines, questions, iteration. There is no terminal, so nothing is edited.
'use strict';

const {
  ArrayPrototypePush,
  ArrayPrototypeShift,
  FunctionPrototypeCall,
  MathMax,
  NumberIsFinite,
  ObjectSetPrototypeOf,
  Promise,
  PromiseReject,
  PromiseResolve,
  RegExpPrototypeExec,
  RegExpPrototypeSymbolSplit,
  StringPrototypeEndsWith,
  Symbol,
  SymbolAsyncIterator,
  SymbolDispose,
  hardenRegExp,
} = primordials;

const EventEmitter = require('events');
const {
  AbortError,
  codes: { ERR_INVALID_ARG_VALUE, ERR_USE_AFTER_CLOSE },
} = require('internal/errors');
const { validateAbortSignal, validateString } = require('internal/validators');

const lineEnding = hardenRegExp(/\r\n|\n|\r(?!\n)|\u2028|\u2029/);
const kQuestion = Symbol('kQuestion');
const kLineBuffer = Symbol('kLineBuffer');
const kDecoder = Symbol('kDecoder');
const kSawReturnAt = Symbol('kSawReturnAt');
const kOnClose = Symbol('kOnClose');

function takeOptions(input, output) {
  if (input?.input) {
    return input;
  }
  return { input, output };
}

function Interface(input, output) {
  if (!(this instanceof Interface)) {
    return new Interface(input, output);
  }
  const options = takeOptions(input, output);
  FunctionPrototypeCall(EventEmitter, this);
  if (options.input === undefined || options.input === null) {
    throw new ERR_INVALID_ARG_VALUE('input', options.input);
  }
  const prompt = options.prompt ?? '> ';
  validateString(prompt, 'prompt');
  const { crlfDelay } = options;
  this.terminal = false;
  this.input = options.input;
  this.output = options.output;
  this.crlfDelay = crlfDelay ? MathMax(100, crlfDelay) : 100;
  this.historySize = NumberIsFinite(options.historySize) ? options.historySize : 30;
  this.history = [];
  this.line = '';
  this.cursor = 0;
  this.closed = false;
  this.paused = false;
  this._prompt = prompt;
  this[kQuestion] = null;
  this[kLineBuffer] = '';
  this[kSawReturnAt] = 0;
  this[kDecoder] = new (require('string_decoder').StringDecoder)('utf8');
  const ondata = (chunk) => this._normalWrite(chunk);
  const onend = () => {
    if (typeof this[kLineBuffer] === 'string' && this[kLineBuffer].length > 0) {
      const last = this[kLineBuffer];
      this[kLineBuffer] = '';
      this._onLine(last);
    }
    this.close();
  };
  const onerror = (error) => this.emit('error', error);
  this[kOnClose] = () => {
    this.input.removeListener('data', ondata);
    this.input.removeListener('end', onend);
    this.input.removeListener('error', onerror);
  };
  this.input.on('error', onerror);
  this.input.on('data', ondata);
  this.input.on('end', onend);
  this.once('close', this[kOnClose]);
  if (options.signal) {
    validateAbortSignal(options.signal, 'options.signal');
    if (options.signal.aborted) {
      require('internal/task_queues').nextTick(() => this.close());
    } else {
      const disposable = require('events').addAbortListener(options.signal, () => this.close());
      this.once('close', disposable[SymbolDispose]);
    }
  }
  this.input.resume();
}
ObjectSetPrototypeOf(Interface.prototype, EventEmitter.prototype);
ObjectSetPrototypeOf(Interface, EventEmitter);

Interface.prototype.getPrompt = function getPrompt() {
  return this._prompt;
};

Interface.prototype.setPrompt = function setPrompt(prompt) {
  this._prompt = prompt;
};

Interface.prototype.prompt = function prompt() {
  if (this.paused) {
    this.resume();
  }
  this._writeToOutput(this._prompt);
};

Interface.prototype._writeToOutput = function _writeToOutput(text) {
  validateString(text, 'stringToWrite');
  if (this.output !== null && this.output !== undefined) {
    this.output.write(text);
  }
};

Interface.prototype._onLine = function _onLine(line) {
  if (this[kQuestion]) {
    const callback = this[kQuestion];
    this[kQuestion] = null;
    this.setPrompt(this._oldPrompt);
    callback(line);
  } else {
    this.emit('line', line);
  }
};

// Text as it comes: whole lines are given on, the rest waits. A `\r` at the end of one chunk and a `\n` at the start of the next
// are one line ending, if they come close together.
Interface.prototype._normalWrite = function _normalWrite(chunk) {
  if (chunk === undefined) {
    return;
  }
  let text = this[kDecoder].write(typeof chunk === 'string' ? require('buffer').Buffer.from(chunk) : chunk);
  if (this[kSawReturnAt] && native.loop.now() - this[kSawReturnAt] <= this.crlfDelay && text[0] === '\n') {
    text = text.slice(1);
  }
  this[kSawReturnAt] = 0;
  if (text === '') {
    return;
  }
  const whole = this[kLineBuffer] + text;
  if (RegExpPrototypeExec(lineEnding, text) === null) {
    this[kLineBuffer] = whole;
    return;
  }
  if (StringPrototypeEndsWith(text, '\r')) {
    this[kSawReturnAt] = native.loop.now() || 1e-9;
  }
  const lines = RegExpPrototypeSymbolSplit(lineEnding, whole);
  this[kLineBuffer] = lines[lines.length - 1];
  for (let i = 0; i < lines.length - 1; i++) {
    this._onLine(lines[i]);
  }
};

Interface.prototype._ask = function _ask(query, callback) {
  if (this.closed) {
    throw new ERR_USE_AFTER_CLOSE('readline');
  }
  if (this[kQuestion]) {
    this.prompt();
    return;
  }
  this._oldPrompt = this._prompt;
  this.setPrompt(query);
  this[kQuestion] = callback;
  this.prompt();
};

Interface.prototype.question = function question(query, options, callback) {
  callback = typeof options === 'function' ? options : callback;
  options = typeof options === 'object' && options !== null ? options : {};
  if (options.signal) {
    validateAbortSignal(options.signal, 'options.signal');
    if (options.signal.aborted) {
      return;
    }
    const onAbort = () => {
      this[kQuestion] = null;
    };
    const disposable = require('events').addAbortListener(options.signal, onAbort);
    const original = callback;
    callback = typeof original === 'function' ? (answer) => {
      disposable[SymbolDispose]();
      return original(answer);
    } : disposable[SymbolDispose];
  }
  if (typeof callback === 'function') {
    this._ask(query, callback);
  }
};

Interface.prototype.close = function close() {
  if (this.closed) {
    return;
  }
  this.pause();
  this.closed = true;
  this.emit('close');
};

Interface.prototype.pause = function pause() {
  if (this.closed) {
    throw new ERR_USE_AFTER_CLOSE('readline');
  }
  if (!this.paused) {
    this.input.pause();
    this.paused = true;
    this.emit('pause');
  }
  return this;
};

Interface.prototype.resume = function resume() {
  if (this.closed) {
    throw new ERR_USE_AFTER_CLOSE('readline');
  }
  if (this.paused) {
    this.input.resume();
    this.paused = false;
    this.emit('resume');
  }
  return this;
};

Interface.prototype.write = function write(data) {
  if (this.closed) {
    throw new ERR_USE_AFTER_CLOSE('readline');
  }
  if (this.paused) {
    this.resume();
  }
  this._normalWrite(data);
};

Interface.prototype.getCursorPos = function getCursorPos() {
  return { cols: this.cursor, rows: 0 };
};

Interface.prototype[SymbolAsyncIterator] = function() {
  return iterate(this);
};

// Lines are kept while nobody asks for the next one, so that none is lost.
function iterate(lines) {
  const queue = [];
  const waiting = [];
  let done = lines.closed;
  let failure;
  const onLine = (line) => {
    if (waiting.length > 0) {
      ArrayPrototypeShift(waiting).resolve({ value: line, done: false });
    } else {
      ArrayPrototypePush(queue, line);
      if (queue.length > 1024 && !lines.closed) {
        lines.pause();
      }
    }
  };
  const onClose = () => {
    done = true;
    while (waiting.length > 0) {
      ArrayPrototypeShift(waiting).resolve({ value: undefined, done: true });
    }
  };
  const onError = (error) => {
    if (waiting.length > 0) {
      ArrayPrototypeShift(waiting).reject(error);
    } else {
      failure = { error };
    }
  };
  lines.on('line', onLine);
  lines.on('close', onClose);
  lines.input.on('error', onError);
  return {
    next() {
      if (queue.length > 0) {
        const value = ArrayPrototypeShift(queue);
        if (queue.length === 0 && lines.paused && !lines.closed) {
          lines.resume();
        }
        return PromiseResolve({ value, done: false });
      }
      if (failure !== undefined) {
        const { error } = failure;
        failure = undefined;
        return PromiseReject(error);
      }
      if (done) {
        return PromiseResolve({ value: undefined, done: true });
      }
      return new Promise((resolve, reject) => ArrayPrototypePush(waiting, { resolve, reject }));
    },
    return() {
      lines.off('line', onLine);
      lines.input.off('error', onError);
      lines.close();
      return PromiseResolve({ value: undefined, done: true });
    },
    [SymbolAsyncIterator]() {
      return this;
    },
  };
}

Interface.prototype[SymbolDispose] = function() {
  this.close();
};

function questionPromise(lines, query, options) {
  return new Promise((resolve, reject) => {
    let settle = resolve;
    if (options?.signal) {
      validateAbortSignal(options.signal, 'options.signal');
      if (options.signal.aborted) {
        reject(new AbortError(undefined, { cause: options.signal.reason }));
        return;
      }
      const onAbort = () => {
        lines[kQuestion] = null;
        reject(new AbortError(undefined, { cause: options.signal.reason }));
      };
      const disposable = require('events').addAbortListener(options.signal, onAbort);
      settle = (answer) => {
        disposable[SymbolDispose]();
        resolve(answer);
      };
    }
    lines._ask(query, settle);
  });
}

module.exports = { Interface, questionPromise };
