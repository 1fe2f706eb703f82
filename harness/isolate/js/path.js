// The module `path`: POSIX paths, with the Windows flavour at `path.win32`.
'use strict';

const {
  StringPrototypeCharCodeAt,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
} = primordials;

const { validateString } = require('internal/validators');
const {
  baseName, extensionStart, formatParts, globMatches, joinSegments,
} = require('internal/path_shared');

const kSlash = 47;
const isSlash = (code) => code === kSlash;

function cwd() {
  return require('process').cwd();
}

function isAbsolutePath(path) {
  return path.length > 0 && StringPrototypeCharCodeAt(path, 0) === kSlash;
}

// Where the part before the last segment ends: -1 if there is none, 0 if it is the root.
function parentEnd(path, from) {
  let end = path.length;
  while (end > from && StringPrototypeCharCodeAt(path, end - 1) === kSlash) end--;
  const slash = end === 0 ? -1 : StringPrototypeLastIndexOf(path, '/', end - 1);
  return slash < from ? -1 : slash;
}

function resolve(...args) {
  let resolved = '';
  let absolute = false;
  for (let i = args.length - 1; i >= 0 && !absolute; i--) {
    const path = args[i];
    validateString(path, `paths[${i}]`);
    if (path.length === 0) continue;
    resolved = `${path}/${resolved}`;
    absolute = isAbsolutePath(path);
  }
  if (!absolute) {
    const path = cwd();
    resolved = `${path}/${resolved}`;
    absolute = isAbsolutePath(path);
  }
  resolved = joinSegments(resolved, !absolute, '/', isSlash);
  if (absolute) return `/${resolved}`;
  return resolved.length > 0 ? resolved : '.';
}

function normalize(path) {
  validateString(path, 'path');
  if (path.length === 0) return '.';
  const absolute = isAbsolutePath(path);
  const trailing = StringPrototypeCharCodeAt(path, path.length - 1) === kSlash;
  const normalized = joinSegments(path, !absolute, '/', isSlash);
  if (normalized.length === 0) {
    if (absolute) return '/';
    return trailing ? './' : '.';
  }
  return `${absolute ? '/' : ''}${normalized}${trailing ? '/' : ''}`;
}

function isAbsolute(path) {
  validateString(path, 'path');
  return isAbsolutePath(path);
}

function join(...args) {
  let joined = '';
  for (let i = 0; i < args.length; i++) {
    validateString(args[i], 'path');
    if (args[i].length > 0) joined += joined.length > 0 ? `/${args[i]}` : args[i];
  }
  return joined.length === 0 ? '.' : normalize(joined);
}

function relative(from, to) {
  validateString(from, 'from');
  validateString(to, 'to');
  if (from === to) return '';
  from = resolve(from);
  to = resolve(to);
  if (from === to) return '';
  // Both begin with a slash and, unless they are the root, end without one.
  const fromPath = from === '/' ? '' : from;
  const toPath = to === '/' ? '' : to;
  let shared = 0;
  for (let i = 0; i <= fromPath.length && i <= toPath.length; i++) {
    const a = i === fromPath.length ? kSlash : StringPrototypeCharCodeAt(fromPath, i);
    const b = i === toPath.length ? kSlash : StringPrototypeCharCodeAt(toPath, i);
    if (a !== b) break;
    if (a === kSlash) shared = i;
  }
  let up = '';
  for (let i = shared; i < fromPath.length; i++) {
    if (StringPrototypeCharCodeAt(fromPath, i) === kSlash) up += up.length === 0 ? '..' : '/..';
  }
  const down = StringPrototypeSlice(toPath, shared);
  return up.length === 0 ? StringPrototypeSlice(down, 1) : `${up}${down}`;
}

function toNamespacedPath(path) {
  return path;
}

function dirname(path) {
  validateString(path, 'path');
  if (path.length === 0) return '.';
  const end = parentEnd(path, 1);
  if (end === -1) return isAbsolutePath(path) ? '/' : '.';
  // Two slashes at the start are kept where they are all that is left.
  if (isAbsolutePath(path) && end === 1) return '//';
  return StringPrototypeSlice(path, 0, end);
}

function basename(path, suffix) {
  if (suffix !== undefined) validateString(suffix, 'suffix');
  validateString(path, 'path');
  return baseName(path, 0, suffix, isSlash);
}

function extname(path) {
  validateString(path, 'path');
  const base = baseName(path, 0, undefined, isSlash);
  const dot = extensionStart(base);
  return dot === -1 ? '' : StringPrototypeSlice(base, dot);
}

function format(pathObject) {
  return formatParts('/', pathObject);
}

function parse(path) {
  validateString(path, 'path');
  const parts = { root: '', dir: '', base: '', ext: '', name: '' };
  if (path.length === 0) return parts;
  const absolute = isAbsolutePath(path);
  if (absolute) parts.root = '/';
  parts.base = baseName(path, absolute ? 1 : 0, undefined, isSlash);
  // `/..` is no name with an extension, but Node says so.
  const dot = absolute && parts.base === '..' && path[1] === '.' ? 1 : extensionStart(parts.base);
  parts.name = dot === -1 ? parts.base : StringPrototypeSlice(parts.base, 0, dot);
  parts.ext = dot === -1 ? '' : StringPrototypeSlice(parts.base, dot);
  const end = parentEnd(path, absolute ? 1 : 0);
  if (end > 0) {
    parts.dir = StringPrototypeSlice(path, 0, end);
  } else if (absolute) {
    parts.dir = '/';
  }
  return parts;
}

function matchesGlob(path, pattern) {
  return globMatches(path, pattern, false);
}

const posix = {
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
  sep: '/',
  delimiter: ':',
  win32: null,
  posix: null,
};

module.exports = posix;
// Few programs on this platform ask for it.
require('internal/lazy').defineLazily(posix, 'internal/path_windows', ['win32'], true);
posix.posix = posix;
// Documented nowhere, used by old packages.
posix._makeLong = toNamespacedPath;
