// Gives `util.parseEnv`: the variables of a `.env` file.
'use strict';

const {
  ArrayPrototypeJoin, StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeSplit,
  StringPrototypeStartsWith,
} = primordials;
function isBlank(char) {
  return char === ' ' || char === '\t' || char === '\r' || char === '\v' || char === '\f';
}

function trimBlanks(text) {
  let start = 0;
  let end = text.length;
  while (start < end && (isBlank(text[start]) || text[start] === '\n')) {
    start++;
  }
  while (end > start && (isBlank(text[end - 1]) || text[end - 1] === '\n')) {
    end--;
  }
  return StringPrototypeSlice(text, start, end);
}

function keyOf(text) {
  const key = trimBlanks(text);
  return StringPrototypeStartsWith(key, 'export ') ? StringPrototypeSlice(key, 7) : key;
}

function expandNewlines(text) {
  return ArrayPrototypeJoin(StringPrototypeSplit(text, '\\n'), '\n');
}

exports.parseEnv = (content) => {
  const lines = ArrayPrototypeJoin(StringPrototypeSplit(content, '\r\n'), '\n');
  const result = {};
  let at = 0;
  while (at < lines.length) {
    while (at < lines.length && (isBlank(lines[at]) || lines[at] === '\n')) {
      at++;
    }
    let end = StringPrototypeIndexOf(lines, '\n', at);
    if (end === -1) {
      end = lines.length;
    }
    const equals = StringPrototypeIndexOf(lines, '=', at);
    if (at >= lines.length || lines[at] === '#' || equals === -1 || equals > end) {
      at = end + 1;
      continue;
    }
    const key = keyOf(StringPrototypeSlice(lines, at, equals));
    at = equals + 1;
    while (at < end && isBlank(lines[at])) {
      at++;
    }
    const mark = lines[at];
    const close = mark === '"' || mark === "'" || mark === '`' ? StringPrototypeIndexOf(lines, mark, at + 1) : -1;
    let value;
    if (close !== -1) {
      // A quoted value may go over lines; only double quotes know escapes.
      value = StringPrototypeSlice(lines, at + 1, close);
      if (mark === '"') {
        value = expandNewlines(value);
      }
      end = StringPrototypeIndexOf(lines, '\n', close);
      if (end === -1) {
        end = lines.length;
      }
    } else {
      value = StringPrototypeSlice(lines, at, end);
      const comment = StringPrototypeIndexOf(value, '#');
      value = trimBlanks(comment === -1 ? value : StringPrototypeSlice(value, 0, comment));
      // An opening quote without its end is part of the value.
    }
    if (key !== '') {
      result[key] = value;
    }
    at = end + 1;
  }
  return result;
};
