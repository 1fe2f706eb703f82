// Draws the table of `console.table`.
'use strict';

const {
  ArrayIsArray, ArrayPrototypeJoin, ArrayPrototypeMap, ArrayPrototypePush, ArrayPrototypeUnshift,
  MathMax, ObjectKeys, ObjectPrototypeHasOwnProperty, SafeArrayIterator, StringPrototypeRepeat,
} = primordials;
const { inspect } = require('internal/util/inspect');
const { getStringWidth } = require('internal/util/inspect_text');
const types = require('internal/util/types');

const indexHeader = '(index)';
const iterationHeader = '(iteration index)';
const keyHeader = 'Key';
const valuesHeader = 'Values';

function cell(value, options) {
  const compound = value !== null && typeof value === 'object' && !ArrayIsArray(value) && ObjectKeys(value).length > 2;
  return inspect(value, {
    maxArrayLength: 3, breakLength: Infinity, ...options,
    depth: value !== null && typeof value === 'object' && !ArrayIsArray(value) && compound ? -1 : 0,
  });
}

function rule(left, middle, right, widths) {
  return left + ArrayPrototypeJoin(ArrayPrototypeMap(widths, (width) => StringPrototypeRepeat('─', width)), middle) + right;
}

function row(cells, widths) {
  let text = '│';
  for (let i = 0; i < cells.length; i++) {
    const space = widths[i] - getStringWidth(cells[i]) - 1;
    text += ` ${cells[i]}${StringPrototypeRepeat(' ', space)}│`;
  }
  return text;
}

function draw(head, columns) {
  const rows = [];
  const widths = ArrayPrototypeMap(head, (text) => getStringWidth(text));
  let longest = 0;
  for (const column of new SafeArrayIterator(columns)) {
    longest = MathMax(longest, column.length);
  }
  for (let i = 0; i < head.length; i++) {
    for (let j = 0; j < longest; j++) {
      rows[j] ??= [];
      const text = rows[j][i] = ObjectPrototypeHasOwnProperty(columns[i], j) ? columns[i][j] : '';
      widths[i] = MathMax(widths[i], getStringWidth(text));
    }
  }
  const padded = ArrayPrototypeMap(widths, (width) => width + 2);
  const lines = [rule('┌', '┬', '┐', padded), row(head, padded), rule('├', '┼', '┤', padded)];
  for (const cells of new SafeArrayIterator(rows)) {
    ArrayPrototypePush(lines, row(cells, padded));
  }
  ArrayPrototypePush(lines, rule('└', '┴', '┘', padded));
  return ArrayPrototypeJoin(lines, '\n');
}

function indices(length) {
  const list = [];
  for (let i = 0; i < length; i++) {
    ArrayPrototypePush(list, `${i}`);
  }
  return list;
}

function tableOfMap(data, options) {
  const preview = native.util.previewEntries(data);
  const entries = preview[0];
  const keys = [];
  const values = [];
  if (preview[1]) {
    for (let i = 0; i < entries.length; i += 2) {
      ArrayPrototypePush(keys, cell(entries[i], options));
      ArrayPrototypePush(values, cell(entries[i + 1], options));
    }
    return draw([iterationHeader, keyHeader, valuesHeader], [indices(keys.length), keys, values]);
  }
  for (let i = 0; i < entries.length; i++) {
    ArrayPrototypePush(values, cell(entries[i], options));
  }
  return draw([iterationHeader, valuesHeader], [indices(values.length), values]);
}

function tableOfObject(data, properties, options) {
  const columns = { __proto__: null };
  let hasPrimitives = false;
  const values = [];
  const indexKeys = ObjectKeys(data);
  for (let i = 0; i < indexKeys.length; i++) {
    const item = data[indexKeys[i]];
    const primitive = item === null || (typeof item !== 'function' && typeof item !== 'object');
    if (primitive) {
      hasPrimitives = true;
      values[i] = cell(item, options);
      continue;
    }
    const keys = properties ?? ObjectKeys(item);
    for (const key of new SafeArrayIterator(keys)) {
      if (columns[key] === undefined) {
        columns[key] = [];
      }
      if (!ObjectPrototypeHasOwnProperty(item, key)) {
        columns[key][i] = '';
      } else {
        columns[key][i] = cell(item[key], options);
      }
    }
  }
  const names = ObjectKeys(columns);
  const lists = ArrayPrototypeMap(names, (name) => columns[name]);
  ArrayPrototypeUnshift(names, indexHeader);
  ArrayPrototypeUnshift(lists, indexKeys);
  if (hasPrimitives) {
    ArrayPrototypePush(names, valuesHeader);
    ArrayPrototypePush(lists, values);
  }
  return draw(names, lists);
}

exports.table = (data, properties, options) => {
  if (types.isMap(data) || types.isMapIterator(data) || types.isSet(data) || types.isSetIterator(data)) {
    return tableOfMap(data, options);
  }
  return tableOfObject(data, properties, options);
};
