// Runs the entry of a program as `node entry.js` does.
'use strict';

const { StringPrototypeEndsWith } = primordials;

const { Module } = require('internal/modules/cjs');
const { throwNodeError } = require('internal/modules/errors');

// The file that the entry names, or its own words when there is none: then loading it says so.
function resolveMain(entry) {
  const found = native.modules.resolveMain(entry);
  return found === undefined ? undefined : throwNodeError(found);
}

function shouldImport(filename) {
  if (StringPrototypeEndsWith(filename, '.mjs')) {
    return true;
  }
  if (StringPrototypeEndsWith(filename, '.cjs')) {
    return false;
  }
  const format = native.modules.formatOf(filename);
  return format === 'module' || format === 'wasm';
}

function runMain(entry) {
  const filename = resolveMain(entry);
  if (filename !== undefined && shouldImport(filename)) {
    native.modules.importMain(filename);
    return;
  }
  Module._load(filename ?? entry, null, true);
}

module.exports = { resolveMain, runMain, shouldImport };
