// fs.glob: walks a tree for the entries whose path matches a pattern.
'use strict';

const {
  ArrayIsArray,
  ArrayPrototypeIncludes,
  ArrayPrototypePush,
  ArrayPrototypeSome,
  StringPrototypeStartsWith,
} = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE },
} = require('internal/errors');
const { validateString } = require('internal/validators');
const { call } = require('internal/fs/native');
const { Dirent } = require('internal/fs/stats');
const { kEmptyObject } = require('internal/util');

function matcher(pattern) {
  return (path) => require('path').posix.matchesGlob(path, pattern);
}

function prepare(patterns, options = kEmptyObject) {
  const list = ArrayIsArray(patterns) ? patterns : [patterns];
  const tests = [];
  for (let i = 0; i < list.length; i++) {
    validateString(list[i], 'patterns');
    const pattern = StringPrototypeStartsWith(list[i], './') ? list[i].slice(2) : list[i];
    ArrayPrototypePush(tests, matcher(pattern));
  }
  const { cwd, exclude, withFileTypes = false } = options;
  let excludes = () => false;
  if (ArrayIsArray(exclude)) {
    const excluded = exclude.map(matcher);
    excludes = (path) => ArrayPrototypeSome(excluded, (test) => test(path));
  } else if (typeof exclude === 'function') {
    excludes = (path, entry) => exclude(withFileTypes ? entry : path);
  } else if (exclude != null) {
    throw new ERR_INVALID_ARG_TYPE('options.exclude', ['function', 'string[]'], exclude);
  }
  return { tests, excludes, withFileTypes, root: cwd === undefined ? '.' : `${cwd}` };
}

function* walk({ tests, excludes, withFileTypes, root }) {
  const queue = [''];
  const seen = [];
  while (queue.length > 0) {
    const relative = queue.shift();
    const directory = relative === '' ? root : `${root}/${relative}`;
    const flat = call('readDir', directory);
    if (typeof flat === 'number') {
      continue;
    }
    for (let i = 0; i < flat.length; i += 2) {
      const path = relative === '' ? flat[i] : `${relative}/${flat[i]}`;
      const entry = new Dirent(flat[i], require('path').posix.join(root, relative), flat[i + 1]);
      if (excludes(path, entry)) {
        continue;
      }
      if (ArrayPrototypeSome(tests, (test) => test(path)) && !ArrayPrototypeIncludes(seen, path)) {
        ArrayPrototypePush(seen, path);
        yield withFileTypes ? entry : path;
      }
      if (flat[i + 1] === 2) {
        ArrayPrototypePush(queue, path);
      }
    }
  }
}

function globSync(patterns, options) {
  return [...walk(prepare(patterns, options))];
}

async function* globPromise(patterns, options) {
  yield* walk(prepare(patterns, options));
}

module.exports = { globPromise, globSync };
