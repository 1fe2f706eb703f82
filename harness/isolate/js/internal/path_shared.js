// What both flavours of paths share: segments, names, extensions, and the glob door.
'use strict';

const {
  StringPrototypeCharCodeAt, StringPrototypeEndsWith, StringPrototypeLastIndexOf,
  StringPrototypeSlice,
} = primordials;

const { validateObject, validateString } = require('internal/validators');

// The segments of a path, without `.`, with `..` resolved; those that leave the start are kept where `allowAbove` says.
function joinSegments(path, allowAbove, separator, isSeparator) {
  const segments = [];
  let count = 0;
  let start = 0;
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && !isSeparator(StringPrototypeCharCodeAt(path, i))) continue;
    const segment = StringPrototypeSlice(path, start, i);
    start = i + 1;
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') {
      segments[count++] = segment;
    } else if (count > 0 && segments[count - 1] !== '..') {
      count--;
    } else if (allowAbove) {
      segments[count++] = segment;
    }
  }
  let joined = '';
  for (let i = 0; i < count; i++) joined += i === 0 ? segments[i] : `${separator}${segments[i]}`;
  return joined;
}

// The last segment from `start` on, trailing separators left out, without `suffix` unless that is all of it.
function baseName(path, start, suffix, isSeparator) {
  if (suffix !== undefined && suffix.length > 0 && suffix === path) return '';
  let end = path.length;
  while (end > start && isSeparator(StringPrototypeCharCodeAt(path, end - 1))) end--;
  let begin = end;
  while (begin > start && !isSeparator(StringPrototypeCharCodeAt(path, begin - 1))) begin--;
  const base = StringPrototypeSlice(path, begin, end);
  if (suffix === undefined || suffix.length === 0 || suffix.length > path.length || suffix === base) {
    return base;
  }
  if (StringPrototypeEndsWith(base, suffix)) {
    return StringPrototypeSlice(base, 0, base.length - suffix.length);
  }
  // Node's comparison ends at the separator here, undecided, and then keeps everything.
  if (StringPrototypeEndsWith(suffix, base)) return StringPrototypeSlice(path, begin);
  return base;
}

// Where the extension of a name starts: at its last dot, unless that is its first character or the name is `..`.
function extensionStart(base) {
  const dot = StringPrototypeLastIndexOf(base, '.');
  return dot <= 0 || base === '..' ? -1 : dot;
}

function formatExtension(ext) {
  return ext ? `${ext[0] === '.' ? '' : '.'}${ext}` : '';
}

function formatParts(separator, pathObject) {
  validateObject(pathObject, 'pathObject');
  const dir = pathObject.dir || pathObject.root;
  const base = pathObject.base || `${pathObject.name || ''}${formatExtension(pathObject.ext)}`;
  if (!dir) return base;
  return dir === pathObject.root ? `${dir}${base}` : `${dir}${separator}${base}`;
}

function globMatches(path, pattern, windows) {
  validateString(path, 'path');
  validateString(pattern, 'pattern');
  // Made when first asked for: hardly anybody asks.
  return require('internal/path_glob').matches(path, pattern, windows);
}

exports.baseName = baseName;
exports.extensionStart = extensionStart;
exports.formatParts = formatParts;
exports.globMatches = globMatches;
exports.joinSegments = joinSegments;
