// Gives `node:console` and the global `console`: formatted lines on stdout and stderr, in order.
'use strict';

const {
  ArrayPrototypeJoin, ArrayPrototypeUnshift, Boolean, Error, ErrorCaptureStackTrace,
  FunctionPrototypeBind, MathFloor, Number, NumberPrototypeToFixed, ObjectAssign,
  ObjectDefineProperty, ReflectApply, ReflectConstruct, SafeArrayIterator, SafeMap,
  StringPrototypeIncludes, StringPrototypePadStart, StringPrototypeRepeat, StringPrototypeSlice,
  StringPrototypeSplit, Symbol, SymbolHasInstance, SymbolToStringTag,
} = primordials;
const {
  codes: { ERR_CONSOLE_WRITABLE_STREAM, ERR_INCOMPATIBLE_OPTION_PAIR },
  isStackOverflowError,
} = require('internal/errors');
const { formatWithOptions, inspect } = require('internal/util/inspect');
const {
  validateArray, validateInteger, validateObject, validateOneOf,
} = require('internal/validators');

const { formatArguments } = require('internal/util/format');
const { untouched } = require('internal/process/untouched');

const kState = Symbol('kState');
// The options of an inspection for a stream that shows no colours.
const plain = { __proto__: null };

const maxIndentation = 1000;

function noop() {
  // A failed write of the console is nobody's error.
}

function now() {
  return native.loop.now();
}

function hidden(target, key, value) {
  ObjectDefineProperty(target, key, {
    __proto__: null, value, writable: true, enumerable: false, configurable: true,
  });
}

// The state of one console. `streams` gives the pair: the global console asks `process` at each write, since a guest may replace it.
// `fds` are the descriptors of the global console's two streams.
function initialize(console, { streams, fds, ignoreErrors = true, colorMode = 'auto', inspectOptions, groupIndentation = 2 }) {
  hidden(console, kState, {
    streams, fds, ignoreErrors, colorMode, inspectOptions, groupIndentation,
    indent: '', counts: new SafeMap(), timers: new SafeMap(),
  });
}

function inspectOptionsFor(state, stream) {
  const options = state.inspectOptions !== undefined
    ? ('get' in state.inspectOptions && typeof state.inspectOptions.get === 'function'
      ? state.inspectOptions.get(stream) : state.inspectOptions) : undefined;
  if (options !== undefined && options.colors !== undefined) {
    return options;
  }
  let color = state.colorMode;
  if (color === 'auto') {
    color = Boolean(stream?.isTTY) && (typeof stream.getColorDepth !== 'function' || stream.getColorDepth() > 2);
  }
  if (options !== undefined) {
    return { ...options, colors: color };
  }
  return color ? { __proto__: null, colors: true } : { __proto__: null };
}

function indented(state, text) {
  if (state.indent.length === 0) {
    return text;
  }
  const lines = StringPrototypeIncludes(text, '\n')
    ? ArrayPrototypeJoin(StringPrototypeSplit(text, '\n'), `\n${state.indent}`) : text;
  return state.indent + lines;
}

// Formats and writes a line. As long as the program never asked for the stream behind the global console, no stream needs to be made
// for it: what it would write at once goes there at once.
function print(console, name, args) {
  const state = console[kState];
  if (state.fds !== undefined && untouched[name]()) {
    const text = args.length === 1 && typeof args[0] === 'string' ? args[0] : formatArguments(plain, args);
    // A custom inspection may have asked for the stream meanwhile.
    if (untouched[name]()) {
      native.console.write(state.fds[name], `${indented(state, text)}\n`);
    } else {
      writeLine(console, name, text);
    }
    return;
  }
  writeLine(console, name, formatFor(console, name, args));
}

function writeLine(console, name, text) {
  const state = console[kState];
  const stream = state.streams(name);
  const line = `${indented(state, text)}\n`;
  if (!state.ignoreErrors) {
    stream.write(line);
    return;
  }
  const watched = typeof stream.once === 'function' && typeof stream.removeListener === 'function' &&
    stream.listenerCount?.('error') === 0;
  if (watched) {
    stream.once('error', noop);
  }
  try {
    stream.write(line, noop);
  } catch (error) {
    // Too little stack to write is an error that the guest must see.
    if (isStackOverflowError(error)) {
      throw error;
    }
  } finally {
    if (watched) {
      stream.removeListener('error', noop);
    }
  }
}

function formatFor(console, name, args) {
  const state = console[kState];
  return formatWithOptions(inspectOptionsFor(state, state.streams(name)), ...new SafeArrayIterator(args));
}

function pad(value) {
  return StringPrototypePadStart(`${value}`, 2, '0');
}

function formatTime(duration) {
  let ms = duration;
  let hours = 0;
  let minutes = 0;
  let seconds = 0;
  if (ms >= 1000) {
    if (ms >= 60000) {
      if (ms >= 3600000) {
        hours = MathFloor(ms / 3600000);
        ms %= 3600000;
      }
      minutes = MathFloor(ms / 60000);
      ms %= 60000;
    }
    seconds = ms / 1000;
  }
  if (hours !== 0 || minutes !== 0) {
    const parts = StringPrototypeSplit(NumberPrototypeToFixed(seconds, 3), '.');
    const text = hours !== 0 ? `${hours}:${pad(minutes)}` : minutes;
    return `${text}:${pad(parts[0])}.${parts[1]} (${hours !== 0 ? 'h:m' : ''}m:ss.mmm)`;
  }
  if (seconds !== 0) {
    return `${NumberPrototypeToFixed(seconds, 3)}s`;
  }
  return `${Number(NumberPrototypeToFixed(ms, 3))}ms`;
}

function timeLog(console, name, label, data) {
  const start = console[kState].timers.get(label);
  if (start === undefined) {
    require('process').emitWarning(`No such label '${label}' for console.${name}()`);
    return false;
  }
  const text = formatTime(now() - start);
  if (data === undefined) {
    console.log('%s: %s', label, text);
  } else {
    console.log('%s: %s', label, text, ...new SafeArrayIterator(data));
  }
  return true;
}

const methods = {
  log(...args) {
    print(this, 'stdout', args);
  },
  warn(...args) {
    print(this, 'stderr', args);
  },
  error(...args) {
    print(this, 'stderr', args);
  },
  dir(object, options) {
    const state = this[kState];
    writeLine(this, 'stdout', inspect(object, {
      customInspect: false, ...inspectOptionsFor(state, state.streams('stdout')), ...options,
    }));
  },
  time(label = 'default') {
    const name = `${label}`;
    const { timers } = this[kState];
    if (timers.has(name)) {
      require('process').emitWarning(`Label '${name}' already exists for console.time()`);
      return;
    }
    timers.set(name, now());
  },
  timeEnd(label = 'default') {
    const name = `${label}`;
    if (timeLog(this, 'timeEnd', name)) {
      this[kState].timers.delete(name);
    }
  },
  timeLog(label = 'default', ...data) {
    timeLog(this, 'timeLog', `${label}`, data);
  },
  trace: function trace(...args) {
    const error = { name: 'Trace', message: formatFor(this, 'stderr', args) };
    ErrorCaptureStackTrace(error, trace);
    this.error(error.stack);
  },
  // eslint-disable-next-line func-name-matching -- the name is the method's
  assert(expression, ...args) {
    if (!expression) {
      // A text takes the formats that it has; anything else is shown behind ours.
      if (typeof args[0] === 'string') {
        args[0] = `Assertion failed: ${args[0]}`;
      } else {
        ArrayPrototypeUnshift(args, 'Assertion failed');
      }
      ReflectApply(this.warn, this, args);
    }
  },
  clear() {
    const state = this[kState];
    // Only a terminal can be cleared, and only executions without one leave the streams alone.
    const stream = state.fds !== undefined && untouched.stdout() ? undefined : state.streams('stdout');
    if (stream?.isTTY && require('process').env.TERM !== 'dumb') {
      const { clearScreenDown, cursorTo } = require('internal/readline/callbacks');
      cursorTo(stream, 0, 0);
      clearScreenDown(stream);
    }
  },
  count(label = 'default') {
    const name = `${label}`;
    const { counts } = this[kState];
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    this.log(`${name}: ${count}`);
  },
  countReset(label = 'default') {
    const name = `${label}`;
    const { counts } = this[kState];
    if (!counts.has(name)) {
      require('process').emitWarning(`Count for '${name}' does not exist`);
      return;
    }
    counts.delete(name);
  },
  group(...data) {
    if (data.length > 0) {
      ReflectApply(this.log, this, data);
    }
    const state = this[kState];
    state.indent += StringPrototypeRepeat(' ', state.groupIndentation);
  },
  groupEnd() {
    const state = this[kState];
    state.indent = StringPrototypeSlice(state.indent, 0, state.indent.length - state.groupIndentation);
  },
  table(tabularData, properties) {
    if (tabularData === null || typeof tabularData !== 'object') {
      return this.log(tabularData);
    }
    if (properties !== undefined) {
      validateArray(properties, 'properties');
    }
    const state = this[kState];
    const options = state.fds !== undefined && untouched.stdout() ? plain : inspectOptionsFor(state, state.streams('stdout'));
    return this.log(require('internal/console/table').table(tabularData, properties, options));
  },
};
methods.debug = methods.log;
methods.info = methods.log;
methods.dirxml = methods.log;
methods.groupCollapsed = methods.group;

const methodNames = [
  'log', 'warn', 'error', 'dir', 'time', 'timeEnd', 'timeLog', 'trace', 'assert', 'clear', 'count', 'countReset',
  'group', 'groupEnd', 'table', 'debug', 'info', 'dirxml', 'groupCollapsed',
];

function checkOptions(options) {
  const { stdout, stderr = stdout, colorMode = 'auto', inspectOptions, groupIndentation } = options;
  if (!stdout || typeof stdout.write !== 'function') {
    throw new ERR_CONSOLE_WRITABLE_STREAM('stdout');
  }
  if (!stderr || typeof stderr.write !== 'function') {
    throw new ERR_CONSOLE_WRITABLE_STREAM('stderr');
  }
  validateOneOf(colorMode, 'colorMode', ['auto', true, false]);
  if (groupIndentation !== undefined) {
    validateInteger(groupIndentation, 'groupIndentation', 0, maxIndentation);
  }
  if (inspectOptions !== undefined) {
    validateObject(inspectOptions, 'options.inspectOptions');
    if (inspectOptions.colors !== undefined && options.colorMode !== undefined) {
      throw new ERR_INCOMPATIBLE_OPTION_PAIR('options.inspectOptions.color', 'colorMode');
    }
  }
  return { stdout, stderr };
}

function Console(options, stderr, ignoreErrors = true) {
  if (!new.target) {
    return ReflectConstruct(Console, arguments);
  }
  let settings = options;
  if (!settings || typeof settings.write === 'function') {
    settings = { stdout: options, stderr, ignoreErrors };
  }
  const pair = checkOptions(settings);
  // Methods are bound, so that they can be handed around.
  for (const name of new SafeArrayIterator(methodNames)) {
    const method = this[name];
    hidden(this, name, FunctionPrototypeBind(method, this));
    ObjectDefineProperty(this[name], 'name', { __proto__: null, value: name });
    ObjectDefineProperty(this, name, { __proto__: null, enumerable: true });
  }
  hidden(this, '_stdout', pair.stdout);
  hidden(this, '_stderr', pair.stderr);
  initialize(this, {
    ignoreErrors: settings.ignoreErrors ?? true,
    colorMode: settings.colorMode ?? 'auto',
    inspectOptions: settings.inspectOptions,
    groupIndentation: settings.groupIndentation ?? 2,
    streams: (name) => (name === 'stdout' ? this._stdout : this._stderr),
  });
  return this;
}

for (const name of new SafeArrayIterator(methodNames)) {
  Console.prototype[name] = methods[name];
}
ObjectDefineProperty(Console, SymbolHasInstance, {
  __proto__: null,
  value(instance) {
    return instance !== null && typeof instance === 'object' && instance[kState] !== undefined;
  },
});

const console = { __proto__: {} };
initialize(console, {
  fds: { __proto__: null, stdout: 1, stderr: 2 },
  streams: (name) => {
    const process = require('process');
    return name === 'stdout' ? process.stdout : process.stderr;
  },
});
for (const name of new SafeArrayIterator([
  'log', 'info', 'debug', 'warn', 'error', 'dir', 'time', 'timeEnd', 'timeLog', 'trace', 'assert', 'clear',
  'count', 'countReset', 'group', 'groupEnd', 'table', 'dirxml', 'groupCollapsed',
])) {
  console[name] = FunctionPrototypeBind(methods[name], console);
  ObjectDefineProperty(console[name], 'name', { __proto__: null, value: name });
}
for (const name of new SafeArrayIterator(['profile', 'profileEnd', 'timeStamp'])) {
  // These speak to an inspector, and none is attached.
  const silent = { [name]() {} };
  console[name] = silent[name];
}
console.context = () => ObjectAssign({}, console);
console.createTask = function createTask(name) {
  if (typeof name !== 'string' || name === '') {
    throw new Error('First argument must be a non-empty string.');
  }
  return {
    run(callback) {
      return callback();
    },
  };
};
hidden(console, 'Console', Console);
ObjectDefineProperty(console, 'Console', { __proto__: null, enumerable: true });
for (const pair of new SafeArrayIterator([['_stdout', 'stdout'], ['_stderr', 'stderr']])) {
  ObjectDefineProperty(console, pair[0], {
    __proto__: null, configurable: true, enumerable: false, get: () => require('process')[pair[1]],
  });
}
hidden(console, '_ignoreErrors', true);
hidden(console, '_times', console[kState].timers);
ObjectDefineProperty(console, SymbolToStringTag, {
  __proto__: null, writable: false, enumerable: false, configurable: true, value: 'console',
});

module.exports = console;
