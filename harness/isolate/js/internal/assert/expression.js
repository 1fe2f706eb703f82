// Finds the text of a failed `assert(…)` call in the guest's source, for the message.
'use strict';

const {
  RegExpPrototypeExec, SafeArrayIterator, StringPrototypeIncludes, StringPrototypeIndexOf,
  StringPrototypeSlice, StringPrototypeStartsWith,
} = primordials;
const openers = '([{';
const closers = ')]}';
const memberPart = /[\w$.]/;
const beforeRegExp = /[(,=:[!&|?{};+\-*%<>~^]\s*$|(?:^|[^\w$.])(?:return|typeof|void|in|of|new|delete|await|yield)\s*$/;

function skipString(source, from) {
  const mark = source[from];
  for (let i = from + 1; i < source.length; i++) {
    if (source[i] === '\\') {
      i++;
    } else if (source[i] === mark) {
      return i + 1;
    } else if (mark === '`' && source[i] === '$' && source[i + 1] === '{') {
      i = skipBrackets(source, i + 1) - 1;
    }
  }
  return source.length;
}

function skipComment(source, from) {
  const end = source[from + 1] === '/' ? StringPrototypeIndexOf(source, '\n', from) : StringPrototypeIndexOf(source, '*/', from + 2);
  return end === -1 ? source.length : end + (source[from + 1] === '/' ? 1 : 2);
}

function skipRegExp(source, from) {
  let inClass = false;
  for (let i = from + 1; i < source.length; i++) {
    if (source[i] === '\\') {
      i++;
    } else if (source[i] === '[') {
      inClass = true;
    } else if (source[i] === ']') {
      inClass = false;
    } else if (source[i] === '/' && !inClass) {
      return i + 1;
    }
  }
  return source.length;
}

// From an opening bracket to behind its partner.
function skipBrackets(source, from) {
  let depth = 0;
  let i = from;
  while (i < source.length) {
    const char = source[i];
    if (char === '"' || char === "'" || char === '`') {
      i = skipString(source, i);
      continue;
    }
    if (char === '/') {
      if (source[i + 1] === '/' || source[i + 1] === '*') {
        i = skipComment(source, i);
        continue;
      }
      if (RegExpPrototypeExec(beforeRegExp, StringPrototypeSlice(source, from, i)) !== null) {
        i = skipRegExp(source, i);
        continue;
      }
    }
    if (StringPrototypeIncludes(openers, char)) {
      depth++;
    } else if (StringPrototypeIncludes(closers, char)) {
      depth--;
      if (depth === 0) {
        return i + 1;
      }
    }
    i++;
  }
  return source.length;
}

function offsetOf(source, line) {
  let offset = 0;
  for (let i = 1; i < line; i++) {
    offset = StringPrototypeIndexOf(source, '\n', offset) + 1;
    if (offset === 0) {
      return -1;
    }
  }
  return offset;
}

// From behind a closing `]` to before its opening one, in one line.
function beforeIndex(text, from) {
  let depth = 0;
  for (let i = from; i > 0; i--) {
    if (text[i - 1] === ']') {
      depth++;
    } else if (text[i - 1] === '[' && --depth === 0) {
      return i - 1;
    }
  }
  return from;
}

// `line` and `column` say where the called name stands; the call reaches back over what it is a member of, and no further than
// its line, as Node shows it.
function expressionAt(source, line, column) {
  const lineStart = offsetOf(source, line);
  if (lineStart === -1) {
    return undefined;
  }
  let lineEnd = StringPrototypeIndexOf(source, '\n', lineStart);
  if (lineEnd === -1) {
    lineEnd = source.length;
  }
  const text = StringPrototypeSlice(source, lineStart, lineEnd);
  let start = column - 1;
  const open = StringPrototypeIndexOf(text, '(', start);
  if (open === -1) {
    return undefined;
  }
  while (start > 0) {
    if (text[start - 1] === ']') {
      const before = beforeIndex(text, start);
      if (before === start) {
        break;
      }
      start = before;
    } else if (RegExpPrototypeExec(memberPart, text[start - 1]) !== null) {
      start--;
    } else {
      break;
    }
  }
  return StringPrototypeSlice(text, start, skipBrackets(text, open));
}

function readSource(name) {
  const path = StringPrototypeStartsWith(name, 'file://') ? require('url').fileURLToPath(name) : name;
  return require('fs').readFileSync(path, 'utf8');
}

exports.failedExpression = () => {
  const sites = native.util.getCallSites(16);
  for (const site of new SafeArrayIterator(sites)) {
    const name = site[2];
    if (name === '' || StringPrototypeStartsWith(name, 'node:')) {
      continue;
    }
    try {
      const text = expressionAt(readSource(name), site[3], site[4]);
      return text === undefined ? undefined : `The expression evaluated to a falsy value:\n\n  ${text}\n`;
    } catch {
      // Code that is in no file (`eval`, a data URL) gets the message without its text.
      return undefined;
    }
  }
  return undefined;
};
