// The lines that were entered at an Interface, newest first, and the search through them.
'use strict';

const {
  ArrayPrototypeIndexOf,
  ArrayPrototypeJoin,
  ArrayPrototypePop,
  ArrayPrototypeReverse,
  ArrayPrototypeShift,
  ArrayPrototypeSplice,
  ArrayPrototypeUnshift,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  StringPrototypeTrim,
} = primordials;

// An entry of several lines is kept as Node's history file has it: the last line first, with `\r` between them.
function turned(text, from, to) {
  return ArrayPrototypeJoin(ArrayPrototypeReverse(StringPrototypeSplit(text, from)), to);
}

// Keeps the present line; gives the line as it was entered.
function add(lines, multiline) {
  const { history, line } = lines;
  if (line.length === 0 || lines.historySize === 0 || StringPrototypeTrim(line).length === 0) {
    return line;
  }
  if (multiline && lines.historyIndex === -1) {
    ArrayPrototypeShift(history);
  }
  const entry = turned(line, '\n', '\r');
  if (history.length === 0 || history[0] !== entry) {
    if (lines.removeHistoryDuplicates) {
      const same = ArrayPrototypeIndexOf(history, entry);
      if (same !== -1) {
        ArrayPrototypeSplice(history, same, 1);
      }
    }
    ArrayPrototypeUnshift(history, entry);
    if (history.length > lines.historySize) {
      ArrayPrototypePop(history);
    }
  }
  lines.historyIndex = -1;
  const entered = multiline ? turned(history[0], '\r', '\r') : history[0];
  // A listener may take out what nobody should see again.
  lines.emit('history', history);
  return entered;
}

function hasNext(lines) {
  return lines.historyIndex > -1 && lines.history.length > 0;
}

function hasPrevious(lines) {
  return lines.history.length !== lines.historyIndex && lines.history.length > 0;
}

// The next entry in one direction that begins with `search` and is not what stands there.
function seek(lines, search, direction, end) {
  let index = lines.historyIndex + direction;
  while (index !== end &&
      (!StringPrototypeStartsWith(lines.history[index], search) || lines.line === lines.history[index])) {
    index += direction;
  }
  lines.historyIndex = index;
  return index === end ? search : turned(lines.history[index], '\r', '\n');
}

function next(lines, search) {
  return seek(lines, search || '', -1, -1);
}

function previous(lines, search) {
  return seek(lines, search || '', 1, lines.history.length);
}

module.exports = { add, hasNext, hasPrevious, next, previous };
