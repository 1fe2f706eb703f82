// readline's Interface over a stream: lines, questions, iteration. On a terminal, `editor` does what the keys say.
'use strict';

const {
  ArrayPrototypePush,
  ArrayPrototypeShift,
  FunctionPrototypeBind,
  FunctionPrototypeCall,
  MathMax,
  NumberIsFinite,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  Promise,
  PromiseReject,
  PromiseResolve,
  RegExpPrototypeExec,
  RegExpPrototypeSymbolSplit,
  StringPrototypeCodePointAt,
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
const { validateAbortSignal, validateArray, validateNumber, validateString, validateUint32 } = require('internal/validators');
const editor = require('internal/readline/editor');
const { emitKeypressEvents } = require('internal/readline/keys');

const lineEnding = hardenRegExp(/\r\n|\n|\r(?!\n)|\u2028|\u2029/);
const kQuestion = Symbol('kQuestion');
const kLineBuffer = Symbol('kLineBuffer');
const kDecoder = Symbol('kDecoder');
const { kReject, kSawReturnAt } = editor;

function takeOptions(input, output, completer, terminal) {
  if (input?.input) {
    return input;
  }
  return { input, output, completer, terminal };
}

// A completer that returns its answer, as one that calls back.
function callingBack(completer) {
  if (completer === undefined) {
    return undefined;
  }
  if (typeof completer !== 'function') {
    throw new ERR_INVALID_ARG_VALUE('completer', completer);
  }
  return completer.length === 2 ? completer : (line, callback) => callback(null, completer(line));
}

function takeHistory(lines, options) {
  if (options.history !== undefined) {
    validateArray(options.history, 'history');
  }
  if (options.historySize !== undefined) {
    validateNumber(options.historySize, 'size', 0);
  }
  lines.history = options.history ?? [];
  lines.historySize = options.historySize ?? 30;
  lines.historyIndex = -1;
  lines.removeHistoryDuplicates = options.removeHistoryDuplicates || false;
}

// What ends with the Interface: its listeners.
function listen(lines, stream, listeners) {
  for (const event in listeners) {
    stream.on(event, listeners[event]);
  }
  lines.once('close', () => {
    for (const event in listeners) {
      stream.removeListener(event, listeners[event]);
    }
  });
}

function editOn(lines) {
  const { input, output } = lines;
  editor.initialize(lines);
  if (require('process').env.TERM === 'dumb') {
    lines._ttyWrite = FunctionPrototypeBind(editor.writeDumb, lines);
  }
  emitKeypressEvents(input, lines);
  listen(lines, input, {
    __proto__: null,
    error: (error) => lines.emit('error', error),
    keypress(text, key) {
      lines._ttyWrite(text, key);
      // Half of a pair is shown with the other half only.
      const code = key?.sequence ? StringPrototypeCodePointAt(key.sequence, 0) : 0;
      if (code >= 0xd800 && code <= 0xdfff) {
        lines._refreshLine();
      }
    },
    end() {
      if (typeof lines.line === 'string' && lines.line.length > 0) {
        lines.emit('line', lines.line);
      }
      lines.close();
    },
  });
  lines._setRawMode(true);
  if (output !== null && output !== undefined) {
    listen(lines, output, { __proto__: null, resize: () => lines._refreshLine() });
  }
}

function readOn(lines) {
  listen(lines, lines.input, {
    __proto__: null,
    error: (error) => lines.emit('error', error),
    data: (chunk) => lines._normalWrite(chunk),
    end() {
      if (typeof lines[kLineBuffer] === 'string' && lines[kLineBuffer].length > 0) {
        const last = lines[kLineBuffer];
        lines[kLineBuffer] = '';
        lines._onLine(last);
      }
      lines.close();
    },
  });
}

function Interface(input, output, completer, terminal) {
  if (!(this instanceof Interface)) {
    return new Interface(input, output, completer, terminal);
  }
  const options = takeOptions(input, output, completer, terminal);
  FunctionPrototypeCall(EventEmitter, this);
  if (options.input === undefined || options.input === null) {
    throw new ERR_INVALID_ARG_VALUE('input', options.input);
  }
  const prompt = options.prompt ?? '> ';
  validateString(prompt, 'prompt');
  const { crlfDelay, escapeCodeTimeout } = options;
  this.escapeCodeTimeout = 500;
  this.tabSize = 8;
  if (options.tabSize !== undefined) {
    validateUint32(options.tabSize, 'tabSize', true);
    this.tabSize = options.tabSize;
  }
  if (escapeCodeTimeout !== undefined) {
    if (!NumberIsFinite(escapeCodeTimeout)) {
      throw new ERR_INVALID_ARG_VALUE('input.escapeCodeTimeout', this.escapeCodeTimeout);
    }
    this.escapeCodeTimeout = escapeCodeTimeout;
  }
  this.completer = callingBack(options.completer);
  this.terminal = !!(options.terminal === undefined ? options.output?.isTTY : options.terminal);
  this.input = options.input;
  this.output = options.output;
  this.crlfDelay = crlfDelay ? MathMax(100, crlfDelay) : 100;
  takeHistory(this, options);
  this.line = '';
  this.cursor = 0;
  this.closed = false;
  this.paused = false;
  this._prompt = prompt;
  this[kQuestion] = null;
  this[kLineBuffer] = '';
  this[kSawReturnAt] = 0;
  this[kDecoder] = new (require('string_decoder').StringDecoder)('utf8');
  if (this.terminal) {
    editOn(this);
  } else {
    readOn(this);
  }
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

Interface.prototype.prompt = function prompt(preserveCursor) {
  if (this.paused) {
    this.resume();
  }
  if (this.terminal && require('process').env.TERM !== 'dumb') {
    if (!preserveCursor) {
      this.cursor = 0;
    }
    this._refreshLine();
  } else {
    this._writeToOutput(this._prompt);
  }
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
    const onAbort = () => cancelQuestion(this);
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
  if (this.terminal) {
    this._setRawMode(false);
  }
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

Interface.prototype.write = function write(data, key) {
  if (this.closed) {
    throw new ERR_USE_AFTER_CLOSE('readline');
  }
  if (this.paused) {
    this.resume();
  }
  if (this.terminal) {
    this._ttyWrite(data, key);
  } else {
    this._normalWrite(data);
  }
};

for (const name in editor.methods) {
  Interface.prototype[name] = editor.methods[name];
}
Interface.prototype._getCursorPos = Interface.prototype.getCursorPos;
ObjectDefineProperty(Interface.prototype, 'columns', {
  __proto__: null,
  configurable: true,
  enumerable: false,
  get() {
    return this.output?.columns ? this.output.columns : Infinity;
  },
});

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
        cancelQuestion(lines);
        reject(new AbortError(undefined, { cause: options.signal.reason }));
      };
      const disposable = require('events').addAbortListener(options.signal, onAbort);
      settle = (answer) => {
        disposable[SymbolDispose]();
        resolve(answer);
      };
    }
    lines[kReject] = reject;
    lines._ask(query, settle);
  });
}

function cancelQuestion(lines) {
  if (lines.terminal && lines[kQuestion]) {
    lines.setPrompt(lines._oldPrompt);
    lines.clearLine();
  }
  lines[kQuestion] = null;
}

module.exports = { Interface, questionPromise };
