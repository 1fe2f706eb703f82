// Gives `assert.throws`, `rejects` and their opposites: what was thrown against what was expected.
'use strict';

const {
  ArrayPrototypePush, Error, ObjectKeys, ObjectPrototypeIsPrototypeOf, Promise, ReflectApply,
  RegExpPrototypeExec, SafeArrayIterator, String, Symbol,
} = primordials;
const { AssertionError } = require('internal/assert/assertion_error');
const {
  codes: { ERR_AMBIGUOUS_ARGUMENT, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_INVALID_RETURN_VALUE },
} = require('internal/errors');
const { isDeepStrictEqual } = require('internal/util/comparisons');
const { inspect } = require('internal/util/inspect');
const { isError } = require('internal/util/inspect_error');
const { isPromise, isRegExp } = require('internal/util/types');
const { validateFunction } = require('internal/validators');

const nothing = Symbol('nothing thrown');

// The picked properties of both sides, for the message.
class Comparison {
  constructor(source, keys, actual) {
    for (const key of new SafeArrayIterator(keys)) {
      if (key in source) {
        // A pattern that fits is shown as the text it fits, so that it is no difference.
        if (actual !== undefined && typeof actual[key] === 'string' && isRegExp(source[key]) &&
            RegExpPrototypeExec(source[key], actual[key]) !== null) {
          this[key] = actual[key];
        } else {
          this[key] = source[key];
        }
      }
    }
  }
}

function compareKey(actual, expected, key, message, keys, fn) {
  if (key in actual && isDeepStrictEqual(actual[key], expected[key])) {
    return;
  }
  if (message) {
    fail({ actual, expected, message, operator: fn.name, stackStartFn: fn });
  }
  const error = new AssertionError({
    actual: new Comparison(actual, keys),
    expected: new Comparison(expected, keys, actual),
    operator: 'deepStrictEqual',
    stackStartFn: fn,
  });
  error.actual = actual;
  error.expected = expected;
  error.operator = fn.name;
  throw error;
}

function fail(options) {
  if (isError(options.message)) {
    throw options.message;
  }
  throw new AssertionError(options);
}

function expectRegExp(actual, expected, message) {
  const text = String(actual);
  if (RegExpPrototypeExec(expected, text) !== null) {
    return undefined;
  }
  return message ? { message } : {
    generated: true,
    message: `The input did not match the regular expression ${inspect(expected)}. Input:\n\n${inspect(text)}\n`,
  };
}

function expectObject(actual, expected, message, fn) {
  if (typeof actual !== 'object' || actual === null) {
    const error = new AssertionError({ actual, expected, message, operator: 'deepStrictEqual', stackStartFn: fn });
    error.operator = fn.name;
    throw error;
  }
  const keys = ObjectKeys(expected);
  if (expected instanceof Error) {
    ArrayPrototypePush(keys, 'name', 'message');
  } else if (keys.length === 0) {
    throw new ERR_INVALID_ARG_VALUE('error', expected, 'may not be an empty object');
  }
  for (const key of new SafeArrayIterator(keys)) {
    if (typeof actual[key] === 'string' && isRegExp(expected[key]) &&
        RegExpPrototypeExec(expected[key], actual[key]) !== null) {
      continue;
    }
    compareKey(actual, expected, key, message, keys, fn);
  }
}

function expectInstance(actual, expected, message) {
  if (expected.prototype !== undefined && actual instanceof expected) {
    return undefined;
  }
  if (message) {
    return { message };
  }
  let text = `The error is expected to be an instance of "${expected.name}". Received `;
  if (isError(actual)) {
    text += `"${actual.name}"`;
  } else {
    text += `"${inspect(actual, { depth: -1 })}"`;
  }
  text += `\n\nError message:\n\n${actual?.message ?? actual}`;
  return { generated: true, message: text };
}

function expectValidation(actual, expected, message) {
  const result = ReflectApply(expected, {}, [actual]);
  if (result === true) {
    return undefined;
  }
  if (message) {
    return { message };
  }
  const name = expected.name ? `"${expected.name}" ` : '';
  let text = `The ${name}validation function is expected to return "true". Received ${inspect(result)}`;
  if (isError(actual)) {
    text += `\n\nCaught error:\n\n${actual}`;
  }
  return { generated: true, message: text };
}

// Does nothing when the thrown value is the expected one.
function expectedException(actual, expected, message, fn) {
  let failure;
  if (typeof expected !== 'function') {
    if (!isRegExp(expected)) {
      expectObject(actual, expected, message, fn);
      return;
    }
    failure = expectRegExp(actual, expected, message);
  } else if ((expected.prototype !== undefined && actual instanceof expected) || expected === Error ||
      ObjectPrototypeIsPrototypeOf(Error, expected)) {
    failure = expectInstance(actual, expected, message);
  } else {
    failure = expectValidation(actual, expected, message);
  }
  if (failure === undefined) {
    return;
  }
  if (isError(failure.message)) {
    throw failure.message;
  }
  const error = new AssertionError({ actual, expected, message: failure.message, operator: fn.name, stackStartFn: fn });
  error.generatedMessage = failure.generated === true;
  throw error;
}

function caught(fn) {
  validateFunction(fn, 'fn');
  try {
    fn();
  } catch (error) {
    return error;
  }
  return nothing;
}

function isThenable(value) {
  return isPromise(value) || (value !== null && typeof value === 'object' && typeof value.then === 'function' &&
    typeof value.catch === 'function');
}

async function rejection(promiseFn) {
  let promise;
  if (typeof promiseFn === 'function') {
    promise = promiseFn();
    if (!isThenable(promise)) {
      throw new ERR_INVALID_RETURN_VALUE('instance of Promise', 'promiseFn', promise);
    }
  } else if (isThenable(promiseFn)) {
    promise = promiseFn;
  } else {
    throw new ERR_INVALID_ARG_TYPE('promiseFn', ['Function', 'Promise'], promiseFn);
  }
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return nothing;
}

function checkAmbiguous(actual, expected) {
  if (typeof actual === 'object' && actual !== null) {
    if (actual.message === expected) {
      throw new ERR_AMBIGUOUS_ARGUMENT('error/message', `The error message "${actual.message}" is identical to the message.`);
    }
  } else if (actual === expected) {
    throw new ERR_AMBIGUOUS_ARGUMENT('error/message', `The error "${actual}" is identical to the message.`);
  }
}

function expectsError(fn, argumentCount, actual, expected, message) {
  let wanted = expected;
  let text = message;
  if (typeof wanted === 'string') {
    if (argumentCount === 3) {
      throw new ERR_INVALID_ARG_TYPE('error', ['Object', 'Error', 'Function', 'RegExp'], wanted);
    }
    checkAmbiguous(actual, wanted);
    text = wanted;
    wanted = undefined;
  } else if (wanted != null && typeof wanted !== 'object' && typeof wanted !== 'function') {
    throw new ERR_INVALID_ARG_TYPE('error', ['Object', 'Error', 'Function', 'RegExp'], wanted);
  }
  if (actual === nothing) {
    let details = '';
    if (wanted?.name) {
      details += ` (${wanted.name})`;
    }
    details += text ? `: ${text}` : '.';
    const kind = fn.name === 'rejects' ? 'rejection' : 'exception';
    fail({
      actual: undefined, expected: wanted, operator: fn.name, message: `Missing expected ${kind}${details}`, stackStartFn: fn,
    });
  }
  if (wanted) {
    expectedException(actual, wanted, text, fn);
  }
}

function hasMatchingError(actual, expected) {
  if (typeof expected !== 'function') {
    if (isRegExp(expected)) {
      return RegExpPrototypeExec(expected, String(actual)) !== null;
    }
    throw new ERR_INVALID_ARG_TYPE('expected', ['Function', 'RegExp'], expected);
  }
  if (expected.prototype !== undefined && actual instanceof expected) {
    return true;
  }
  if (ObjectPrototypeIsPrototypeOf(Error, expected)) {
    return false;
  }
  return ReflectApply(expected, {}, [actual]) === true;
}

function expectsNoError(fn, actual, expected, message) {
  if (actual === nothing) {
    return;
  }
  let wanted = expected;
  let text = message;
  if (typeof wanted === 'string') {
    text = wanted;
    wanted = undefined;
  }
  if (!wanted || hasMatchingError(actual, wanted)) {
    const details = text ? `: ${text}` : '.';
    const kind = fn.name === 'doesNotReject' ? 'rejection' : 'exception';
    fail({
      actual, expected: wanted, operator: fn.name, stackStartFn: fn,
      message: `Got unwanted ${kind}${details}\nActual message: "${actual?.message}"`,
    });
  }
  throw actual;
}

module.exports = { caught, expectsError, expectsNoError, fail, rejection };
