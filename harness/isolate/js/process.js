// The process object: what a program sees and asks of its execution.
'use strict';

const {
  ArrayIsArray,
  ArrayPrototypeSlice,
  BigInt,
  MathFloor,
  NumberIsInteger,
  NumberParseInt,
  ObjectDefineProperty,
  ObjectFreeze,
  ObjectPrototypeHasOwnProperty,
  ObjectSetPrototypeOf,
  ReflectApply,
  ReflectGetOwnPropertyDescriptor,
  RegExpPrototypeExec,
  SymbolFor,
  SymbolToStringTag,
  hardenRegExp,
} = primordials;

const EventEmitter = require('events');
const {
  codes: {
    ERR_INVALID_ARG_TYPE,
    ERR_INVALID_ARG_VALUE,
    ERR_OUT_OF_RANGE,
    ERR_UNKNOWN_SIGNAL,
  },
} = require('internal/errors');
const { validateInteger, validateNumber, validateObject, validateString, validateUint32 } =
  require('internal/validators');
const taskQueues = require('internal/task_queues');
const execution = require('internal/process/execution');
const facts = require('internal/process/facts');
const { errnoError, refused } = require('internal/process/refusals');
const { emitWarning, onWarning } = require('internal/process/warning');

const { untouched } = require('internal/process/untouched');

function process() {}
ObjectDefineProperty(process, 'name', { __proto__: null, value: 'process' });
ObjectSetPrototypeOf(process.prototype, EventEmitter.prototype);
ObjectDefineProperty(process.prototype, 'constructor', {
  __proto__: null, value: process, enumerable: false, writable: true, configurable: true,
});

const proc = { __proto__: process.prototype };
module.exports = proc;

function fixed(name, value) {
  ObjectDefineProperty(proc, name, { __proto__: null, value, writable: false, enumerable: true, configurable: false });
}

// A property whose value belongs to the execution: made when it is first read, and writable as Node's is.
function perExecution(name, make, options) {
  ObjectDefineProperty(proc, name, {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get() {
      const value = make();
      ObjectDefineProperty(proc, name, {
        __proto__: null, value, writable: options?.writable ?? true, enumerable: true, configurable: true,
      });
      return value;
    },
    set(value) {
      ObjectDefineProperty(proc, name, {
        __proto__: null, value, writable: true, enumerable: true, configurable: true,
      });
    },
  });
}

function stdio(name, make) {
  let stream;
  let made = false;
  const get = { get() {
    if (!made) {
      stream = make(execution.state.terminal === undefined ?
        require('internal/process/stdio') :
        require('internal/process/terminal'));
      made = true;
    }
    return stream;
  } }.get;
  ObjectDefineProperty(proc, name, { __proto__: null, configurable: true, enumerable: true, get });
  // While nobody asked for the stream and nobody put another in its place, what is written to it can go where it would send it.
  untouched[name] = () => !made && ReflectGetOwnPropertyDescriptor(proc, name)?.get === get;
}

ObjectDefineProperty(proc, SymbolToStringTag, { __proto__: null, configurable: true, value: 'process' });

fixed('version', facts.version);
fixed('versions', facts.versions);
fixed('arch', facts.arch);
fixed('platform', facts.platform);
fixed('release', facts.release);
fixed('moduleLoadList', ObjectFreeze([]));

proc.binding = function binding(module) {
  validateString(module, 'module');
  throw refused('process.binding', 'Binding');
};
proc._linkedBinding = function _linkedBinding(module) {
  validateString(module, 'module');
  throw refused('process._linkedBinding', 'Binding');
};
proc.domain = null;

// ---- Exit

ObjectDefineProperty(proc, '_exiting', {
  __proto__: null,
  enumerable: true,
  configurable: true,
  get() {
    return execution.state.exiting;
  },
  set(value) {
    execution.state.exiting = !!value;
  },
});

function checkExitCode(code) {
  if (code !== null && code !== undefined) {
    const isNumeric = typeof code === 'string' && code !== '' && NumberIsInteger(+code);
    validateInteger(isNumeric ? +code : code, 'code');
  }
  return code;
}

ObjectDefineProperty(proc, 'exitCode', {
  __proto__: null,
  configurable: false,
  enumerable: true,
  get() {
    return execution.state.exitCode;
  },
  set(code) {
    execution.state.exitCode = checkExitCode(code) ?? undefined;
  },
});

proc.exit = function exit(code) {
  if (arguments.length !== 0) {
    proc.exitCode = code;
  }
  if (!execution.state.exiting) {
    execution.startExit();
    proc.emit('exit', +execution.state.exitCode || 0);
  }
  proc.reallyExit(execution.state.exitCode || 0);
};

proc.reallyExit = function reallyExit(code) {
  native.process.exit((+code || 0) & 0xff);
};

proc.abort = function abort() {
  // As a process that SIGABRT ended.
  native.process.exit(134);
};

// ---- Where we are

let directory = '/';

proc.cwd = function cwd() {
  return directory;
};

proc.chdir = function chdir(target) {
  validateString(target, 'directory');
  const { call, directoryFault } = require('internal/fs/native');
  const errno = directoryFault(target);
  if (errno !== 0) {
    throw errnoError(errno, 'chdir', directory, target);
  }
  // As the kernel tells it: without links.
  directory = call('realPath', target);
};

const octal = hardenRegExp(/^[0-7]+$/);
let mask = 0o22;

proc.umask = function umask(value) {
  if (value === undefined) {
    return mask;
  }
  const before = mask;
  if (typeof value === 'string') {
    if (RegExpPrototypeExec(octal, value) === null) {
      throw new ERR_INVALID_ARG_VALUE('mask', value, 'must be a 32-bit unsigned integer or an octal string');
    }
    value = NumberParseInt(value, 8);
  }
  validateUint32(value, 'mask');
  mask = value & 0o777;
  return before;
};

// ---- Time and resources

function nanoseconds() {
  return native.loop.now() * 1e6;
}

// A start above zero: the first reading of a real clock is never 0.
const CLOCK_OFFSET = 1e9;

proc.hrtime = function hrtime(time) {
  const now = nanoseconds() + CLOCK_OFFSET;
  const seconds = MathFloor(now / 1e9);
  const rest = MathFloor(now % 1e9);
  if (time === undefined) {
    return [seconds, rest];
  }
  if (!ArrayIsArray(time)) {
    throw new ERR_INVALID_ARG_TYPE('time', 'Array', time);
  }
  if (time.length !== 2) {
    throw new ERR_OUT_OF_RANGE('time', 2, time.length);
  }
  const sec = seconds - time[0];
  const nsec = rest - time[1];
  return nsec < 0 ? [sec - 1, nsec + 1e9] : [sec, nsec];
};
proc.hrtime.bigint = function bigint() {
  return BigInt(MathFloor(nanoseconds() + CLOCK_OFFSET));
};

proc.uptime = function uptime() {
  return native.loop.now() / 1e3;
};

// Fixed figures: how much memory the host uses is not the guest's business.
const MEBIBYTE = 1024 * 1024;

proc.memoryUsage = function memoryUsage() {
  return {
    rss: 64 * MEBIBYTE,
    heapTotal: 16 * MEBIBYTE,
    heapUsed: 8 * MEBIBYTE,
    external: 2 * MEBIBYTE,
    arrayBuffers: 65536,
  };
};
proc.memoryUsage.rss = function rss() {
  return 64 * MEBIBYTE;
};
proc.constrainedMemory = function constrainedMemory() {
  return 0;
};
proc.availableMemory = function availableMemory() {
  return 1024 * MEBIBYTE;
};

function previousUsage(value) {
  if (value) {
    validateObject(value, 'prevValue');
    validateUsage(value.user, 'prevValue.user');
    validateUsage(value.system, 'prevValue.system');
  }
  return value || { user: 0, system: 0 };
}

function validateUsage(value, name) {
  validateNumber(value, name);
  if (value < 0) {
    throw new ERR_INVALID_ARG_VALUE.RangeError(name, value);
  }
}

proc.cpuUsage = function cpuUsage(previous) {
  const before = previousUsage(previous);
  const user = MathFloor(native.loop.now() * 1e3);
  return { user: user - before.user, system: 0 - before.system };
};
proc.threadCpuUsage = function threadCpuUsage(previous) {
  return ReflectApply(proc.cpuUsage, proc, [previous]);
};
proc.resourceUsage = function resourceUsage() {
  return {
    userCPUTime: MathFloor(native.loop.now() * 1e3),
    systemCPUTime: 0,
    maxRSS: 65536,
    sharedMemorySize: 0,
    unsharedDataSize: 0,
    unsharedStackSize: 0,
    minorPageFault: 0,
    majorPageFault: 0,
    swappedOut: 0,
    fsRead: 0,
    fsWrite: 0,
    ipcSent: 0,
    ipcReceived: 0,
    signalsCount: 0,
    voluntaryContextSwitches: 0,
    involuntaryContextSwitches: 0,
  };
};
proc.getActiveResourcesInfo = function getActiveResourcesInfo() {
  const { timeouts, immediates } = require('internal/timers').activeResources();
  const info = [];
  for (let i = 0; i < timeouts; i++) {
    info[i] = 'Timeout';
  }
  for (let i = 0; i < immediates; i++) {
    info[timeouts + i] = 'Immediate';
  }
  return info;
};
proc._getActiveHandles = function _getActiveHandles() {
  return [];
};
proc._getActiveRequests = function _getActiveRequests() {
  return [];
};

// ---- Signals and identity

proc.kill = function kill(pid, signal) {
  // eslint-disable-next-line eqeqeq -- a numeric string counts as well
  if (pid != (pid | 0)) {
    throw new ERR_INVALID_ARG_TYPE('pid', 'number', pid);
  }
  let number;
  if (typeof signal === 'number') {
    number = signal;
  } else {
    signal = signal || 'SIGTERM';
    if (!ObjectPrototypeHasOwnProperty(facts.signals, signal)) {
      throw new ERR_UNKNOWN_SIGNAL(signal);
    }
    number = facts.signals[signal];
  }
  if (+pid !== proc.pid) {
    throw refused('process.kill', 'Process');
  }
  if (number !== 0) {
    require('internal/process/signals').raise(number);
  }
  return true;
};

for (const [name, id] of [['getuid', 0], ['geteuid', 0], ['getgid', 0], ['getegid', 0]]) {
  proc[name] = { [name]() {
    return id;
  } }[name];
}
proc.getgroups = function getgroups() {
  return [0];
};
for (const name of ['initgroups', 'setgroups', 'setegid', 'seteuid', 'setgid', 'setuid']) {
  proc[name] = { [name]() {
    throw refused(`process.${name}`, 'Process');
  } }[name];
}
proc.dlopen = function dlopen() {
  throw refused('process.dlopen', 'Addon');
};
proc.execve = function execve() {
  throw refused('process.execve', 'ChildProcess');
};
proc.openStdin = function() {
  proc.stdin.resume();
  return proc.stdin;
};

// ---- Ticks, warnings, errors

proc.nextTick = taskQueues.nextTick;
proc._tickCallback = taskQueues.processTicks;
proc.emitWarning = emitWarning;
proc._rawDebug = function _rawDebug(...args) {
  native.console.write(2, `${ReflectApply(require('util').format, undefined, args)}\n`);
};
proc.setUncaughtExceptionCaptureCallback = function setUncaughtExceptionCaptureCallback(fn) {
  execution.setUncaughtExceptionCaptureCallback(fn);
};
proc.hasUncaughtExceptionCaptureCallback = function hasUncaughtExceptionCaptureCallback() {
  return execution.state.capture !== null;
};
proc.setSourceMapsEnabled = function setSourceMapsEnabled(enabled) {
  require('internal/validators').validateBoolean(enabled, 'enabled');
};
proc.ref = function ref(object) {
  object?.[SymbolFor('nodejs.ref')]?.();
  object?.ref?.();
};
proc.unref = function unref(object) {
  object?.[SymbolFor('nodejs.unref')]?.();
  object?.unref?.();
};
ObjectDefineProperty(proc, 'sourceMapsEnabled', {
  __proto__: null, enumerable: true, configurable: true, get() {
    return false;
  },
});

proc.getBuiltinModule = function getBuiltinModule(id) {
  validateString(id, 'id');
  const { canBeRequired, loadPublicBuiltin, stripScheme } = require('internal/modules/builtins');
  return canBeRequired(id) ? loadPublicBuiltin(stripScheme(id)) : undefined;
};

proc.loadEnvFile = function loadEnvFile(path = '.env') {
  const text = require('fs').readFileSync(path, 'utf8');
  const parsed = require('util').parseEnv(text);
  for (const key in parsed) {
    if (!(key in proc.env)) {
      proc.env[key] = parsed[key];
    }
  }
};

// ---- What this execution was given

fixed('features', facts.features);
fixed('config', facts.config);
proc.execPath = facts.execPath;
proc.debugPort = 9229;
proc.ppid = 0;
perExecution('title', () => native.process.state().title ?? 'node');
perExecution('argv', () => ArrayPrototypeSlice(native.process.state().argv));
perExecution('execArgv', () => ArrayPrototypeSlice(native.process.state().execArgv));
perExecution('env', () => require('internal/process/env').makeEnv(native.process.state().env));
perExecution('pid', () => native.process.state().pid, { writable: false });
perExecution('argv0', () => 'node', { writable: false });
perExecution('allowedNodeEnvironmentFlags', () => ObjectFreeze(new Set()));
perExecution('finalization', () => ({
  register() {
    throw refused('process.finalization.register', 'Process');
  },
  unregister() {},
}));

stdio('stdin', ({ makeInput }) => makeInput(native.process.state().stdin));
stdio('stdout', ({ makeOutput }) => makeOutput(1));
stdio('stderr', ({ makeOutput }) => makeOutput(2));

ReflectApply(EventEmitter, proc, []);
proc.on('warning', onWarning);
