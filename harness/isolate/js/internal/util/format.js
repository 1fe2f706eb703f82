// Gives `util.format`: the printf-like text of the console's functions.
'use strict';

const {
  JSONStringify, Number, NumberParseFloat, NumberParseInt, ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf, ObjectPrototypeHasOwnProperty, String, StringPrototypeCharCodeAt,
  StringPrototypeIncludes, StringPrototypeSlice, StringPrototypeSplit, SymbolToPrimitive,
} = primordials;
const { inspect, inspectDefaultOptions } = require('internal/util/inspect');
const { builtInObjects } = require('internal/util/inspect_names');
const { formatBigInt, formatNumber, stylizeNoColor } = require('internal/util/inspect_text');
const { validateObject } = require('internal/validators');

const firstLineOf = (text) => StringPrototypeSplit(text, '\n', 1)[0];
let circularMessage;

function tryStringify(value) {
  try {
    return JSONStringify(value);
  } catch (error) {
    // The engine's own text for a circular structure is found by making one.
    if (circularMessage === undefined) {
      try {
        const circular = {};
        circular.a = circular;
        JSONStringify(circular);
      } catch (circularError) {
        circularMessage = firstLineOf(circularError.message);
      }
    }
    if (error.name === 'TypeError' && firstLineOf(error.message) === circularMessage) {
      return '[Circular]';
    }
    throw error;
  }
}

// Whether `String(value)` would be one of the language's own texts, such as `[object Object]`, which says less than an inspection.
function hasBuiltInToString(input) {
  let value = input;
  let proxy = native.util.getProxyDetails(value);
  while (proxy !== undefined) {
    if (proxy[0] === null) {
      return true;
    }
    value = proxy[0];
    proxy = native.util.getProxyDetails(value);
  }
  if (typeof value[SymbolToPrimitive] === 'function' && !require('internal/util/types').isDate(value)) {
    return false;
  }
  if (typeof value.toString !== 'function') {
    return true;
  }
  if (ObjectPrototypeHasOwnProperty(value, 'toString')) {
    return false;
  }
  // The class that gives `toString` decides.
  let owner = value;
  do {
    owner = ObjectGetPrototypeOf(owner);
  } while (!ObjectPrototypeHasOwnProperty(owner, 'toString'));
  const descriptor = ObjectGetOwnPropertyDescriptor(owner, 'constructor');
  return descriptor !== undefined && typeof descriptor.value === 'function' &&
    builtInObjects.has(descriptor.value.name);
}

function asString(value, inspectOptions) {
  if (typeof value === 'number') {
    return formatNumber(stylizeNoColor, value, false);
  }
  if (typeof value === 'bigint') {
    return formatBigInt(stylizeNoColor, value, false);
  }
  if (typeof value !== 'object' || value === null || !hasBuiltInToString(value)) {
    return String(value);
  }
  return inspect(value, { ...inspectOptions, depth: 0, colors: false, compact: 3 });
}

function asNumber(value) {
  if (typeof value === 'bigint') {
    return formatBigInt(stylizeNoColor, value, false);
  }
  return formatNumber(stylizeNoColor, typeof value === 'symbol' ? NaN : Number(value), false);
}

function directive(letter, value, inspectOptions) {
  switch (letter) {
    case 's': return asString(value, inspectOptions);
    case 'j': return tryStringify(value);
    case 'd': return asNumber(value);
    case 'O': return inspect(value, inspectOptions);
    case 'o': return inspect(value, { ...inspectOptions, showHidden: true, showProxy: true, depth: 4 });
    case 'i':
      if (typeof value === 'bigint') {
        return formatBigInt(stylizeNoColor, value, false);
      }
      return formatNumber(stylizeNoColor, typeof value === 'symbol' ? NaN : NumberParseInt(value), false);
    case 'f':
      return formatNumber(stylizeNoColor, typeof value === 'symbol' ? NaN : NumberParseFloat(value), false);
    // CSS has no meaning in text.
    case 'c': return '';
    default: return undefined;
  }
}

// Whether an inspection could only give the value's own text: an integer, a boolean or nothing, without colours or separators.
function isPlain(value, inspectOptions) {
  if (inspectOptions?.colors || inspectOptions?.numericSeparator || inspectDefaultOptions.colors ||
      inspectDefaultOptions.numericSeparator) {
    return false;
  }
  return typeof value === 'number' ? value !== 0 : typeof value === 'boolean' || value === undefined || value === null;
}

function formatArguments(inspectOptions, args) {
  const first = args[0];
  let used = 0;
  let text = '';
  let join = '';
  if (typeof first === 'string') {
    if (args.length === 1) {
      return first;
    }
    let last = 0;
    for (let i = 0; i < first.length - 1; i++) {
      if (StringPrototypeCharCodeAt(first, i) !== 37) {
        continue;
      }
      const letter = first[++i];
      if (letter === '%') {
        text += StringPrototypeSlice(first, last, i);
        last = i + 1;
      } else if (used + 1 !== args.length) {
        const written = StringPrototypeIncludes('sjdOoifc', letter)
          ? directive(letter, args[used + 1], inspectOptions) ?? 'undefined' : undefined;
        if (written !== undefined) {
          used++;
          text += (last !== i - 1 ? StringPrototypeSlice(first, last, i - 1) : '') + written;
          last = i + 1;
        }
      }
    }
    if (last !== 0 || used !== 0) {
      used++;
      join = ' ';
      if (last < first.length) {
        text += StringPrototypeSlice(first, last);
      }
    }
  }
  for (; used < args.length; used++) {
    const value = args[used];
    text += join;
    text += typeof value === 'string' ? value : isPlain(value, inspectOptions) ? `${value}` : inspect(value, { compact: 3, colors: false, depth: 2, ...inspectOptions });
    join = ' ';
  }
  return text;
}

exports.formatArguments = formatArguments;

exports.format = function format(...args) {
  return formatArguments(undefined, args);
};

exports.formatWithOptions = function formatWithOptions(inspectOptions, ...args) {
  validateObject(inspectOptions, 'inspectOptions', 7);
  return formatArguments(inspectOptions, args);
};
