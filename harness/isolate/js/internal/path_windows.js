// The Windows flavour of paths.
'use strict';

const {
  StringPrototypeCharCodeAt, StringPrototypeIndexOf, StringPrototypeSlice,
  StringPrototypeToLowerCase, StringPrototypeToUpperCase,
} = primordials;

const { validateString } = require('internal/validators');
const {
  baseName, extensionStart, formatParts, globMatches, joinSegments,
} = require('internal/path_shared');

const kColon = 58;
const kDot = 46;
const kQuestion = 63;

const isSeparator = (code) => code === 47 || code === 92;

function isLetter(code) {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

const reservedNames = {
  '__proto__': null,
  'CON': true, 'PRN': true, 'AUX': true, 'NUL': true,
  'COM1': true, 'COM2': true, 'COM3': true, 'COM4': true, 'COM5': true,
  'COM6': true, 'COM7': true, 'COM8': true, 'COM9': true,
  'LPT1': true, 'LPT2': true, 'LPT3': true, 'LPT4': true, 'LPT5': true,
  'LPT6': true, 'LPT7': true, 'LPT8': true, 'LPT9': true,
  'COM\xb9': true, 'COM\xb2': true, 'COM\xb3': true,
  'LPT\xb9': true, 'LPT\xb2': true, 'LPT\xb3': true,
};

function isReservedName(path, colon) {
  return reservedNames[StringPrototypeToUpperCase(StringPrototypeSlice(path, 0, colon))] === true;
}

function at(path, index) {
  return index < path.length ? StringPrototypeCharCodeAt(path, index) : -1;
}

function spanEnd(path, from, separators) {
  let end = from;
  while (end < path.length && isSeparator(StringPrototypeCharCodeAt(path, end)) === separators) end++;
  return end;
}

// `\\server\share`: where its parts lie; `undefined` for anything else.
function uncOf(path) {
  if (!isSeparator(at(path, 0)) || !isSeparator(at(path, 1))) return undefined;
  const serverEnd = spanEnd(path, 2, false);
  if (serverEnd === 2 || serverEnd === path.length) return undefined;
  const shareStart = spanEnd(path, serverEnd, true);
  if (shareStart === path.length) return undefined;
  return {
    __proto__: null,
    server: StringPrototypeSlice(path, 2, serverEnd),
    shareStart,
    shareEnd: spanEnd(path, shareStart, false),
  };
}

// The device of a path (a drive or a share), how long the root is, and whether the path is absolute.
function rootOf(path) {
  if (isSeparator(at(path, 0))) {
    const unc = uncOf(path);
    if (unc === undefined) {
      return { __proto__: null, device: '', end: isSeparator(at(path, 1)) ? 0 : 1, absolute: true };
    }
    if (unc.server === '.' || unc.server === '?') {
      return { __proto__: null, device: `\\\\${unc.server}`, end: 4, absolute: true };
    }
    const share = StringPrototypeSlice(path, unc.shareStart, unc.shareEnd);
    return {
      __proto__: null, device: `\\\\${unc.server}\\${share}`, end: unc.shareEnd, absolute: true, unc,
    };
  }
  if (isLetter(at(path, 0)) && at(path, 1) === kColon) {
    const absolute = isSeparator(at(path, 2));
    return {
      __proto__: null, device: StringPrototypeSlice(path, 0, 2), end: absolute ? 3 : 2, absolute,
    };
  }
  return { __proto__: null, device: '', end: 0, absolute: false };
}

function sameDevice(a, b) {
  return StringPrototypeToLowerCase(a) === StringPrototypeToLowerCase(b);
}

// Whether a part of `path` between backslashes names a device, as `LPT1:` does.
function hasReservedPart(path) {
  let start = 0;
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && at(path, i) !== 92) continue;
    const part = StringPrototypeSlice(path, start, i);
    const colon = StringPrototypeIndexOf(part, ':');
    if (colon !== -1 && isReservedName(part, colon)) return true;
    start = i + 1;
  }
  return false;
}

function withBackslashes(path) {
  let text = '';
  for (let i = 0; i < path.length; i++) text += path[i] === '/' ? '\\' : path[i];
  return text;
}

// Where resolution goes on when the arguments leave it relative: this runtime has no drives, so a drive's directory is its root.
function fallbackOf(device) {
  const directory = require('process').cwd();
  if (device.length === 0) return directory;
  const matches = StringPrototypeToLowerCase(StringPrototypeSlice(directory, 0, 2)) ===
    StringPrototypeToLowerCase(device);
  return !matches && at(directory, 2) === 92 ? `${device}\\` : directory;
}

function resolve(...args) {
  let device = '';
  let tail = '';
  let absolute = false;
  for (let i = args.length - 1; i >= -1; i--) {
    let path;
    if (i >= 0) {
      path = args[i];
      validateString(path, `paths[${i}]`);
      if (path.length === 0) continue;
    } else {
      path = fallbackOf(device);
    }
    const root = rootOf(path);
    if (root.device.length > 0) {
      if (device.length > 0) {
        if (!sameDevice(root.device, device)) continue;
      } else {
        device = root.device;
      }
    }
    if (absolute) {
      if (device.length > 0) break;
    } else {
      tail = `${StringPrototypeSlice(path, root.end)}\\${tail}`;
      absolute = root.absolute;
      if (absolute && device.length > 0) break;
    }
  }
  tail = joinSegments(tail, !absolute, '\\', isSeparator);
  if (absolute) return `${device}\\${tail}`;
  return `${device}${tail}` || '.';
}

function normalize(path) {
  validateString(path, 'path');
  const { length } = path;
  if (length === 0) return '.';
  if (length === 1) return at(path, 0) === 47 ? '\\' : path;
  const colon = StringPrototypeIndexOf(path, ':');
  const reserved = isReservedName(path, colon);
  const root = reserved && colon > 0 ?
    { __proto__: null, device: StringPrototypeSlice(path, 0, colon + 1), end: colon + 1, absolute: false } :
    rootOf(path);
  const { absolute, device, unc } = root;
  // A share without anything behind it.
  if (unc !== undefined && unc.shareEnd === length) return `${device}\\`;
  let tail = root.end < length ?
    joinSegments(StringPrototypeSlice(path, root.end), !absolute, '\\', isSeparator) : '';
  if (tail.length === 0 && !absolute) tail = '.';
  if (tail.length > 0 && isSeparator(at(path, length - 1))) tail += '\\';
  if (!absolute && device.length === 0 && colon !== -1) {
    // What was no drive must not become one: `a/../c:/x` stays relative.
    if (tail.length >= 2 && isLetter(at(tail, 0)) && at(tail, 1) === kColon) return `.\\${tail}`;
    let index = colon;
    do {
      if (index === length - 1 || isSeparator(at(path, index + 1))) return `.\\${tail}`;
      index = StringPrototypeIndexOf(path, ':', index + 1);
    } while (index !== -1);
  }
  // Without a colon this leaves out the last character before it compares, as Node does.
  if (reserved) return `.\\${device}${tail}`;
  return absolute ? `${device}\\${tail}` : `${device}${tail}`;
}

function isAbsolute(path) {
  validateString(path, 'path');
  return isSeparator(at(path, 0)) ||
    (isLetter(at(path, 0)) && at(path, 1) === kColon && isSeparator(at(path, 2)));
}

function join(...args) {
  let joined;
  let first;
  for (let i = 0; i < args.length; i++) {
    validateString(args[i], 'path');
    if (args[i].length === 0) continue;
    if (joined === undefined) {
      joined = args[i];
      first = args[i];
    } else {
      joined += `\\${args[i]}`;
    }
  }
  if (joined === undefined) return '.';
  // Joined parts must not look like a share that none of them was: only a first part with exactly two separators is one.
  let slashes = 0;
  let replace = true;
  if (isSeparator(at(first, 0))) {
    slashes++;
    if (first.length > 1 && isSeparator(at(first, 1))) {
      slashes++;
      if (first.length > 2) {
        if (isSeparator(at(first, 2))) slashes++;
        else replace = false;
      }
    }
  }
  if (replace) {
    slashes = spanEnd(joined, slashes, true);
    if (slashes >= 2) joined = `\\${StringPrototypeSlice(joined, slashes)}`;
  }
  return hasReservedPart(joined) ? withBackslashes(joined) : normalize(joined);
}

function relative(from, to) {
  validateString(from, 'from');
  validateString(to, 'to');
  if (from === to) return '';
  const fromOriginal = resolve(from);
  const toOriginal = resolve(to);
  if (fromOriginal === toOriginal) return '';
  from = StringPrototypeToLowerCase(fromOriginal);
  to = StringPrototypeToLowerCase(toOriginal);
  if (from === to) return '';

  let fromStart = 0;
  while (fromStart < from.length && at(from, fromStart) === 92) fromStart++;
  let fromEnd = from.length;
  while (fromEnd - 1 > fromStart && at(from, fromEnd - 1) === 92) fromEnd--;
  let toStart = 0;
  while (toStart < to.length && at(to, toStart) === 92) toStart++;
  let toEnd = to.length;
  while (toEnd - 1 > toStart && at(to, toEnd - 1) === 92) toEnd--;
  const fromLength = fromEnd - fromStart;
  const toLength = toEnd - toStart;
  const length = fromLength < toLength ? fromLength : toLength;

  let shared = -1;
  let i = 0;
  for (; i < length; i++) {
    const code = at(from, fromStart + i);
    if (code !== at(to, toStart + i)) break;
    if (code === 92) shared = i;
  }
  if (i !== length) {
    // Not even the device is shared.
    if (shared === -1) return toOriginal;
  } else {
    if (toLength > length) {
      if (at(to, toStart + i) === 92) return StringPrototypeSlice(toOriginal, toStart + i + 1);
      if (i === 2) return StringPrototypeSlice(toOriginal, toStart + i);
    }
    if (fromLength > length) {
      if (at(from, fromStart + i) === 92) shared = i;
      else if (i === 2) shared = 3;
    }
    if (shared === -1) shared = 0;
  }

  let up = '';
  for (i = fromStart + shared + 1; i <= fromEnd; i++) {
    if (i === fromEnd || at(from, i) === 92) up += up.length === 0 ? '..' : '\\..';
  }
  toStart += shared;
  if (up.length > 0) return `${up}${StringPrototypeSlice(toOriginal, toStart, toEnd)}`;
  if (at(toOriginal, toStart) === 92) toStart++;
  return StringPrototypeSlice(toOriginal, toStart, toEnd);
}

function toNamespacedPath(path) {
  if (typeof path !== 'string' || path.length === 0) return path;
  const resolved = resolve(path);
  if (resolved.length <= 2) return path;
  if (at(resolved, 0) === 92) {
    if (at(resolved, 1) === 92) {
      const code = at(resolved, 2);
      if (code !== kQuestion && code !== kDot) return `\\\\?\\UNC\\${StringPrototypeSlice(resolved, 2)}`;
    }
  } else if (isLetter(at(resolved, 0)) && at(resolved, 1) === kColon && at(resolved, 2) === 92) {
    return `\\\\?\\${resolved}`;
  }
  return resolved;
}

// How much of a path is root for `dirname` and `parse`: a share keeps the separator behind it.
function rootLength(path) {
  if (isSeparator(at(path, 0))) {
    const unc = uncOf(path);
    if (unc === undefined) return 1;
    return unc.shareEnd < path.length ? unc.shareEnd + 1 : unc.shareEnd;
  }
  if (isLetter(at(path, 0)) && at(path, 1) === kColon) return isSeparator(at(path, 2)) ? 3 : 2;
  return 0;
}

function dirname(path) {
  validateString(path, 'path');
  const { length } = path;
  if (length === 0) return '.';
  if (length === 1) return isSeparator(at(path, 0)) ? path : '.';
  if (isSeparator(at(path, 0)) && uncOf(path)?.shareEnd === length) return path;
  const root = rootLength(path);
  let end = length;
  while (end > root && isSeparator(at(path, end - 1))) end--;
  while (end > root && !isSeparator(at(path, end - 1))) end--;
  if (end > root) return StringPrototypeSlice(path, 0, end - 1);
  return root > 0 ? StringPrototypeSlice(path, 0, root) : '.';
}

function basename(path, suffix) {
  if (suffix !== undefined) validateString(suffix, 'suffix');
  validateString(path, 'path');
  const start = isLetter(at(path, 0)) && at(path, 1) === kColon ? 2 : 0;
  return baseName(path, start, suffix, isSeparator);
}

function extname(path) {
  validateString(path, 'path');
  const start = isLetter(at(path, 0)) && at(path, 1) === kColon ? 2 : 0;
  const base = baseName(path, start, undefined, isSeparator);
  const dot = extensionStart(base);
  return dot === -1 ? '' : StringPrototypeSlice(base, dot);
}

function format(pathObject) {
  return formatParts('\\', pathObject);
}

function parse(path) {
  validateString(path, 'path');
  const parts = { root: '', dir: '', base: '', ext: '', name: '' };
  const { length } = path;
  if (length === 0) return parts;
  const root = rootLength(path);
  if (root > 0) parts.root = StringPrototypeSlice(path, 0, root);
  if (root === length && (length === 1 || root > 1)) {
    parts.dir = path;
    if (length === 1 && root === 0) parts.base = parts.name = path;
    return parts;
  }
  parts.base = baseName(path, root, undefined, isSeparator);
  const dot = extensionStart(parts.base);
  parts.name = dot === -1 ? parts.base : StringPrototypeSlice(parts.base, 0, dot);
  parts.ext = dot === -1 ? '' : StringPrototypeSlice(parts.base, dot);
  let end = length;
  while (end > root && isSeparator(at(path, end - 1))) end--;
  const begin = end - parts.base.length;
  parts.dir = begin > root && begin - 1 !== root ?
    StringPrototypeSlice(path, 0, begin - 1) : parts.root;
  return parts;
}

function matchesGlob(path, pattern) {
  return globMatches(path, pattern, true);
}

module.exports = {
  resolve,
  normalize,
  isAbsolute,
  join,
  relative,
  toNamespacedPath,
  dirname,
  basename,
  extname,
  format,
  parse,
  matchesGlob,
  sep: '\\',
  delimiter: ';',
  win32: null,
  posix: null,
};
const posix = require('path');
module.exports.win32 = module.exports;
module.exports.posix = posix;
// Documented nowhere, used by old packages.
module.exports._makeLong = toNamespacedPath;
