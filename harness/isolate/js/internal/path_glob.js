// Glob patterns over paths: braces, `*`, `**`, `?`, classes and extended groups, as `path.matchesGlob` reads them.
'use strict';

const {
  RegExp, RegExpPrototypeExec, StringFromCharCode, StringPrototypeCharCodeAt,
  StringPrototypeIndexOf, StringPrototypeSlice,
} = primordials;

// A pattern may not unfold into more alternatives than this: `{a,b}{a,b}…` doubles with every group.
const maxAlternatives = 10_000;

const posixClasses = {
  '__proto__': null,
  'alnum': '\\p{L}\\p{Nl}\\p{Nd}',
  'alpha': '\\p{L}\\p{Nl}',
  'ascii': '\\x00-\\x7f',
  'blank': '\\p{Zs}\\t',
  'cntrl': '\\p{Cc}',
  'digit': '\\p{Nd}',
  'lower': '\\p{Ll}',
  'print': '\\p{C}',
  'punct': '\\p{P}',
  'space': '\\p{Z}\\t\\r\\n\\v\\f',
  'upper': '\\p{Lu}',
  'word': '\\p{L}\\p{Nl}\\p{Nd}\\p{Pc}',
  'xdigit': 'A-Fa-f0-9',
};

function split(text, separator) {
  const parts = [];
  let start = 0;
  for (let i = StringPrototypeIndexOf(text, separator); i !== -1;
    i = StringPrototypeIndexOf(text, separator, start)) {
    parts[parts.length] = StringPrototypeSlice(text, start, i);
    start = i + separator.length;
  }
  parts[parts.length] = StringPrototypeSlice(text, start);
  return parts;
}

// The parts between the commas of the group that opens at `open`, and where it closes; `undefined` if it does not.
function groupAt(text, open) {
  const parts = [];
  let depth = 0;
  let start = open + 1;
  for (let i = open; i < text.length; i++) {
    const char = text[i];
    if (char === '{') {
      depth++;
    } else if (char === '}' && --depth === 0) {
      parts[parts.length] = StringPrototypeSlice(text, start, i);
      return { __proto__: null, parts, close: i };
    } else if (char === ',' && depth === 1) {
      parts[parts.length] = StringPrototypeSlice(text, start, i);
      start = i + 1;
    }
  }
  return undefined;
}

const numbers = /^(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?$/;
const letters = /^([a-zA-Z])\.\.([a-zA-Z])(?:\.\.(-?\d+))?$/;
const padded = /^-?0\d/;

// `{1..3}` and `{a..c}`: the members; `undefined` for what is no sequence.
function sequence(text) {
  const match = RegExpPrototypeExec(numbers, text) ?? RegExpPrototypeExec(letters, text);
  if (match === null) return undefined;
  const numeric = RegExpPrototypeExec(numbers, text) !== null;
  const from = numeric ? +match[1] : StringPrototypeCharCodeAt(match[1], 0);
  const to = numeric ? +match[2] : StringPrototypeCharCodeAt(match[2], 0);
  const width = RegExpPrototypeExec(padded, match[1]) !== null || RegExpPrototypeExec(padded, match[2]) !== null ?
    (match[1].length > match[2].length ? match[1].length : match[2].length) : 0;
  let step = match[3] === undefined ? 1 : +match[3];
  if (step < 0) step = -step;
  if (step === 0) step = 1;
  const members = [];
  for (let n = from; from <= to ? n <= to : n >= to; n += from <= to ? step : -step) {
    if (members.length >= maxAlternatives) break;
    members[members.length] = numeric ? pad(n, width) : StringFromCharCode(n);
  }
  return members;
}

function pad(number, width) {
  let digits = `${number < 0 ? -number : number}`;
  const sign = number < 0 ? '-' : '';
  while (digits.length + sign.length < width) digits = `0${digits}`;
  return `${sign}${digits}`;
}

// All that a pattern's braces stand for.
function unfold(pattern) {
  for (let open = StringPrototypeIndexOf(pattern, '{'); open !== -1;
    open = StringPrototypeIndexOf(pattern, '{', open + 1)) {
    if (open > 0 && pattern[open - 1] === '$') continue;
    const group = groupAt(pattern, open);
    if (group === undefined) continue;
    const alternatives = group.parts.length > 1 ? group.parts : sequence(group.parts[0]);
    if (alternatives === undefined) continue;
    const before = StringPrototypeSlice(pattern, 0, open);
    const after = unfold(StringPrototypeSlice(pattern, group.close + 1));
    const unfolded = [];
    for (let i = 0; i < alternatives.length; i++) {
      const middle = unfold(alternatives[i]);
      for (let m = 0; m < middle.length; m++) {
        for (let a = 0; a < after.length; a++) {
          if (unfolded.length >= maxAlternatives) return unfolded;
          unfolded[unfolded.length] = `${before}${middle[m]}${after[a]}`;
        }
      }
    }
    return unfolded;
  }
  return [pattern];
}

const special = /[[\]{}()*+?.\\^$|/]/;

function literal(char) {
  return RegExpPrototypeExec(special, char) === null ? char : `\\${char}`;
}

function classMember(char) {
  return char === '-' ? '\\-' : literal(char);
}

// A class from `[` on: its expression and how much of the pattern it takes; `undefined` if it does not end.
function classAt(pattern, start) {
  let i = start + 1;
  let negated = false;
  if (pattern[i] === '!' || pattern[i] === '^') {
    negated = true;
    i++;
  }
  let body = '';
  for (let first = true; i < pattern.length; first = false) {
    const char = pattern[i];
    if (char === ']' && !first) {
      return { __proto__: null, source: `[${negated ? '^' : ''}${body}]`, end: i + 1 };
    }
    if (char === '[' && pattern[i + 1] === ':') {
      const close = StringPrototypeIndexOf(pattern, ':]', i + 2);
      const members = close === -1 ? undefined : posixClasses[StringPrototypeSlice(pattern, i + 2, close)];
      if (members !== undefined) {
        body += members;
        i = close + 2;
        continue;
      }
    }
    i++;
    if (pattern[i] === '-' && i + 1 < pattern.length && pattern[i + 1] !== ']') {
      const last = pattern[i + 1];
      i += 2;
      // A range that runs backwards has no members.
      if (char <= last) body += `${classMember(char)}-${classMember(last)}`;
      continue;
    }
    body += classMember(char);
  }
  return undefined;
}

const extended = { '__proto__': null, '!': true, '?': true, '*': true, '+': true, '@': true };

// Where the group that opens at `open` closes, and its alternatives; `undefined` if it does not.
function extendedAt(pattern, open) {
  const parts = [];
  let depth = 0;
  let start = open + 1;
  for (let i = open; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '(') {
      depth++;
    } else if (char === ')' && --depth === 0) {
      parts[parts.length] = StringPrototypeSlice(pattern, start, i);
      return { __proto__: null, parts, close: i };
    } else if (char === '|' && depth === 1) {
      parts[parts.length] = StringPrototypeSlice(pattern, start, i);
      start = i + 1;
    }
  }
  return undefined;
}

const free = '[^/]*?';
const notHidden = '(?!\\.)';

// The expression for a part of one segment. At the start of a segment, what matches freely does not match a hidden name; `rest`
// is the expression of what follows, which a negated group has to look at.
function sourceOf(pattern, rest, atStart) {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    const first = atStart && source === '';
    const group = extended[char] && pattern[i + 1] === '(' ? extendedAt(pattern, i + 1) : undefined;
    if (group !== undefined) {
      let alternatives = '';
      for (let k = 0; k < group.parts.length; k++) {
        alternatives += `${k === 0 ? '' : '|'}${sourceOf(group.parts[k], '', first)}`;
      }
      const after = sourceOf(StringPrototypeSlice(pattern, group.close + 1), rest, false);
      if (char === '!') {
        return `${source}(?:(?!(?:${alternatives})${after}${rest}$)${first ? notHidden : ''}${free})${after}`;
      }
      return `${source}(?:${alternatives})${char === '@' ? '' : char}${after}`;
    }
    if (char === '*') {
      while (pattern[i + 1] === '*' && pattern[i + 2] !== '(') i++;
      source += `${first ? notHidden : ''}${free}`;
    } else if (char === '?') {
      source += `${first ? notHidden : ''}[^/]`;
    } else if (char === '[') {
      const members = classAt(pattern, i);
      if (members === undefined) {
        source += '\\[';
      } else {
        source += `${first ? notHidden : ''}${members.source}`;
        i = members.end - 1;
      }
    } else {
      source += literal(char);
    }
  }
  return source;
}

const magic = /[*?[]|[!+@]\(/;
const onlyStars = /^\*+$/;

// What one segment of a pattern asks of a segment of a path.
function segmentMatcher(pattern) {
  if (pattern === '**') return pattern;
  if (RegExpPrototypeExec(magic, pattern) === null) return (name) => name === pattern;
  const source = RegExpPrototypeExec(onlyStars, pattern) !== null ?
    `${notHidden}[^/]+?` : sourceOf(pattern, '', true);
  const expression = new RegExp(`^${source}$`, 'u');
  return (name) => RegExpPrototypeExec(expression, name) !== null;
}

// Matches segment by segment; the table makes several `**` cost their product, not an exponential.
function matchSegments(names, matchers) {
  let reached = [];
  for (let m = 0; m <= matchers.length; m++) {
    const matcher = m === 0 ? undefined : matchers[m - 1];
    const last = m === matchers.length;
    const next = [];
    for (let n = 0; n <= names.length; n++) {
      if (m === 0) {
        next[n] = n === 0;
      } else if (matcher === '**') {
        // Nothing at all is enough in the middle; at the end it takes a segment.
        const taken = n > 0 && (next[n - 1] || (last && reached[n - 1])) && names[n - 1][0] !== '.';
        next[n] = taken || (!last && reached[n]);
      } else {
        next[n] = n > 0 && reached[n - 1] && matcher(names[n - 1]);
      }
    }
    reached = next;
  }
  return reached[names.length];
}

function inSlashes(text) {
  let slashes = '';
  for (let i = 0; i < text.length; i++) slashes += text[i] === '\\' ? '/' : text[i];
  return slashes;
}

// The segments of a path or pattern. Runs of slashes are one; `.` inside counts for nothing, and `..` takes back what it can.
function segmentsOf(path, windows) {
  const parts = split(path, '/');
  const segments = [];
  let count = 0;
  const share = windows && parts.length > 2 && parts[0] === '' && parts[1] === '' && parts[2] !== '';
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    const inside = i > 0 && i < parts.length - 1;
    if (inside && (part === '.' || (part === '' && !(share && i === 1)))) continue;
    const before = count > 0 ? segments[count - 1] : '';
    if (part === '..' && before !== '' && before !== '.' && before !== '..' && before !== '**') {
      count--;
      continue;
    }
    segments[count++] = part;
  }
  if (count === 0) segments[count++] = '';
  segments.length = count;
  return segments;
}

function collapseStars(segments) {
  const collapsed = [];
  for (let i = 0; i < segments.length; i++) {
    if (segments[i] !== '**' || segments[i - 1] !== '**') collapsed[collapsed.length] = segments[i];
  }
  return collapsed;
}

// A backslash is a slash in patterns of both flavours: nothing escapes.
function matches(path, pattern, windows) {
  pattern = inSlashes(pattern);
  if (windows) path = inSlashes(path);
  if (pattern === '') return path === '';
  const names = segmentsOf(path, windows);
  // A slash at the end of the path may be left over, but not one at the end of the pattern.
  const trimmed = [];
  for (let i = 0; i < names.length - 1; i++) trimmed[i] = names[i];
  const trailing = names.length > 1 && names[names.length - 1] === '';
  const patterns = unfold(pattern);
  for (let p = 0; p < patterns.length; p++) {
    const segments = collapseStars(segmentsOf(patterns[p], windows));
    const matchers = [];
    for (let i = 0; i < segments.length; i++) matchers[i] = segmentMatcher(segments[i]);
    if (matchSegments(names, matchers) || (trailing && matchSegments(trimmed, matchers))) return true;
  }
  return false;
}

exports.matches = matches;
