// process.emitWarning and the text that a warning nobody listens for leaves on stderr.
'use strict';

const { ArrayIsArray, Error, ErrorCaptureStackTrace, ErrorPrototypeToString, SafeSet, String } = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE },
} = require('internal/errors');
const { validateString } = require('internal/validators');
const { nextTick } = require('internal/task_queues');

function guestProcess() {
  return require('process');
}

function flag(process, name) {
  return process[name] === true;
}

let toldHow = false;

// The default listener of 'warning'.
function onWarning(warning) {
  if (!(warning instanceof Error)) {
    return;
  }
  const process = guestProcess();
  const isDeprecation = warning.name === 'DeprecationWarning';
  if (isDeprecation && flag(process, 'noDeprecation')) {
    return;
  }
  const trace = flag(process, 'traceProcessWarnings') || (isDeprecation && flag(process, 'traceDeprecation'));
  let message = `(node:${process.pid}) `;
  if (warning.code) {
    message += `[${warning.code}] `;
  }
  if (trace && warning.stack) {
    message += `${warning.stack}`;
  } else {
    message += typeof warning.toString === 'function' ? `${warning.toString()}` : ErrorPrototypeToString(warning);
  }
  if (typeof warning.detail === 'string') {
    message += `\n${warning.detail}`;
  }
  if (!trace && !toldHow) {
    const option = isDeprecation ? '--trace-deprecation' : '--trace-warnings';
    message += `\n(Use \`node ${option} ...\` to show where the warning was created)`;
    toldHow = true;
  }
  native.console.write(2, `${message}\n`);
}

function emitWarning(warning, type, code, ctor) {
  let detail;
  if (type !== null && typeof type === 'object' && !ArrayIsArray(type)) {
    ctor = type.ctor;
    code = type.code;
    if (typeof type.detail === 'string') {
      ({ detail } = type);
    }
    type = type.type || 'Warning';
  } else if (typeof type === 'function') {
    ctor = type;
    code = '';
    type = 'Warning';
  }
  if (type !== undefined) {
    validateString(type, 'type');
  }
  if (typeof code === 'function') {
    ctor = code;
    code = '';
  } else if (code !== undefined) {
    validateString(code, 'code');
  }
  if (typeof warning === 'string') {
    warning = createWarning(warning, type, code, ctor, detail);
  } else if (!(warning instanceof Error)) {
    throw new ERR_INVALID_ARG_TYPE('warning', ['Error', 'string'], warning);
  }
  const process = guestProcess();
  if (warning.name === 'DeprecationWarning') {
    if (flag(process, 'noDeprecation')) {
      return;
    }
    if (flag(process, 'throwDeprecation')) {
      nextTick(() => {
        throw warning;
      });
      return;
    }
  }
  nextTick(emitNow, warning);
}

function emitNow(warning) {
  guestProcess().emit('warning', warning);
}

function createWarning(text, type, code, ctor, detail) {
  const warning = new Error(text);
  warning.name = String(type || 'Warning');
  if (code !== undefined) {
    warning.code = code;
  }
  if (detail !== undefined) {
    warning.detail = detail;
  }
  ErrorCaptureStackTrace(warning, ctor || guestProcess().emitWarning);
  return warning;
}

const warned = new SafeSet();

// For our own warnings, each of which is given once.
function emitWarningOnce(text, type, code) {
  const key = code ?? text;
  if (!warned.has(key)) {
    warned.add(key);
    emitWarning(text, type, code);
  }
}

// For a warning right before the program dies, whose ticks never come.
function emitWarningNow(text) {
  emitNow(createWarning(text));
}

module.exports = { emitWarning, emitWarningNow, emitWarningOnce, onWarning };
