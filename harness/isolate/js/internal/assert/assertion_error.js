// Gives `AssertionError` with the message that Node makes of the two values.
'use strict';

const {
  ArrayPrototypeIncludes, ArrayPrototypeJoin, ArrayPrototypeSlice, Error, ErrorCaptureStackTrace,
  MathMin, ObjectAssign, ObjectDefineProperty, ObjectGetPrototypeOf, ObjectPrototypeHasOwnProperty,
  String, StringPrototypeRepeat, StringPrototypeSlice, StringPrototypeSplit, StringPrototypeTrimEnd,
  SymbolFor,
} = primordials;
const { isErrorStackTraceLimitWritable } = require('internal/errors');
const { kOperations, myersDiff } = require('internal/util/diff');
const { inspect } = require('internal/util/inspect');
const { isError } = require('internal/util/inspect_error');
const { validateObject } = require('internal/validators');

const maxShortLength = 12;
const linesToCollapse = 5;
const terminalWidth = 80;

const readable = {
  __proto__: null,
  deepStrictEqual: 'Expected values to be strictly deep-equal:',
  partialDeepStrictEqual: 'Expected values to be partially and strictly deep-equal:',
  strictEqual: 'Expected values to be strictly equal:',
  strictEqualObject: 'Expected "actual" to be reference-equal to "expected":',
  deepEqual: 'Expected values to be loosely deep-equal:',
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
  notStrictEqualObject: 'Expected "actual" not to be reference-equal to "expected":',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
  notIdentical: 'Values have same structure but are not reference-equal:',
  notDeepEqualUnequal: 'Expected values not to be loosely deep-equal:',
};

const diffOperators = ['deepStrictEqual', 'strictEqual', 'partialDeepStrictEqual'];

// Errors are compared without their stacks, which would differ in every case.
function copyError(source) {
  const target = ObjectAssign({ __proto__: ObjectGetPrototypeOf(source) }, source);
  ObjectDefineProperty(target, 'message', { __proto__: null, value: source.message });
  if (ObjectPrototypeHasOwnProperty(source, 'cause')) {
    const { cause } = source;
    ObjectDefineProperty(target, 'cause', { __proto__: null, value: isError(cause) ? copyError(cause) : cause });
  }
  return target;
}

// Everything of a value, one part a line, so that lines can be compared.
function inspectValue(value) {
  return inspect(value, {
    compact: false,
    customInspect: false,
    depth: 1000,
    maxArrayLength: Infinity,
    showHidden: false,
    showProxy: false,
    breakLength: Infinity,
    sorted: true,
    getters: true,
  });
}

function isCompound(value) {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function stackedDiff(actual, expected) {
  let message = `\n+ ${actual}\n- ${expected}`;
  if (actual.length + expected.length <= terminalWidth && actual !== expected) {
    let at = -1;
    const shorter = MathMin(actual.length, expected.length);
    for (let i = 0; i < shorter; i++) {
      if (actual[i] !== expected[i]) {
        // The mark only helps where it is not obvious.
        if (i > 2) {
          at = i;
        }
        break;
      }
    }
    if (at !== -1) {
      message += `\n${StringPrototypeRepeat(' ', at + 2)}^`;
    }
  }
  return message;
}

function simpleDiff(originalActual, actual, originalExpected, expected) {
  let length = actual.length + expected.length;
  length -= typeof originalActual === 'string' ? 2 : 0;
  length -= typeof originalExpected === 'string' ? 2 : 0;
  if (length <= maxShortLength && (originalActual !== 0 || originalExpected !== 0)) {
    return { message: `${actual} !== ${expected}`, header: '' };
  }
  return { message: stackedDiff(actual, expected), header: undefined };
}

// Long runs of equal lines are cut down to their ends.
function printDiff(diff) {
  let message = '';
  let skipped = false;
  let equalLines = 0;
  for (let i = diff.length - 1; i >= 0; i--) {
    const operation = diff[i][0];
    const value = diff[i][1];
    const previous = i < diff.length - 1 ? diff[i + 1][0] : null;
    if (previous === kOperations.NOP && operation !== previous) {
      if (equalLines === linesToCollapse + 1) {
        message += `  ${diff[i + 1][1]}\n`;
      } else if (equalLines === linesToCollapse + 2) {
        message += `  ${diff[i + 2][1]}\n  ${diff[i + 1][1]}\n`;
      } else if (equalLines >= linesToCollapse + 3) {
        message += `...\n  ${diff[i + 1][1]}\n`;
        skipped = true;
      }
      equalLines = 0;
    }
    if (operation === kOperations.INSERT) {
      message += `+ ${value}\n`;
    } else if (operation === kOperations.DELETE) {
      message += `- ${value}\n`;
    } else {
      if (equalLines < linesToCollapse) {
        message += `  ${value}\n`;
      }
      equalLines++;
    }
  }
  return { message: `\n${StringPrototypeTrimEnd(message)}`, skipped };
}

function diffMessage(actual, expected, givenOperator, customMessage, style) {
  let operator = givenOperator;
  if (operator === 'strictEqual' && typeof actual === typeof expected && isCompound(actual) && isCompound(expected)) {
    operator = 'strictEqualObject';
  }
  const inspectedActual = inspectValue(actual);
  const inspectedExpected = inspectValue(expected);
  const actualLines = StringPrototypeSplit(inspectedActual, '\n');
  const expectedLines = StringPrototypeSplit(inspectedExpected, '\n');
  let skipped = false;
  let message;
  let header = '+ actual - expected';
  if (actualLines.length === 1 && expectedLines.length === 1 && (typeof actual !== 'object' || actual === null)) {
    const simple = simpleDiff(actual, actualLines[0], expected, expectedLines[0]);
    ({ message } = simple);
    header = simple.header ?? header;
  } else if (inspectedActual === inspectedExpected) {
    operator = 'notIdentical';
    if (actualLines.length > 50 && style !== 'full') {
      message = `${ArrayPrototypeJoin(ArrayPrototypeSlice(actualLines, 0, 50), '\n')}\n...}`;
      skipped = true;
    } else {
      message = ArrayPrototypeJoin(actualLines, '\n');
    }
    header = '';
  } else {
    const commas = actual != null && typeof actual === 'object';
    ({ message, skipped } = printDiff(myersDiff(actualLines, expectedLines, commas)));
  }
  const title = customMessage || readable[operator];
  return `${title}\n${header}${skipped ? '\n... Skipped lines' : ''}\n${message}\n`;
}

function unequalMessage(actual, operator) {
  const lines = StringPrototypeSplit(inspectValue(actual), '\n');
  const title = operator === 'notStrictEqual' && isCompound(actual) ? readable.notStrictEqualObject : readable[operator];
  if (lines.length > 50) {
    lines.length = 47;
    lines[46] = '...';
  }
  if (lines.length === 1) {
    return `${title}${lines[0].length > 5 ? '\n\n' : ' '}${lines[0]}`;
  }
  return `${title}\n\n${ArrayPrototypeJoin(lines, '\n')}\n`;
}

function cut(text, length) {
  return text.length > length ? `${StringPrototypeSlice(text, 0, length - 3)}...` : text;
}

function operatorMessage(actual, expected, operator) {
  let first = inspectValue(actual);
  let second = inspectValue(expected);
  const title = readable[operator];
  if (operator === 'notDeepEqual' && first === second) {
    return cut(`${title}\n\n${first}`, 1024);
  }
  first = cut(first, 512);
  second = cut(second, 512);
  if (operator === 'deepEqual') {
    return `${title}\n\n${first}\n\nshould loosely deep-equal\n\n${second}`;
  }
  const unequal = readable[`${operator}Unequal`];
  if (unequal) {
    return `${unequal}\n\n${first}\n\nshould not loosely deep-equal\n\n${second}`;
  }
  return `${first} ${operator} ${second}`;
}

function makeMessage({ message, operator, actual, expected, diff }) {
  if (message != null) {
    return ArrayPrototypeIncludes(diffOperators, operator)
      ? diffMessage(actual, expected, operator, message, diff) : String(message);
  }
  if (ArrayPrototypeIncludes(diffOperators, operator)) {
    return diffMessage(actual, expected, operator, undefined, diff);
  }
  if (operator === 'notDeepStrictEqual' || operator === 'notStrictEqual') {
    return unequalMessage(actual, operator);
  }
  return operatorMessage(actual, expected, operator);
}

function shortened(value) {
  if (typeof value !== 'string') {
    return value;
  }
  const lines = StringPrototypeSplit(value, '\n', 11);
  if (lines.length > 10) {
    lines.length = 10;
    return `${ArrayPrototypeJoin(lines, '\n')}\n...`;
  }
  return value.length > 512 ? `${StringPrototypeSlice(value, 0, 512)}...` : value;
}

class AssertionError extends Error {
  constructor(options) {
    validateObject(options, 'options');
    const { message, operator, stackStartFn, details, stackStartFunction, diff = 'simple' } = options;
    let { actual, expected } = options;
    const writable = isErrorStackTraceLimitWritable();
    const limit = Error.stackTraceLimit;
    if (writable) {
      Error.stackTraceLimit = 0;
    }
    if (isError(actual)) {
      actual = copyError(actual);
    }
    if (isError(expected)) {
      expected = copyError(expected);
    }
    super(makeMessage({ message, operator, actual, expected, diff }));
    if (writable) {
      Error.stackTraceLimit = limit;
    }
    this.generatedMessage = !message;
    ObjectDefineProperty(this, 'name', {
      __proto__: null, value: 'AssertionError [ERR_ASSERTION]', enumerable: false, writable: true, configurable: true,
    });
    this.code = 'ERR_ASSERTION';
    if (details) {
      this.actual = undefined;
      this.expected = undefined;
      this.operator = undefined;
      for (let i = 0; i < details.length; i++) {
        this[`message ${i}`] = details[i].message;
        this[`actual ${i}`] = details[i].actual;
        this[`expected ${i}`] = details[i].expected;
        this[`operator ${i}`] = details[i].operator;
        this[`stack trace ${i}`] = details[i].stack;
      }
    } else {
      this.actual = options.actual;
      this.expected = options.expected;
      this.operator = operator;
    }
    ErrorCaptureStackTrace(this, stackStartFn || stackStartFunction);
    // The header is written when the stack is first read: with the code in the name.
    void this.stack;
    this.name = 'AssertionError';
    this.diff = diff;
  }

  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }

  [SymbolFor('nodejs.util.inspect.custom')](depth, context) {
    // Long values are in the message already.
    const { actual, expected } = this;
    this.actual = shortened(actual);
    this.expected = shortened(expected);
    const result = inspect(this, { ...context, customInspect: false, depth: 0 });
    this.actual = actual;
    this.expected = expected;
    return result;
  }
}

module.exports = { AssertionError, copyError };
