// Writes the entries that a builtin object holds in internal slots: elements, map entries, promise results, bytes.
'use strict';

const {
  Array, ArrayPrototypeMap, ArrayPrototypePush, ArrayPrototypeSort, Iterator,
  MapIteratorPrototypeNext, MapPrototypeEntries, MapPrototypeGetSize, MathMax, MathMin, ObjectKeys,
  ObjectPrototypeHasOwnProperty, RegExpPrototypeExec, SafeArrayIterator, SetIteratorPrototypeNext,
  SetPrototypeGetSize, SetPrototypeValues, StringPrototypeEndsWith, StringPrototypeLastIndexOf,
  StringPrototypeSlice, TypedArrayPrototypeGetLength, Uint8Array,
} = primordials;
const { kArrayExtrasType, kObjectType, reduceToSingleString } = require('internal/util/inspect_layout');
const { formatBigInt, formatNumber } = require('internal/util/inspect_text');

const wholeNumber = /^(0|[1-9][0-9]*)$/;
const hexDigits = '0123456789abcdef';

// The formatters below call back into the object walk; it hands itself in, since it needs them too.
let walk;
function connect(functions) {
  walk = functions;
}

function plural(count) {
  return count > 1 ? 's' : '';
}

function remainingText(count) {
  return `... ${count} more item${plural(count)}`;
}

function indented(ctx, write) {
  ctx.indentationLvl += 2;
  const result = write();
  ctx.indentationLvl -= 2;
  return result;
}

// What the class's prototype reads from the object's slots is shown like a hidden property.
function accessor(ctx, value, key, recurseTimes, typedArray) {
  return `${ctx.stylize(`[${key}]`, 'string')}: ${walk.formatValue(ctx, value[key], recurseTimes, typedArray)}`;
}

function shown(ctx, length) {
  return MathMin(MathMax(0, ctx.maxArrayLength), length);
}

function emptyItems(ctx, count) {
  return ctx.stylize(`<${count} empty item${plural(count)}>`, 'undefined');
}

// An array with holes: each run of them is one entry.
function formatSparseArray(ctx, value, recurseTimes, maxLength, output, from) {
  const keys = ObjectKeys(value);
  let index = from;
  for (let i = from; i < keys.length && output.length < maxLength; i++) {
    const key = keys[i];
    if (RegExpPrototypeExec(wholeNumber, key) === null || +key > 2 ** 32 - 2) {
      break;
    }
    if (`${index}` !== key) {
      ArrayPrototypePush(output, emptyItems(ctx, key - index));
      index = +key;
      if (output.length === maxLength) {
        break;
      }
    }
    ArrayPrototypePush(output, walk.formatProperty(ctx, value, recurseTimes, key, kArrayExtrasType));
    index++;
  }
  const remaining = value.length - index;
  if (output.length !== maxLength) {
    if (remaining > 0) {
      ArrayPrototypePush(output, emptyItems(ctx, remaining));
    }
  } else if (remaining > 0) {
    ArrayPrototypePush(output, remainingText(remaining));
  }
  return output;
}

function formatArray(ctx, value, recurseTimes) {
  const { length } = value;
  const count = shown(ctx, length);
  const output = [];
  for (let i = 0; i < count; i++) {
    if (!ObjectPrototypeHasOwnProperty(value, i)) {
      return formatSparseArray(ctx, value, recurseTimes, count, output, i);
    }
    ArrayPrototypePush(output, walk.formatProperty(ctx, value, recurseTimes, i, kArrayExtrasType));
  }
  if (length > count) {
    ArrayPrototypePush(output, remainingText(length - count));
  }
  return output;
}

function formatTypedArray(value, length, ctx, ignored, recurseTimes) {
  const count = shown(ctx, length);
  const output = [];
  const format = length > 0 && typeof value[0] === 'number' ? formatNumber : formatBigInt;
  for (let i = 0; i < count; i++) {
    ArrayPrototypePush(output, format(ctx.stylize, value[i], ctx.numericSeparator));
  }
  if (length > count) {
    ArrayPrototypePush(output, remainingText(length - count));
  }
  if (ctx.showHidden) {
    indented(ctx, () => {
      for (const key of new SafeArrayIterator(['BYTES_PER_ELEMENT', 'length', 'byteLength', 'byteOffset', 'buffer'])) {
        ArrayPrototypePush(output, accessor(ctx, value, key, recurseTimes, true));
      }
    });
  }
  return output;
}

function formatDataView(ctx, value, recurseTimes) {
  return indented(ctx, () => ArrayPrototypeMap(['byteLength', 'byteOffset', 'buffer'],
    (key) => accessor(ctx, value, key, recurseTimes)));
}

function formatBareArrayBuffer(ctx, value, recurseTimes) {
  return [`[byteLength]: ${walk.formatValue(ctx, value.byteLength, recurseTimes)}`];
}

function formatArrayBuffer(ctx, value, recurseTimes) {
  return [contents(ctx, value), accessor(ctx, value, 'byteLength', recurseTimes)];
}

function contents(ctx, value) {
  let bytes;
  try {
    bytes = new Uint8Array(value);
  } catch {
    return ctx.stylize('(detached)', 'special');
  }
  const length = TypedArrayPrototypeGetLength(bytes);
  const count = shown(ctx, length);
  let text = '';
  for (let i = 0; i < count; i++) {
    text += `${i === 0 ? '' : ' '}${hexDigits[bytes[i] >> 4]}${hexDigits[bytes[i] & 15]}`;
  }
  const remaining = length - ctx.maxArrayLength;
  if (remaining > 0) {
    text += ` ... ${remaining} more byte${plural(remaining)}`;
  }
  return `${ctx.stylize('[Uint8Contents]', 'special')}: <${text}>`;
}

function formatSet(value, ctx, unlimited, recurseTimes) {
  const size = SetPrototypeGetSize(value);
  const count = unlimited ? size : shown(ctx, size);
  return indented(ctx, () => {
    const output = [];
    const iterator = SetPrototypeValues(value);
    for (let i = 0; i < count; i++) {
      const { done, value: item } = SetIteratorPrototypeNext(iterator);
      if (done) {
        break;
      }
      ArrayPrototypePush(output, walk.formatValue(ctx, item, recurseTimes));
    }
    if (size > count) {
      ArrayPrototypePush(output, remainingText(size - count));
    }
    return output;
  });
}

function formatMap(value, ctx, unlimited, recurseTimes) {
  const size = MapPrototypeGetSize(value);
  const count = unlimited ? size : shown(ctx, size);
  return indented(ctx, () => {
    const output = [];
    const iterator = MapPrototypeEntries(value);
    for (let i = 0; i < count; i++) {
      const { done, value: entry } = MapIteratorPrototypeNext(iterator);
      if (done) {
        break;
      }
      ArrayPrototypePush(output,
        `${walk.formatValue(ctx, entry[0], recurseTimes)} => ${walk.formatValue(ctx, entry[1], recurseTimes)}`);
    }
    if (size > count) {
      ArrayPrototypePush(output, remainingText(size - count));
    }
    return output;
  });
}

// `weak` entries come in no order that means anything, so they are sorted.
function formatSetEntries(ctx, recurseTimes, entries, weak) {
  const count = shown(ctx, entries.length);
  const output = indented(ctx, () => {
    const list = [];
    for (let i = 0; i < count; i++) {
      ArrayPrototypePush(list, walk.formatValue(ctx, entries[i], recurseTimes));
    }
    return list;
  });
  if (weak && !ctx.sorted) {
    ArrayPrototypeSort(output);
  }
  if (entries.length > count) {
    ArrayPrototypePush(output, remainingText(entries.length - count));
  }
  return output;
}

function formatMapEntries(ctx, recurseTimes, entries, weak) {
  const length = entries.length / 2;
  const count = shown(ctx, length);
  const output = indented(ctx, () => {
    const list = [];
    for (let i = 0; i < count; i++) {
      const key = walk.formatValue(ctx, entries[i * 2], recurseTimes);
      const value = walk.formatValue(ctx, entries[i * 2 + 1], recurseTimes);
      ArrayPrototypePush(list, weak ? `${key} => ${value}`
        : reduceToSingleString(ctx, [key, value], '', ['[', ']'], kArrayExtrasType, recurseTimes));
    }
    return list;
  });
  if (weak && !ctx.sorted) {
    ArrayPrototypeSort(output);
  }
  if (length > count) {
    ArrayPrototypePush(output, remainingText(length - count));
  }
  return output;
}

function formatWeakCollection(ctx) {
  return [ctx.stylize('<items unknown>', 'special')];
}

function formatWeakSet(ctx, value, recurseTimes) {
  return formatSetEntries(ctx, recurseTimes, native.util.previewEntries(value)[0], true);
}

function formatWeakMap(ctx, value, recurseTimes) {
  return formatMapEntries(ctx, recurseTimes, native.util.previewEntries(value)[0], true);
}

function formatIterator(braces, ctx, value, recurseTimes) {
  const preview = native.util.previewEntries(value);
  if (preview[1]) {
    if (StringPrototypeEndsWith(braces[0], ' Iterator] {')) {
      braces[0] = `${StringPrototypeSlice(braces[0], 0, -12)} Entries] {`;
    }
    return formatMapEntries(ctx, recurseTimes, preview[0], false);
  }
  return formatSetEntries(ctx, recurseTimes, preview[0], false);
}

function formatPromise(ctx, value, recurseTimes) {
  const details = native.util.getPromiseDetails(value);
  if (details[0] === 0) {
    return [ctx.stylize('<pending>', 'special')];
  }
  const text = indented(ctx, () => walk.formatValue(ctx, details[1], recurseTimes));
  return [details[0] === 2 ? `${ctx.stylize('<rejected>', 'special')} ${text}` : text];
}

// Reading an export before its module ran throws.
function formatNamespace(keys, ctx, value, recurseTimes) {
  const output = [];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    try {
      ArrayPrototypePush(output, walk.formatProperty(ctx, value, recurseTimes, key, kObjectType));
    } catch {
      const text = walk.formatProperty(ctx, { [key]: '' }, recurseTimes, key, kObjectType);
      const at = StringPrototypeLastIndexOf(text, ' ');
      ArrayPrototypePush(output,
        `${StringPrototypeSlice(text, 0, at + 1)}${ctx.stylize('<uninitialized>', 'special')}`);
    }
  }
  keys.length = 0;
  return output;
}

function formatProxy(ctx, proxy, depth) {
  if (depth > ctx.depth && ctx.depth !== null) {
    return ctx.stylize('Proxy [Array]', 'special');
  }
  const recurseTimes = depth + 1;
  const parts = indented(ctx, () => [
    walk.formatValue(ctx, proxy[0], recurseTimes), walk.formatValue(ctx, proxy[1], recurseTimes),
  ]);
  return reduceToSingleString(ctx, parts, '', ['Proxy [', ']'], kArrayExtrasType, recurseTimes);
}

module.exports = {
  connect, formatArray, formatArrayBuffer, formatBareArrayBuffer, formatDataView, formatIterator, formatMap, formatNamespace, formatPromise, formatProxy,
  formatSet, formatTypedArray, formatWeakCollection, formatWeakMap, formatWeakSet,
};
