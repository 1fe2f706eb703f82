// Writes the primitives, keys and colours of `util.inspect`: quoting, numbers, width of text.
'use strict';

const {
  ArrayPrototypeJoin, ArrayPrototypePush, MathTrunc, NumberIsFinite, NumberIsNaN,
  NumberPrototypeToString, ObjectIs, RegExpPrototypeExec, RegExpPrototypeSymbolReplace,
  SafeArrayIterator, SafeMap, SafeStringIterator, String, StringPrototypeCharCodeAt,
  StringPrototypeCodePointAt, StringPrototypeIncludes, StringPrototypeIndexOf,
  StringPrototypeNormalize, StringPrototypePadStart, StringPrototypeSlice,
  StringPrototypeToUpperCase, SymbolPrototypeToString, hardenRegExp,
} = primordials;

const identifier = /^[a-zA-Z_][a-zA-Z_0-9]*$/;
const ansi = hardenRegExp(new primordials.RegExp(
  '[\\u001B\\u009B][[\\]()#;?]*' +
  '(?:(?:(?:(?:;[-a-zA-Z\\d\\/\\#&.:=?%@~_]+)*' +
  '|[a-zA-Z\\d]+(?:;[-a-zA-Z\\d\\/\\#&.:=?%@~_]*)*)?' +
  '(?:\\u0007|\\u001B\\u005C|\\u009C))' +
  '|(?:(?:\\d{1,4}(?:;\\d{0,4})*)?' +
  '[\\dA-PR-TZcf-nq-uy=><~]))', 'g'));
// eslint-disable-next-line no-control-regex
const colorCodes = hardenRegExp(/\u001b\[\d\d?m/g);
const needsEscape = /[\x00-\x1f\x27\x5c\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const minLineWidth = 16;

const shortEscapes = new SafeMap([
  [8, '\\b'], [9, '\\t'], [10, '\\n'], [12, '\\f'], [13, '\\r'], [39, "\\'"], [92, '\\\\'],
]);

function stylizeNoColor(text) {
  return text;
}

function removeColors(text) {
  return RegExpPrototypeSymbolReplace(colorCodes, text, '');
}

function stripVTControlCharacters(text) {
  require('internal/validators').validateString(text, 'str');
  if (StringPrototypeIndexOf(text, '\u001B') === -1 && StringPrototypeIndexOf(text, '\u009B') === -1) {
    return text;
  }
  return RegExpPrototypeSymbolReplace(ansi, text, '');
}

function hex(unit) {
  return StringPrototypeToUpperCase(NumberPrototypeToString(unit, 16));
}

function escapeUnit(unit) {
  return shortEscapes.get(unit) ?? `\\x${StringPrototypePadStart(hex(unit), 2, '0')}`;
}

function chooseQuote(text) {
  if (!StringPrototypeIncludes(text, "'")) {
    return "'";
  }
  if (!StringPrototypeIncludes(text, '"')) {
    return '"';
  }
  if (!StringPrototypeIncludes(text, '`') && !StringPrototypeIncludes(text, '${')) {
    return '`';
  }
  return "'";
}

// Quotes a string as a literal would be written, with the quote that needs the fewest escapes.
function quote(text) {
  const mark = chooseQuote(text);
  if (text.length < 5000 && RegExpPrototypeExec(needsEscape, text) === null) {
    return `${mark}${text}${mark}`;
  }
  const pieces = [];
  let last = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = StringPrototypeCharCodeAt(text, i);
    let escaped;
    if ((unit === 39 && mark === "'") || unit === 92 || unit < 32 || (unit > 126 && unit < 160)) {
      escaped = escapeUnit(unit);
    } else if (unit >= 0xd800 && unit <= 0xdfff) {
      if (unit <= 0xdbff && i + 1 < text.length) {
        const next = StringPrototypeCharCodeAt(text, i + 1);
        if (next >= 0xdc00 && next <= 0xdfff) {
          i++;
          continue;
        }
      }
      escaped = `\\u${NumberPrototypeToString(unit, 16)}`;
    } else {
      continue;
    }
    ArrayPrototypePush(pieces, StringPrototypeSlice(text, last, i), escaped);
    last = i + 1;
  }
  ArrayPrototypePush(pieces, StringPrototypeSlice(text, last));
  return `${mark}${ArrayPrototypeJoin(pieces, '')}${mark}`;
}

// The separator goes in from the left after a decimal point, from the right before it.
function separateFraction(digits) {
  let result = '';
  let i = 0;
  for (; i < digits.length - 3; i += 3) {
    result += `${StringPrototypeSlice(digits, i, i + 3)}_`;
  }
  return i === 0 ? digits : `${result}${StringPrototypeSlice(digits, i)}`;
}

function formatNumber(stylize, number, separator) {
  if (!separator) {
    return stylize(ObjectIs(number, -0) ? '-0' : `${number}`, 'number');
  }
  const { addNumericalSeparator } = require('internal/errors');
  const integer = MathTrunc(number);
  const text = String(integer);
  if (integer === number) {
    if (!NumberIsFinite(number) || StringPrototypeIncludes(text, 'e')) {
      return stylize(text, 'number');
    }
    return stylize(addNumericalSeparator(ObjectIs(number, -0) ? '-0' : text), 'number');
  }
  if (NumberIsNaN(number)) {
    return stylize(text, 'number');
  }
  const whole = String(number);
  const point = StringPrototypeIndexOf(whole, '.');
  if (point === -1) {
    return stylize(whole, 'number');
  }
  const integral = StringPrototypeSlice(whole, 0, point);
  return stylize(
    `${addNumericalSeparator(integral)}.${separateFraction(StringPrototypeSlice(whole, point + 1))}`, 'number');
}

function formatBigInt(stylize, bigint, separator) {
  const text = String(bigint);
  return stylize(`${separator ? require('internal/errors').addNumericalSeparator(text) : text}n`, 'bigint');
}

function splitLines(text) {
  const lines = [];
  let start = 0;
  for (let at = StringPrototypeIndexOf(text, '\n'); at !== -1; at = StringPrototypeIndexOf(text, '\n', start)) {
    ArrayPrototypePush(lines, StringPrototypeSlice(text, start, at + 1));
    start = at + 1;
  }
  if (start < text.length) {
    ArrayPrototypePush(lines, StringPrototypeSlice(text, start));
  }
  return lines;
}

function spaces(count) {
  return StringPrototypePadStart('', count, ' ');
}

function formatString(stylize, value, ctx) {
  let text = value;
  let trailer = '';
  if (text.length > ctx.maxStringLength) {
    const rest = text.length - ctx.maxStringLength;
    text = StringPrototypeSlice(text, 0, ctx.maxStringLength);
    trailer = `... ${rest} more character${rest > 1 ? 's' : ''}`;
  }
  if (ctx.compact !== true && text.length > minLineWidth &&
      text.length > ctx.breakLength - ctx.indentationLvl - 4) {
    let result = '';
    for (const line of new SafeArrayIterator(splitLines(text))) {
      if (result !== '') {
        result += ` +\n${spaces(ctx.indentationLvl + 2)}`;
      }
      result += stylize(quote(line), 'string');
    }
    return result + trailer;
  }
  return stylize(quote(text), 'string') + trailer;
}

function escapeControls(text) {
  let result = '';
  for (let i = 0; i < text.length; i++) {
    const unit = StringPrototypeCharCodeAt(text, i);
    result += unit === 39 || unit === 92 || unit < 32 || (unit > 126 && unit < 160) ? escapeUnit(unit) : text[i];
  }
  return result;
}

function formatPrimitive(stylize, value, ctx) {
  switch (typeof value) {
    case 'string': return formatString(stylize, value, ctx);
    case 'number': return formatNumber(stylize, value, ctx.numericSeparator);
    case 'bigint': return formatBigInt(stylize, value, ctx.numericSeparator);
    case 'boolean': return stylize(`${value}`, 'boolean');
    case 'undefined': return stylize('undefined', 'undefined');
    default: return stylize(SymbolPrototypeToString(value), 'symbol');
  }
}

function inRange(point, ranges) {
  for (let i = 0; i < ranges.length; i += 2) {
    if (point >= ranges[i] && point <= ranges[i + 1]) {
      return true;
    }
  }
  return false;
}

const fullWidth = [
  0x1100, 0x115f, 0x2329, 0x232a, 0x2e80, 0x303e, 0x3040, 0x3247, 0x3250, 0x4dbf, 0x4e00, 0xa4c6,
  0xa960, 0xa97c, 0xac00, 0xd7a3, 0xf900, 0xfaff, 0xfe10, 0xfe19, 0xfe30, 0xfe6b, 0xff01, 0xff60,
  0xffe0, 0xffe6, 0x1b000, 0x1b001, 0x1f200, 0x1f251, 0x1f300, 0x1f64f, 0x1f680, 0x1f6ff, 0x1f900, 0x1f9ff,
  0x20000, 0x3fffd,
];
const zeroWidth = [
  0x0, 0x1f, 0x7f, 0x9f, 0x300, 0x36f, 0x200b, 0x200f, 0x20d0, 0x20ff, 0xfe00, 0xfe0f, 0xfe20, 0xfe2f,
  0xe0100, 0xe01ef,
];

// How many columns a terminal gives the text: wide letters count two, combining ones none.
function getStringWidth(text, removeControlChars = true) {
  const plain = removeControlChars ? stripVTControlCharacters(text) : text;
  let width = 0;
  for (const char of new SafeStringIterator(StringPrototypeNormalize(plain, 'NFC'))) {
    const point = StringPrototypeCodePointAt(char, 0);
    if (inRange(point, fullWidth)) {
      width += 2;
    } else if (!inRange(point, zeroWidth)) {
      width++;
    }
  }
  return width;
}

function propertyName(key, enumerable, stylize) {
  if (typeof key === 'symbol') {
    const text = stylize(escapeControls(SymbolPrototypeToString(key)), 'symbol');
    return enumerable ? text : `[${text}]`;
  }
  if (key === '__proto__') {
    return "['__proto__']";
  }
  const text = RegExpPrototypeExec(identifier, key) !== null ? stylize(key, 'name') : stylize(quote(key), 'string');
  return enumerable ? text : `[${text}]`;
}

module.exports = {
  formatBigInt, formatNumber, formatPrimitive, getStringWidth, propertyName, quote, removeColors,
  spaces, stripVTControlCharacters, stylizeNoColor,
};
