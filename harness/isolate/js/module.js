// The `module` module: the CommonJS Module class with the functions that packages ask it for.
'use strict';

const {
  ObjectFreeze,
  StringPrototypeStartsWith,
} = primordials;

const { codes: { ERR_ACCESS_DENIED, ERR_INVALID_ARG_TYPE } } = require('internal/errors');
const { validateString } = require('internal/validators');
const { builtinModules, isBuiltin } = require('internal/modules/builtins');
const { Module } = require('internal/modules/cjs');
const { runMain } = require('internal/modules/run_main');
const { throwNodeError } = require('internal/modules/errors');

function refuse(name) {
  return {
    [name]() {
      throw new ERR_ACCESS_DENIED(`Access to this API has been restricted: module.${name}`);
    },
  }[name];
}

// Refreshes the named exports of builtins that were imported, after a package changed the builtin's object.
function syncBuiltinESMExports() {
  native.modules.syncBuiltinExports();
}

function pathOf(location, name) {
  const { URL, fileURLToPath } = require('internal/url');
  if (location instanceof URL || (typeof location === 'string' && StringPrototypeStartsWith(location, 'file:'))) {
    return fileURLToPath(location);
  }
  if (typeof location !== 'string') {
    throw new ERR_INVALID_ARG_TYPE(name, ['string', 'URL'], location);
  }
  return location;
}

// The package.json that rules a file or, for a bare name, that of the package it resolves to.
function findPackageJSON(specifier, base) {
  if (base === undefined) {
    const path = pathOf(specifier, 'specifier');
    return native.modules.packageScope(path);
  }
  validateString(`${specifier}`, 'specifier');
  const parent = require('internal/url').pathToFileURL(pathOf(base, 'base')).href;
  return throwNodeError(native.modules.findPackageJson(`${specifier}`, parent));
}

Module.isBuiltin = isBuiltin;
Module.syncBuiltinESMExports = syncBuiltinESMExports;
Module.builtinModules = ObjectFreeze(builtinModules);
Module.runMain = function executeUserEntryPoint(main = require('process').argv[1]) {
  runMain(main);
};
Module.findPackageJSON = findPackageJSON;
// These install hooks of the host's loader or write to its disk.
Module.register = refuse('register');
Module.registerHooks = refuse('registerHooks');
Module.enableCompileCache = function enableCompileCache() {
  return { __proto__: null, status: Module.constants.compileCacheStatus.DISABLED, message: 'the code cache is the runtime\'s own' };
};
Module.flushCompileCache = function flushCompileCache() {};
Module.getCompileCacheDir = function getCompileCacheDir() {};
Module.constants = ObjectFreeze({
  __proto__: null,
  compileCacheStatus: ObjectFreeze({
    __proto__: null, FAILED: 0, ENABLED: 1, ALREADY_ENABLED: 2, DISABLED: 3,
  }),
});
// Source maps are not read; Node without --enable-source-maps answers the same.
Module.findSourceMap = function findSourceMap() {};
Module.getSourceMapsSupport = function getSourceMapsSupport() {
  return { __proto__: null, enabled: false, generatedCode: false, nodeModules: false };
};
Module.setSourceMapsSupport = refuse('setSourceMapsSupport');
Module.stripTypeScriptTypes = refuse('stripTypeScriptTypes');

module.exports = Module;
