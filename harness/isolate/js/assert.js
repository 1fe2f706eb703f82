// Gives `node:assert`.
'use strict';

const {
  ArrayPrototypeIndexOf, ArrayPrototypeJoin, ArrayPrototypePush, ArrayPrototypeSlice, Error,
  ObjectAssign, ObjectDefineProperty, ObjectIs, ObjectKeys, Proxy, ReflectApply,
  RegExpPrototypeExec, SafeArrayIterator, SafeSet, StringPrototypeIndexOf, StringPrototypeSlice,
  StringPrototypeSplit, Symbol,
} = primordials;
const { AssertionError } = require('internal/assert/assertion_error');
const { failedExpression } = require('internal/assert/expression');
const { caught, expectsError, expectsNoError, fail: innerFail, rejection } = require('internal/assert/throws');
const {
  codes: { ERR_CONSTRUCT_CALL_REQUIRED, ERR_INVALID_ARG_TYPE, ERR_MISSING_ARGS },
} = require('internal/errors');
const { deprecate } = require('internal/util');
const { isDeepEqual, isDeepStrictEqual, isPartialStrictEqual } = require('internal/util/comparisons');
const { inspect } = require('internal/util/inspect');
const { isError } = require('internal/util/inspect_error');
const { isRegExp } = require('internal/util/types');
const { validateOneOf } = require('internal/validators');

function innerOk(fn, argumentCount, value, message) {
  if (value) {
    return;
  }
  let generated = false;
  let text = message;
  if (argumentCount === 0) {
    generated = true;
    text = 'No value argument passed to `assert.ok()`';
  } else if (message == null) {
    generated = true;
    text = failedExpression();
  } else if (isError(message)) {
    throw message;
  }
  const error = new AssertionError({ actual: value, expected: true, message: text, operator: '==', stackStartFn: fn });
  error.generatedMessage = generated;
  throw error;
}

function ok(...args) {
  innerOk(ok, args.length, args[0], args[1]);
}

const assert = module.exports = ok;
const kOptions = Symbol('options');

function need(args) {
  if (args.length < 2) {
    throw new ERR_MISSING_ARGS('actual', 'expected');
  }
}

// What `new assert.Assert({ diff })` changes is only how long a difference may get.
function diffOf(receiver) {
  return receiver?.[kOptions]?.diff ?? 'simple';
}

function check(passed, fn, receiver, actual, expected, message, operator) {
  if (!passed) {
    innerFail({ actual, expected, message, operator, stackStartFn: fn, diff: diffOf(receiver) });
  }
}

let warnedOfFail = false;
function warnOfFailWithValues() {
  if (!warnedOfFail) {
    warnedOfFail = true;
    require('process').emitWarning(
      'assert.fail() with more than one argument is deprecated. Please use assert.strictEqual() instead or only pass a message.',
      'DeprecationWarning', 'DEP0094');
  }
}

const methods = {
  ok,
  fail: function fail(actual, expected, message, operator, stackStartFn) {
    const count = arguments.length;
    let generated = false;
    let text = message;
    let sign = operator;
    if (actual == null && count <= 1) {
      generated = true;
      text = 'Failed';
    } else if (count === 1) {
      text = actual;
      actual = undefined;
    } else {
      warnOfFailWithValues();
      if (count === 2) {
        sign = '!=';
      }
    }
    if (isError(text)) {
      throw text;
    }
    const options = { actual, expected, operator: sign === undefined ? 'fail' : sign, stackStartFn: stackStartFn || fail };
    if (text !== undefined) {
      options.message = text;
    }
    const error = new AssertionError(options);
    if (generated) {
      error.generatedMessage = true;
    }
    throw error;
  },
  equal: function equal(actual, expected, message) {
    need(arguments);
    // eslint-disable-next-line eqeqeq -- loose equality is the point
    check(actual == expected || (actual !== actual && expected !== expected), equal, this, actual, expected, message, '==');
  },
  notEqual: function notEqual(actual, expected, message) {
    need(arguments);
    // eslint-disable-next-line eqeqeq -- loose equality is the point
    check(!(actual == expected || (actual !== actual && expected !== expected)), notEqual, this, actual, expected, message, '!=');
  },
  deepEqual: function deepEqual(actual, expected, message) {
    need(arguments);
    check(isDeepEqual(actual, expected), deepEqual, this, actual, expected, message, 'deepEqual');
  },
  notDeepEqual: function notDeepEqual(actual, expected, message) {
    need(arguments);
    check(!isDeepEqual(actual, expected), notDeepEqual, this, actual, expected, message, 'notDeepEqual');
  },
  deepStrictEqual: function deepStrictEqual(actual, expected, message) {
    need(arguments);
    const skip = this?.[kOptions]?.skipPrototype;
    check(isDeepStrictEqual(actual, expected, skip), deepStrictEqual, this, actual, expected, message, 'deepStrictEqual');
  },
  notDeepStrictEqual: function notDeepStrictEqual(actual, expected, message) {
    need(arguments);
    check(!isDeepStrictEqual(actual, expected), notDeepStrictEqual, this, actual, expected, message, 'notDeepStrictEqual');
  },
  strictEqual: function strictEqual(actual, expected, message) {
    need(arguments);
    check(ObjectIs(actual, expected), strictEqual, this, actual, expected, message, 'strictEqual');
  },
  notStrictEqual: function notStrictEqual(actual, expected, message) {
    need(arguments);
    check(!ObjectIs(actual, expected), notStrictEqual, this, actual, expected, message, 'notStrictEqual');
  },
  partialDeepStrictEqual: function partialDeepStrictEqual(actual, expected, message) {
    need(arguments);
    check(isPartialStrictEqual(actual, expected), partialDeepStrictEqual, this, actual, expected, message,
      'partialDeepStrictEqual');
  },
  match: function match(string, regexp, message) {
    internalMatch(string, regexp, message, match);
  },
  doesNotMatch: function doesNotMatch(string, regexp, message) {
    internalMatch(string, regexp, message, doesNotMatch);
  },
  throws: function throws(fn, ...args) {
    expectsError(throws, args.length + 1, caught(fn), args[0], args[1]);
  },
  rejects: async function rejects(promiseFn, ...args) {
    expectsError(rejects, args.length + 1, await rejection(promiseFn), args[0], args[1]);
  },
  doesNotThrow: function doesNotThrow(fn, ...args) {
    expectsNoError(doesNotThrow, caught(fn), args[0], args[1]);
  },
  doesNotReject: async function doesNotReject(fn, ...args) {
    expectsNoError(doesNotReject, await rejection(fn), args[0], args[1]);
  },
  ifError: function ifError(value) {
    if (value !== null && value !== undefined) {
      throwIfError(value, ifError);
    }
  },
};

function internalMatch(string, regexp, message, fn) {
  if (!isRegExp(regexp)) {
    throw new ERR_INVALID_ARG_TYPE('regexp', 'RegExp', regexp);
  }
  const wanted = fn.name === 'match';
  if (typeof string === 'string' && (RegExpPrototypeExec(regexp, string) !== null) === wanted) {
    return;
  }
  if (isError(message)) {
    throw message;
  }
  const generated = !message;
  let text = message;
  if (generated) {
    text = typeof string !== 'string'
      ? `The "string" argument must be of type string. Received ${require('internal/errors').determineSpecificType(string)}`
      : `${wanted ? 'The input did not match the regular expression ' : 'The input was expected to not match the regular expression '}${inspect(regexp)}. Input:\n\n${inspect(string)}\n`;
  }
  const error = new AssertionError({ actual: string, expected: regexp, message: text, operator: fn.name, stackStartFn: fn });
  error.generatedMessage = generated;
  throw error;
}

// The frames of the original error are kept behind ours, without those that both share.
function throwIfError(value, fn) {
  let text = 'ifError got unwanted exception: ';
  if (typeof value === 'object' && typeof value.message === 'string') {
    text += value.message.length === 0 && value.constructor ? value.constructor.name : value.message;
  } else {
    text += inspect(value);
  }
  const error = new AssertionError({ actual: value, expected: null, operator: 'ifError', message: text, stackStartFn: fn });
  error.generatedMessage = false;
  const { stack } = value;
  if (typeof stack === 'string') {
    const start = StringPrototypeIndexOf(stack, '\n    at');
    if (start !== -1) {
      let frames = StringPrototypeSplit(StringPrototypeSlice(stack, start + 1), '\n');
      const own = StringPrototypeSplit(error.stack, '\n');
      for (let i = 0; i < frames.length; i++) {
        const at = ArrayPrototypeIndexOf(own, frames[i]);
        if (at !== -1) {
          frames = ArrayPrototypeSlice(frames, 0, i);
          break;
        }
      }
      error.stack = `${ArrayPrototypeJoin(own, '\n')}\n${ArrayPrototypeJoin(frames, '\n')}`;
    }
  }
  throw error;
}

// Deprecated, and gone in later versions: it counts calls of a function.
class CallTracker {
  #checks = new SafeSet();

  calls(fn, expected = 1) {
    let wanted = expected;
    let target = fn;
    if (typeof fn === 'number') {
      wanted = fn;
      target = () => {};
    } else if (fn === undefined) {
      target = () => {};
    }
    const state = { actual: 0, expected: wanted, calls: [], error: new Error() };
    const tracked = new Proxy(target, {
      __proto__: null,
      apply: (original, thisArg, list) => {
        state.actual++;
        ArrayPrototypePush(state.calls, { thisArg, arguments: list });
        return ReflectApply(original, thisArg, list);
      },
    });
    state.name = target.name || 'calls';
    state.tracked = tracked;
    this.#checks.add(state);
    return tracked;
  }

  report() {
    const errors = [];
    this.#checks.forEach((state) => {
      if (state.actual !== state.expected) {
        ArrayPrototypePush(errors, {
          message: `Expected the ${state.name} function to be executed ${state.expected} time(s) but was executed ${state.actual} time(s).`,
          actual: state.actual, expected: state.expected, operator: state.name, stack: state.error,
        });
      }
    });
    return errors;
  }

  verify() {
    const errors = this.report();
    if (errors.length === 0) {
      return;
    }
    const message = errors.length === 1 ? errors[0].message : 'Functions were not called the expected number of times';
    throw new AssertionError({ message, details: errors });
  }

  getCalls(tracked) {
    let calls;
    this.#checks.forEach((state) => {
      if (state.tracked === tracked) {
        calls = ArrayPrototypeSlice(state.calls);
      }
    });
    return calls;
  }

  reset(tracked) {
    this.#checks.forEach((state) => {
      if (tracked === undefined || state.tracked === tracked) {
        state.actual = 0;
        state.calls = [];
      }
    });
  }
}
// The order of the keys is Node's.
assert.AssertionError = AssertionError;
assert.CallTracker = deprecate(CallTracker, 'assert.CallTracker is deprecated.', 'DEP0173');
assert.ok = ok;
for (const name of new SafeArrayIterator(['fail', 'equal', 'notEqual', 'deepEqual', 'notDeepEqual', 'deepStrictEqual',
  'notDeepStrictEqual', 'strictEqual', 'notStrictEqual', 'partialDeepStrictEqual', 'match', 'doesNotMatch', 'throws',
  'rejects', 'doesNotThrow', 'doesNotReject', 'ifError'])) {
  assert[name] = methods[name];
}

const strictAliases = {
  equal: 'strictEqual', deepEqual: 'deepStrictEqual', notEqual: 'notStrictEqual', notDeepEqual: 'notDeepStrictEqual',
};

function Assert(options) {
  if (!new.target) {
    throw new ERR_CONSTRUCT_CALL_REQUIRED('Assert');
  }
  const given = { __proto__: null, strict: true, ...options };
  const { diff } = given;
  if (diff !== undefined) {
    validateOneOf(diff, 'options.diff', ['simple', 'full']);
  }
  ObjectDefineProperty(this, kOptions, { __proto__: null, value: { ...given, diff: diff ?? 'simple' } });
  this.AssertionError = AssertionError;
  for (const name of new SafeArrayIterator(ObjectKeys(methods))) {
    this[name] = methods[name];
  }
  if (given.strict) {
    for (const name of new SafeArrayIterator(ObjectKeys(strictAliases))) {
      this[name] = this[strictAliases[name]];
    }
  }
}
for (const name of new SafeArrayIterator(ObjectKeys(methods))) {
  Assert.prototype[name] = methods[name];
}

function strict(...args) {
  innerOk(strict, args.length, args[0], args[1]);
}

// Made before it is on itself: the copy takes what is there now, and both end with what comes last.
assert.strict = ObjectAssign(strict, assert, {
  equal: assert.strictEqual,
  deepEqual: assert.deepStrictEqual,
  notEqual: assert.notStrictEqual,
  notDeepEqual: assert.notDeepStrictEqual,
});
assert.Assert = Assert;
assert.strict.Assert = Assert;
assert.strict.strict = assert.strict;
