// Gives `util.inspect`: walks a value and writes it as Node does, never running more of the guest's code than Node would.
'use strict';

const {
  ArrayIsArray, ArrayPrototypeFilter, ArrayPrototypeIncludes, ArrayPrototypeJoin, ArrayPrototypePop,
  ArrayPrototypePush, ArrayPrototypePushApply, ArrayPrototypeSlice, ArrayPrototypeSort,
  DatePrototypeGetTime, DatePrototypeToISOString, DatePrototypeToString, FunctionPrototypeCall,
  Iterator, MapPrototypeGetSize, NumberIsNaN, Object, ObjectAssign, ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor, ObjectGetOwnPropertyNames, ObjectGetOwnPropertySymbols,
  ObjectKeys, ObjectPrototypeHasOwnProperty, ObjectPrototypePropertyIsEnumerable, ObjectSeal,
  ObjectSetPrototypeOf, Proxy, ReflectApply, RegExp, RegExpPrototypeToString, SafeArrayIterator,
  SafeMap, SetPrototypeGetSize, StringPrototypeSlice, StringPrototypeSplit, SymbolFor,
  SymbolIterator, SymbolToStringTag, TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
} = primordials;
const entries = require('internal/util/inspect_entries');
const { formatError, identicalSequenceRange, isError } = require('internal/util/inspect_error');
const { kArrayExtrasType, kObjectType, reduceToSingleString } = require('internal/util/inspect_layout');
const names = require('internal/util/inspect_names');
const {
  formatPrimitive, getStringWidth, propertyName, spaces, stripVTControlCharacters, stylizeNoColor,
} = require('internal/util/inspect_text');
const types = require('internal/util/types');

const { getConstructorName, getPrefix } = names;
const custom = SymbolFor('nodejs.util.inspect.custom');
const budgetPerLevel = 2 ** 27;

const inspectDefaultOptions = ObjectSeal({
  showHidden: false,
  depth: 2,
  colors: false,
  customInspect: true,
  showProxy: false,
  maxArrayLength: 100,
  maxStringLength: 10000,
  breakLength: 80,
  compact: 3,
  sorted: false,
  getters: false,
  numericSeparator: false,
});

function stylizeWithColor(text, styleType) {
  const style = inspect.styles[styleType];
  if (style !== undefined) {
    const color = inspect.colors[style];
    if (color !== undefined) {
      return `\u001b[${color[0]}m${text}\u001b[${color[1]}m`;
    }
  }
  return text;
}

function inspect(value, opts) {
  const ctx = {
    budget: {},
    indentationLvl: 0,
    seen: [],
    currentDepth: 0,
    stylize: stylizeNoColor,
    showHidden: inspectDefaultOptions.showHidden,
    depth: inspectDefaultOptions.depth,
    colors: inspectDefaultOptions.colors,
    customInspect: inspectDefaultOptions.customInspect,
    showProxy: inspectDefaultOptions.showProxy,
    maxArrayLength: inspectDefaultOptions.maxArrayLength,
    maxStringLength: inspectDefaultOptions.maxStringLength,
    breakLength: inspectDefaultOptions.breakLength,
    compact: inspectDefaultOptions.compact,
    sorted: inspectDefaultOptions.sorted,
    getters: inspectDefaultOptions.getters,
    numericSeparator: inspectDefaultOptions.numericSeparator,
  };
  if (arguments.length > 1) {
    // The old signature: (value, showHidden, depth, colors).
    if (arguments.length > 2) {
      if (arguments[2] !== undefined) {
        ctx.depth = arguments[2];
      }
      if (arguments.length > 3 && arguments[3] !== undefined) {
        ctx.colors = arguments[3];
      }
    }
    if (typeof opts === 'boolean') {
      ctx.showHidden = opts;
    } else if (opts) {
      for (const key of new SafeArrayIterator(ObjectKeys(opts))) {
        if (ObjectPrototypeHasOwnProperty(inspectDefaultOptions, key) || key === 'stylize') {
          ctx[key] = opts[key];
        } else if (ctx.userOptions === undefined) {
          // Whatever else is given reaches the custom inspection functions.
          ctx.userOptions = opts;
        }
      }
    }
  }
  if (ctx.colors) {
    ctx.stylize = stylizeWithColor;
  }
  if (ctx.maxArrayLength === null) {
    ctx.maxArrayLength = Infinity;
  }
  if (ctx.maxStringLength === null) {
    ctx.maxStringLength = Infinity;
  }
  return formatValue(ctx, value, 0);
}

ObjectDefineProperty(inspect, 'custom', {
  __proto__: null, value: custom, writable: true, enumerable: true, configurable: true,
});
ObjectDefineProperty(inspect, 'defaultOptions', {
  __proto__: null,
  get() {
    return inspectDefaultOptions;
  },
  set(options) {
    require('internal/validators').validateObject(options, 'options');
    ObjectAssign(inspectDefaultOptions, options);
  },
  enumerable: true,
  configurable: true,
});

inspect.colors = {
  __proto__: null,
  reset: [0, 0],
  bold: [1, 22],
  dim: [2, 22],
  italic: [3, 23],
  underline: [4, 24],
  blink: [5, 25],
  inverse: [7, 27],
  hidden: [8, 28],
  strikethrough: [9, 29],
  doubleunderline: [21, 24],
  black: [30, 39],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  white: [37, 39],
  bgBlack: [40, 49],
  bgRed: [41, 49],
  bgGreen: [42, 49],
  bgYellow: [43, 49],
  bgBlue: [44, 49],
  bgMagenta: [45, 49],
  bgCyan: [46, 49],
  bgWhite: [47, 49],
  framed: [51, 54],
  overlined: [53, 55],
  gray: [90, 39],
  redBright: [91, 39],
  greenBright: [92, 39],
  yellowBright: [93, 39],
  blueBright: [94, 39],
  magentaBright: [95, 39],
  cyanBright: [96, 39],
  whiteBright: [97, 39],
  bgGray: [100, 49],
  bgRedBright: [101, 49],
  bgGreenBright: [102, 49],
  bgYellowBright: [103, 49],
  bgBlueBright: [104, 49],
  bgMagentaBright: [105, 49],
  bgCyanBright: [106, 49],
  bgWhiteBright: [107, 49],
};

for (const pair of new SafeArrayIterator([
  ['gray', 'grey'], ['gray', 'blackBright'], ['bgGray', 'bgGrey'], ['bgGray', 'bgBlackBright'],
  ['dim', 'faint'], ['strikethrough', 'crossedout'], ['strikethrough', 'strikeThrough'],
  ['strikethrough', 'crossedOut'], ['hidden', 'conceal'], ['inverse', 'swapColors'], ['inverse', 'swapcolors'],
  ['doubleunderline', 'doubleUnderline'],
])) {
  const target = pair[0];
  ObjectDefineProperty(inspect.colors, pair[1], {
    __proto__: null,
    get() {
      return this[target];
    },
    set(value) {
      this[target] = value;
    },
    configurable: true,
    enumerable: false,
  });
}

inspect.styles = {
  __proto__: null,
  special: 'cyan',
  number: 'yellow',
  bigint: 'yellow',
  boolean: 'yellow',
  undefined: 'grey',
  null: 'bold',
  string: 'green',
  symbol: 'green',
  date: 'magenta',
  regexp: 'red',
  module: 'underline',
};

// What a custom inspection function is given. An object of another realm gets no object of ours to climb up from.
function getUserOptions(ctx, isCrossContext) {
  const options = {
    stylize: ctx.stylize,
    showHidden: ctx.showHidden,
    depth: ctx.depth,
    colors: ctx.colors,
    customInspect: ctx.customInspect,
    showProxy: ctx.showProxy,
    maxArrayLength: ctx.maxArrayLength,
    maxStringLength: ctx.maxStringLength,
    breakLength: ctx.breakLength,
    compact: ctx.compact,
    sorted: ctx.sorted,
    getters: ctx.getters,
    numericSeparator: ctx.numericSeparator,
    ...ctx.userOptions,
  };
  if (isCrossContext) {
    ObjectSetPrototypeOf(options, null);
    for (const key of new SafeArrayIterator(ObjectKeys(options))) {
      if ((typeof options[key] === 'object' || typeof options[key] === 'function') && options[key] !== null) {
        delete options[key];
      }
    }
    options.stylize = ObjectSetPrototypeOf((value, flavour) => {
      let text;
      try {
        text = `${ctx.stylize(value, flavour)}`;
      } catch {
        // The value's own `toString` threw; the text stays as it is.
      }
      return typeof text === 'string' ? text : value;
    }, null);
  }
  return options;
}

function customInspection(ctx, value, context, proxy, recurseTimes) {
  const maybeCustom = value[custom];
  if (typeof maybeCustom !== 'function' || maybeCustom === inspect) {
    return undefined;
  }
  const descriptor = ObjectGetOwnPropertyDescriptor(value, 'constructor');
  // A prototype inherits its class's function but is no instance.
  if (descriptor !== undefined && descriptor.value != null && descriptor.value.prototype === value) {
    return undefined;
  }
  const depth = ctx.depth === null ? null : ctx.depth - recurseTimes;
  const isCrossContext = proxy !== undefined || !(context instanceof Object);
  const result = FunctionPrototypeCall(
    maybeCustom, context, depth, getUserOptions(ctx, isCrossContext), inspect);
  if (result === context) {
    return undefined;
  }
  const text = typeof result === 'string' ? result : formatValue(ctx, result, recurseTimes);
  return ArrayPrototypeJoin(StringPrototypeSplit(text, '\n'), `\n${spaces(ctx.indentationLvl)}`);
}

function formatValue(ctx, input, recurseTimes, typedArray) {
  let value = input;
  if (typeof value !== 'object' && typeof value !== 'function') {
    return formatPrimitive(ctx.stylize, value, ctx);
  }
  if (value === null) {
    return ctx.stylize('null', 'null');
  }
  const context = value;
  let proxy = native.util.getProxyDetails(value);
  if (proxy !== undefined) {
    if (ctx.showProxy) {
      return proxy[0] === null ? ctx.stylize('<Revoked Proxy>', 'special')
        : entries.formatProxy(ctx, proxy, recurseTimes);
    }
    // The innermost target is shown, so that no trap runs.
    for (let inner = proxy; inner !== undefined; inner = native.util.getProxyDetails(value)) {
      if (inner[0] === null) {
        return ctx.stylize('<Revoked Proxy>', 'special');
      }
      value = inner[0];
    }
    proxy = value;
  }
  if (ctx.customInspect) {
    const text = customInspection(ctx, value, context, proxy, recurseTimes);
    if (text !== undefined) {
      return text;
    }
  }
  if (ArrayPrototypeIncludes(ctx.seen, value)) {
    let index = 1;
    if (ctx.circular === undefined) {
      ctx.circular = new SafeMap();
      ctx.circular.set(value, index);
    } else {
      index = ctx.circular.get(value);
      if (index === undefined) {
        index = ctx.circular.size + 1;
        ctx.circular.set(value, index);
      }
    }
    return ctx.stylize(`[Circular *${index}]`, 'special');
  }
  return formatRaw(ctx, value, recurseTimes, typedArray);
}

function getKeys(value, showHidden) {
  let keys;
  const symbols = ObjectGetOwnPropertySymbols(value);
  if (showHidden) {
    keys = ObjectGetOwnPropertyNames(value);
    if (symbols.length !== 0) {
      ArrayPrototypePushApply(keys, symbols);
    }
    return keys;
  }
  try {
    keys = ObjectKeys(value);
  } catch (error) {
    // The exports of a module that has not run yet cannot be read.
    if (!types.isModuleNamespaceObject(value) || !types.isNativeError(error)) {
      throw error;
    }
    keys = ObjectGetOwnPropertyNames(value);
  }
  if (symbols.length !== 0) {
    ArrayPrototypePushApply(keys,
      ArrayPrototypeFilter(symbols, (key) => ObjectPrototypePropertyIsEnumerable(value, key)));
  }
  return keys;
}

function formatRaw(ctx, value, recurseTimes, typedArray) {
  let protoProps;
  if (ctx.showHidden && (recurseTimes <= ctx.depth || ctx.depth === null)) {
    protoProps = [];
  }
  const constructor = getConstructorName(value, ctx, recurseTimes, protoProps);
  if (protoProps !== undefined && protoProps.length === 0) {
    protoProps = undefined;
  }
  let tag = value[SymbolToStringTag];
  // An own tag is listed as a property already.
  if (typeof tag !== 'string' || (tag !== '' &&
      (ctx.showHidden ? ObjectPrototypeHasOwnProperty : ObjectPrototypePropertyIsEnumerable)(value, SymbolToStringTag))) {
    tag = '';
  }
  const shape = shapeOf(ctx, { value, constructor, tag, recurseTimes, typedArray, protoProps });
  if (typeof shape === 'string') {
    return shape;
  }
  if (recurseTimes > ctx.depth && ctx.depth !== null) {
    return ctx.stylize(constructor === null ? nullPrototypeName(value, tag)
      : `[${StringPrototypeSlice(getPrefix(constructor, tag, 'Object'), 0, -1)}]`, 'special');
  }
  return formatShape(ctx, value, recurseTimes + 1, shape, { constructor, tag, protoProps });
}

function nullPrototypeName(value, tag) {
  return StringPrototypeSlice(getPrefix(null, tag, native.util.getConstructorName(value)), 0, -1);
}

function formatShape(ctx, value, recurseTimes, shape, { constructor, tag, protoProps }) {
  const { keys, braces, extrasType, formatter } = shape;
  let { base } = shape;
  ArrayPrototypePush(ctx.seen, value);
  ctx.currentDepth = recurseTimes;
  let output;
  const indentation = ctx.indentationLvl;
  try {
    output = formatter(ctx, value, recurseTimes);
    for (let i = 0; i < keys.length; i++) {
      ArrayPrototypePush(output, formatProperty(ctx, value, recurseTimes, keys[i], extrasType));
    }
    if (protoProps !== undefined) {
      ArrayPrototypePushApply(output, protoProps);
    }
  } catch (error) {
    if (!require('internal/errors').isStackOverflowError(error)) {
      throw error;
    }
    ctx.seen = [];
    ctx.indentationLvl = indentation;
    const name = StringPrototypeSlice(getPrefix(constructor, tag, 'Object'), 0, -1);
    return ctx.stylize(
      `[${name}: Inspection interrupted prematurely. Maximum call stack size exceeded.]`, 'special');
  }
  if (ctx.circular !== undefined) {
    const index = ctx.circular.get(value);
    if (index !== undefined) {
      const reference = ctx.stylize(`<ref *${index}>`, 'special');
      if (ctx.compact !== true) {
        base = base === '' ? reference : `${reference} ${base}`;
      } else {
        braces[0] = `${reference} ${braces[0]}`;
      }
    }
  }
  ArrayPrototypePop(ctx.seen);
  if (ctx.sorted) {
    sortOutput(ctx, output, keys, extrasType);
  }
  const result = reduceToSingleString(ctx, output, base, braces, extrasType, recurseTimes, value);
  const spent = (ctx.budget[ctx.indentationLvl] || 0) + result.length;
  ctx.budget[ctx.indentationLvl] = spent;
  // An object that shares much of itself could otherwise grow without bound.
  if (spent > budgetPerLevel) {
    ctx.depth = -1;
  }
  return result;
}

function sortOutput(ctx, output, keys, extrasType) {
  const comparator = ctx.sorted === true ? undefined : ctx.sorted;
  if (extrasType === kObjectType) {
    ArrayPrototypeSort(output, comparator);
  } else if (keys.length > 1) {
    const sorted = ArrayPrototypeSort(ArrayPrototypeSlice(output, output.length - keys.length), comparator);
    const start = output.length - keys.length;
    for (let i = 0; i < sorted.length; i++) {
      output[start + i] = sorted[i];
    }
  }
}

function noEntries() {
  return [];
}

function isEmpty(keys, protoProps) {
  return keys.length === 0 && protoProps === undefined;
}

// How a value is written: its braces, its keys and the function for its entries; or at once the whole text if nothing is in it.
function shapeOf(ctx, object) {
  const { value, constructor } = object;
  let shape;
  if (constructor === null || SymbolIterator in value) {
    shape = iterableShape(ctx, object);
  }
  return shape ?? plainShape(ctx, object);
}

function shape(keys, braces, formatter, base = '', extrasType = kObjectType) {
  return { keys, braces, formatter, base, extrasType };
}

function iterableShape(ctx, { value, constructor, tag, protoProps }) {
  const filter = !ctx.showHidden;
  if (ArrayIsArray(value)) {
    const prefix = constructor !== 'Array' || tag !== ''
      ? getPrefix(constructor, tag, 'Array', `(${value.length})`) : '';
    const keys = native.util.getOwnNonIndexProperties(value, filter);
    if (value.length === 0 && isEmpty(keys, protoProps)) {
      return `${prefix}[]`;
    }
    return shape(keys, [`${prefix}[`, ']'], entries.formatArray, '', kArrayExtrasType);
  }
  if (types.isSet(value)) {
    const size = SetPrototypeGetSize(value);
    const prefix = getPrefix(constructor, tag, 'Set', `(${size})`);
    const keys = getKeys(value, ctx.showHidden);
    if (size === 0 && isEmpty(keys, protoProps)) {
      return `${prefix}{}`;
    }
    return shape(keys, [`${prefix}{`, '}'], (...args) => entries.formatSet(value, args[0], constructor === null, args[2]));
  }
  if (types.isMap(value)) {
    const size = MapPrototypeGetSize(value);
    const prefix = getPrefix(constructor, tag, 'Map', `(${size})`);
    const keys = getKeys(value, ctx.showHidden);
    if (size === 0 && isEmpty(keys, protoProps)) {
      return `${prefix}{}`;
    }
    return shape(keys, [`${prefix}{`, '}'], (...args) => entries.formatMap(value, args[0], constructor === null, args[2]));
  }
  if (types.isTypedArray(value)) {
    const keys = native.util.getOwnNonIndexProperties(value, filter);
    const fallback = constructor === null ? TypedArrayPrototypeGetSymbolToStringTag(value) : '';
    const size = TypedArrayPrototypeGetLength(value);
    const prefix = getPrefix(constructor, tag, fallback, `(${size})`);
    if (size === 0 && keys.length === 0 && !ctx.showHidden) {
      return `${prefix}[]`;
    }
    return shape(keys, [`${prefix}[`, ']'],
      (...args) => entries.formatTypedArray(value, size, args[0], null, args[2]), '', kArrayExtrasType);
  }
  if (types.isMapIterator(value) || types.isSetIterator(value)) {
    const braces = iteratorBraces(types.isMapIterator(value) ? 'Map' : 'Set', tag);
    return shape(getKeys(value, ctx.showHidden), braces,
      (...args) => entries.formatIterator(braces, args[0], args[1], args[2]));
  }
  return undefined;
}

function iteratorBraces(type, tag) {
  let text = tag;
  if (text !== `${type} Iterator`) {
    text += `${text === '' ? '' : '] ['}${type} Iterator`;
  }
  return [`[${text}] {`, '}'];
}

function plainShape(ctx, object) {
  const { value, constructor, tag, protoProps } = object;
  const keys = getKeys(value, ctx.showHidden);
  if (constructor === 'Object' && !types.isNativeError(value)) {
    let brace = '{';
    if (types.isArgumentsObject(value)) {
      brace = '[Arguments] {';
    } else if (tag !== '') {
      brace = `${getPrefix(constructor, tag, 'Object')}{`;
    }
    if (isEmpty(keys, protoProps)) {
      return `${brace}}`;
    }
    return shape(keys, [brace, '}'], noEntries);
  }
  if (typeof value === 'function') {
    const base = names.getFunctionBase(value, constructor, tag);
    if (isEmpty(keys, protoProps)) {
      return ctx.stylize(base, 'special');
    }
    return shape(keys, ['{', '}'], noEntries, base);
  }
  return textShape(ctx, object, keys) ?? slotShape(ctx, object, keys) ?? otherShape(ctx, object, keys);
}

// Values that read as text: dates, regular expressions, errors, boxed primitives.
function textShape(ctx, { value, constructor, tag, recurseTimes, protoProps }, keys) {
  if (types.isRegExp(value)) {
    let base = RegExpPrototypeToString(constructor !== null ? value : new RegExp(value));
    const prefix = getPrefix(constructor, tag, 'RegExp');
    if (prefix !== 'RegExp ') {
      base = `${prefix}${base}`;
    }
    if (isEmpty(keys, protoProps) || (recurseTimes > ctx.depth && ctx.depth !== null)) {
      return ctx.stylize(base, 'regexp');
    }
    return shape(keys, ['{', '}'], noEntries, base);
  }
  if (types.isDate(value)) {
    let base = NumberIsNaN(DatePrototypeGetTime(value)) ? DatePrototypeToString(value)
      : DatePrototypeToISOString(value);
    const prefix = getPrefix(constructor, tag, 'Date');
    if (prefix !== 'Date ') {
      base = `${prefix}${base}`;
    }
    if (isEmpty(keys, protoProps)) {
      return ctx.stylize(base, 'date');
    }
    return shape(keys, ['{', '}'], noEntries, base);
  }
  if (isError(value)) {
    const base = formatError(value, constructor, tag, ctx, keys, {
      prefixOf: getPrefix, inspect: (context, item) => formatValue(context, item, recurseTimes),
    });
    return isEmpty(keys, protoProps) ? base : shape(keys, ['{', '}'], noEntries, base);
  }
  if (types.isBoxedPrimitive(value)) {
    const base = names.getBoxedBase(value, ctx, keys, constructor, tag);
    return isEmpty(keys, protoProps) ? base : shape(keys, ['{', '}'], noEntries, base);
  }
  return undefined;
}

// Values whose content sits in internal slots.
function slotShape(ctx, { value, constructor, tag, typedArray }, keys) {
  const braces = (fallback) => [`${getPrefix(constructor, tag, fallback)}{`, '}'];
  if (types.isAnyArrayBuffer(value)) {
    const type = types.isArrayBuffer(value) ? 'ArrayBuffer' : 'SharedArrayBuffer';
    const prefix = getPrefix(constructor, tag, type);
    return shape(keys, [`${prefix}{`, '}'],
      typedArray === undefined ? entries.formatArrayBuffer : entries.formatBareArrayBuffer);
  }
  if (types.isDataView(value)) {
    return shape(keys, braces('DataView'), entries.formatDataView);
  }
  if (types.isPromise(value)) {
    return shape(keys, braces('Promise'), entries.formatPromise);
  }
  if (types.isWeakSet(value)) {
    return shape(keys, braces('WeakSet'), ctx.showHidden ? entries.formatWeakSet : entries.formatWeakCollection);
  }
  if (types.isWeakMap(value)) {
    return shape(keys, braces('WeakMap'), ctx.showHidden ? entries.formatWeakMap : entries.formatWeakCollection);
  }
  if (types.isModuleNamespaceObject(value)) {
    return shape(keys, braces('Module'), (...args) => entries.formatNamespace(keys, args[0], args[1], args[2]));
  }
  return undefined;
}

function otherShape(ctx, { value, constructor, tag, recurseTimes, protoProps }, keys) {
  // Reached without its own inspection function, a URL is its text.
  if (require('internal/url').isURL(value) && !(recurseTimes > ctx.depth && ctx.depth !== null)) {
    return isEmpty(keys, protoProps) ? value.href : shape(keys, ['{', '}'], noEntries, value.href);
  }
  const prefix = getPrefix(constructor, tag, 'Object');
  if (isEmpty(keys, protoProps)) {
    if (types.isExternal(value)) {
      return ctx.stylize('[External]', 'special');
    }
    return `${prefix}{}`;
  }
  return shape(keys, [`${prefix}{`, '}'], noEntries);
}

function formatGetter(ctx, descriptor, original, recurseTimes) {
  const label = descriptor.set !== undefined ? 'Getter/Setter' : 'Getter';
  const { stylize } = ctx;
  const run = ctx.getters === true || (ctx.getters === 'get' && descriptor.set === undefined) ||
    (ctx.getters === 'set' && descriptor.set !== undefined);
  if (!run) {
    return stylize(`[${label}]`, 'special');
  }
  try {
    const value = FunctionPrototypeCall(descriptor.get, original);
    ctx.indentationLvl += 2;
    let text;
    if (value === null) {
      text = `${stylize(`[${label}:`, 'special')} ${stylize('null', 'null')}${stylize(']', 'special')}`;
    } else if (typeof value === 'object') {
      text = `${stylize(`[${label}]`, 'special')} ${formatValue(ctx, value, recurseTimes)}`;
    } else {
      const primitive = typeof value === 'function' ? formatValue(ctx, value, recurseTimes)
        : formatPrimitive(stylize, value, ctx);
      text = `${stylize(`[${label}:`, 'special')} ${primitive}${stylize(']', 'special')}`;
    }
    ctx.indentationLvl -= 2;
    return text;
  } catch (error) {
    const message = `<Inspection threw (${formatValue(ctx, error, recurseTimes)})>`;
    return `${stylize(`[${label}:`, 'special')} ${message}${stylize(']', 'special')}`;
  }
}

function formatProperty(ctx, value, recurseTimes, key, type, known, original = value) {
  const descriptor = known || ObjectGetOwnPropertyDescriptor(value, key) ||
    { value: value[key], configurable: true, enumerable: true };
  let gap = ' ';
  let text;
  if (descriptor.value !== undefined) {
    const indent = ctx.compact !== true || type !== kObjectType ? 2 : 3;
    ctx.indentationLvl += indent;
    text = formatValue(ctx, descriptor.value, recurseTimes);
    if (indent === 3 && ctx.breakLength < getStringWidth(text, ctx.colors)) {
      gap = `\n${spaces(ctx.indentationLvl)}`;
    }
    ctx.indentationLvl -= indent;
  } else if (descriptor.get !== undefined) {
    text = formatGetter(ctx, descriptor, original, recurseTimes);
  } else if (descriptor.set !== undefined) {
    text = ctx.stylize('[Setter]', 'special');
  } else {
    text = ctx.stylize('undefined', 'undefined');
  }
  if (type === kArrayExtrasType && typeof key === 'number') {
    return text;
  }
  return `${propertyName(key, descriptor.enumerable !== false, ctx.stylize)}:${gap}${text}`;
}

const functions = { formatProperty, formatValue, inspect };
entries.connect({
  formatProperty(ctx, value, recurseTimes, key, type) {
    return formatProperty(ctx, value, recurseTimes, type === kArrayExtrasType ? +key : key, type);
  },
  formatValue,
});
names.connect(functions);

module.exports = {
  formatProperty, formatValue, getStringWidth, identicalSequenceRange, inspect, inspectDefaultOptions,
  stripVTControlCharacters,
};
for (const name of new SafeArrayIterator(['format', 'formatWithOptions'])) {
  const lazily = { [name](...args) {
    return ReflectApply(require('internal/util/format')[name], undefined, args);
  } };
  module.exports[name] = lazily[name];
}
