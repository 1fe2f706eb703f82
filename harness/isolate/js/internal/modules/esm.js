// The JavaScript side of the ES module loader: CommonJS and JSON as modules, import.meta, and the errors of linking.
'use strict';

const {
  JSONParse,
  ObjectPrototypeHasOwnProperty,
  SafeSet,
  StringPrototypeEndsWith,
  StringPrototypeIncludes,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
} = primordials;

const { makeNodeError, throwNodeError } = require('internal/modules/errors');
const cjs = require('internal/modules/cjs');
const { Module, dirname, kFormat, kIsCachedByESMLoader, kIsExecuting, kIsMainSymbol, kURL, stripBOM } = cjs;

// A CommonJS module that is imported gets its Module when it is linked, before it runs: a require() in between finds it.
function prepareCommonJs(filename) {
  let module = Module._cache[filename];
  if (module !== undefined) {
    return;
  }
  module = new Module(filename);
  module.filename = filename;
  module.paths = Module._nodeModulePaths(dirname(filename));
  module[kIsMainSymbol] = false;
  module[kIsCachedByESMLoader] = true;
  module[kURL] = undefined;
  module[kFormat] = 'commonjs';
  Module._cache[filename] = module;
}

function isExecuting(filename) {
  const module = Module._cache[filename];
  return module !== undefined && !module.loaded && module[kIsExecuting] === true;
}

// Runs it unless it ran, and gives `[module.exports, value of each name, ...]`; a name that is not there or throws is undefined.
function evaluateCommonJs(filename, names, isMain) {
  const module = Module._cache[filename];
  const exports = module?.loaded ? module.exports : Module._load(filename, undefined, isMain);
  const values = [exports];
  for (let i = 0; i < names.length; i++) {
    values[i + 1] = exportOf(exports, names[i]);
  }
  return values;
}

function exportOf(exports, name) {
  if (exports === null || exports === undefined || !ObjectPrototypeHasOwnProperty(exports, name)) {
    return undefined;
  }
  try {
    return exports[name];
  } catch {
    // A getter that throws does not break the import.
    return undefined;
  }
}

// The value of a JSON module; one that was required before is the same object.
function jsonModule(filename, text) {
  const module = filename === undefined ? undefined : Module._cache[filename];
  if (module?.loaded) {
    return module.exports;
  }
  let value;
  try {
    value = JSONParse(stripBOM(text));
  } catch (error) {
    error.message = `${filename ?? 'data:'}: ${error.message}`;
    throw error;
  }
  if (filename !== undefined) {
    const fresh = new Module(filename);
    fresh.filename = filename;
    fresh.paths = Module._nodeModulePaths(dirname(filename));
    fresh.exports = value;
    fresh.loaded = true;
    fresh[kIsMainSymbol] = false;
    fresh[kIsCachedByESMLoader] = true;
    fresh[kURL] = undefined;
    fresh[kFormat] = 'json';
    Module._cache[filename] ??= fresh;
  }
  return value;
}

function initializeImportMeta(meta, url, filename, isMain) {
  if (filename !== undefined) {
    meta.dirname = dirname(filename);
    meta.filename = filename;
  }
  meta.main = isMain;
  meta.resolve = function resolve(specifier) {
    return throwNodeError(native.modules.importMetaResolve(`${specifier}`, url));
  };
  meta.url = url;
}

const warnedAbout = new SafeSet();

// Node says so once per package that it had to parse files of twice; who installed a package cannot change it, and without a
// package.json there is nothing to advise.
function typelessWarning(filename) {
  const config = native.modules.packageScope(filename);
  if (config === undefined || warnedAbout.has(config) || StringPrototypeIncludes(filename, '/node_modules/')) {
    return;
  }
  warnedAbout.add(config);
  const { pathToFileURL } = require('internal/url');
  const url = StringPrototypeStartsWith(filename, 'file:') ? filename : pathToFileURL(filename).href;
  require('process').emitWarning(
    `Module type of ${url} is not specified and it doesn't parse as CommonJS.\n` +
    'Reparsing as ES module because module syntax was detected. This incurs a performance overhead.\n' +
    `To eliminate this warning, add "type": "module" to ${config}.`,
    { __proto__: null, code: 'MODULE_TYPELESS_PACKAGE_JSON' },
  );
}

// What to write in an ES module in place of each name that only CommonJS has.
const inPlaceOf = {
  __proto__: null,
  __dirname: 'use import.meta.dirname instead.',
  __filename: 'use import.meta.filename instead.',
  exports: 'use export instead of module.exports/exports.',
  module: 'use export instead of module.exports/exports.',
  require: 'replace require() with import.',
};

// The package.json by whose `type` a `.js` file is an ES module.
function packageThatMadeItModule(url) {
  if (!StringPrototypeStartsWith(url, 'file:')) {
    return undefined;
  }
  const filename = require('internal/url').fileURLToPath(url);
  if (!StringPrototypeEndsWith(filename, '.js') || native.modules.formatOf(filename) !== 'module') {
    return undefined;
  }
  return native.modules.packageScope(filename);
}

// Tells in the error that an evaluation of the module at `url` failed with that it used a name of CommonJS.
function explainNotDefined(error, url, hasTopLevelAwait) {
  if (error.name !== 'ReferenceError' || typeof error.message !== 'string' ||
      !StringPrototypeEndsWith(error.message, ' is not defined')) {
    return;
  }
  const name = StringPrototypeSlice(error.message, 0, -' is not defined'.length);
  const advice = inPlaceOf[name];
  if (advice === undefined) {
    return;
  }
  if (hasTopLevelAwait) {
    error.message = `Cannot determine intended module format because both '${name}' and top-level await are present. ` +
      'If the code is intended to be CommonJS, wrap await in an async function. ' +
      `If the code is intended to be an ES module, ${advice}`;
    error.code = 'ERR_AMBIGUOUS_MODULE_SYNTAX';
    return;
  }
  error.message += ' in ES module scope';
  if (name === 'require') {
    error.message += ', you can use import instead';
  }
  const config = packageThatMadeItModule(url);
  if (config !== undefined) {
    error.message += '\nThis file is being treated as an ES module because it has a \'.js\' file extension and ' +
      `'${config}' contains "type": "module". ` +
      'To treat it as a CommonJS script, rename it to use the \'.cjs\' file extension.';
  }
}

module.exports = {
  evaluateCommonJs,
  explainNotDefined,
  initializeImportMeta,
  isExecuting,
  jsonModule,
  nodeError: makeNodeError,
  prepareCommonJs,
  typelessWarning,
};
