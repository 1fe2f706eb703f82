// Lays out the parts of an inspected object: on one line, grouped in columns, or one part a line.
'use strict';

const {
  ArrayPrototypeJoin, ArrayPrototypePush, MathFloor, MathMax, MathMin, MathRound, MathSqrt,
  StringPrototypeIncludes, StringPrototypePadEnd, StringPrototypePadStart,
} = primordials;
const { removeColors, spaces } = require('internal/util/inspect_text');

// What the entries belong to decides how they are laid out.
const kObjectType = 0;
const kArrayExtrasType = 2;

// Characters are about 2.5 times as high as wide: columns are chosen so that the block looks square.
const characterRatio = 2.5;
const maxColumns = 15;

function lengthOf(ctx, text) {
  return ctx.colors ? removeColors(text).length : text.length;
}

function padding(value, count) {
  if (value !== undefined) {
    for (let i = 0; i < count; i++) {
      if (typeof value[i] !== 'number' && typeof value[i] !== 'bigint') {
        return StringPrototypePadEnd;
      }
    }
  }
  return StringPrototypePadStart;
}

function measure(ctx, output, count) {
  const separator = 2;
  const lengths = [];
  let total = 0;
  let longest = 0;
  for (let i = 0; i < count; i++) {
    const length = lengthOf(ctx, output[i]);
    ArrayPrototypePush(lengths, length);
    total += length + separator;
    longest = MathMax(longest, length);
  }
  return { lengths, total, longest, widest: longest + separator };
}

// Groups the entries of a long array in aligned columns, if they are short and even enough.
function groupArrayElements(ctx, output, value) {
  // The last entry may be "... n more items", which gets a line of its own.
  const count = ctx.maxArrayLength < output.length ? output.length - 1 : output.length;
  const { lengths, total, longest, widest } = measure(ctx, output, count);
  if (widest * 3 + ctx.indentationLvl >= ctx.breakLength || (total / widest <= 5 && longest > 6)) {
    return output;
  }
  const bias = MathSqrt(widest - total / output.length);
  const biased = MathMax(widest - 3 - bias, 1);
  const columns = MathMin(
    MathRound(MathSqrt(characterRatio * biased * count) / biased),
    MathFloor((ctx.breakLength - ctx.indentationLvl) / widest),
    ctx.compact * 4,
    maxColumns,
  );
  if (columns <= 1) {
    return output;
  }
  const widths = [];
  for (let column = 0; column < columns; column++) {
    let width = 0;
    for (let i = column; i < count; i += columns) {
      width = MathMax(width, lengths[i]);
    }
    ArrayPrototypePush(widths, width + 2);
  }
  const pad = padding(value, output.length);
  const rows = [];
  for (let start = 0; start < count; start += columns) {
    const end = MathMin(start + columns, count);
    let row = '';
    let i = start;
    for (; i < end - 1; i++) {
      // Colour codes take no room, so they widen the padding.
      row += pad(`${output[i]}, `, widths[i - start] + output[i].length - lengths[i], ' ');
    }
    row += pad === StringPrototypePadStart
      ? pad(output[i], widths[i - start] + output[i].length - lengths[i] - 2, ' ')
      : output[i];
    ArrayPrototypePush(rows, row);
  }
  if (count < output.length) {
    ArrayPrototypePush(rows, output[count]);
  }
  return rows;
}

function isBelowBreakLength(ctx, output, start, base) {
  let total = output.length + start;
  if (total + output.length > ctx.breakLength) {
    return false;
  }
  for (let i = 0; i < output.length; i++) {
    total += lengthOf(ctx, output[i]);
    if (total > ctx.breakLength) {
      return false;
    }
  }
  return base === '' || !StringPrototypeIncludes(base, '\n');
}

// Joins the entries between the braces: on one line where that fits the width and the `compact` mode.
function reduceToSingleString(ctx, entries, base, braces, extrasType, recurseTimes, value) {
  let output = entries;
  const head = base ? `${base} ` : '';
  if (ctx.compact === true) {
    if (isBelowBreakLength(ctx, output, 0, base)) {
      return `${braces[0]}${base ? ` ${base}` : ''} ${ArrayPrototypeJoin(output, ', ')} ${braces[1]}`;
    }
    const indentation = `\n${spaces(ctx.indentationLvl)}  `;
    const start = base === '' && braces[0].length === 1 ? ' ' : `${base ? ` ${base}` : ''}${indentation}`;
    return `${braces[0]}${start}${ArrayPrototypeJoin(output, `,${indentation}`)} ${braces[1]}`;
  }
  if (typeof ctx.compact === 'number' && ctx.compact >= 1) {
    const count = output.length;
    if (extrasType === kArrayExtrasType && count > 6) {
      output = groupArrayElements(ctx, output, value);
    }
    // At most `compact` inner levels share a line with their object.
    if (ctx.currentDepth - recurseTimes < ctx.compact && count === output.length) {
      const start = output.length + ctx.indentationLvl + braces[0].length + base.length + 10;
      if (isBelowBreakLength(ctx, output, start, base)) {
        const joined = ArrayPrototypeJoin(output, ', ');
        if (!StringPrototypeIncludes(joined, '\n')) {
          return `${head}${braces[0]} ${joined} ${braces[1]}`;
        }
      }
    }
  }
  const indentation = `\n${spaces(ctx.indentationLvl)}`;
  return `${head}${braces[0]}${indentation}  ${ArrayPrototypeJoin(output, `,${indentation}  `)}${indentation}${braces[1]}`;
}

module.exports = { kArrayExtrasType, kObjectType, reduceToSingleString };
