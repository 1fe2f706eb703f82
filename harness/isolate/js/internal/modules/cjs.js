// The CommonJS loader: the Module class with Node's members and semantics.
'use strict';

const {
  ArrayIsArray,
  ArrayPrototypeForEach,
  ArrayPrototypeIncludes,
  ArrayPrototypeIndexOf,
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  ArrayPrototypeSplice,
  JSONParse,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectKeys,
  ObjectPrototype,
  ObjectPrototypeHasOwnProperty,
  ObjectSetPrototypeOf,
  Proxy,
  ReflectApply,
  ReflectSet,
  SafeSet,
  String,
  StringPrototypeCharCodeAt,
  StringPrototypeEndsWith,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  Symbol,
} = primordials;

const { codes: { ERR_DLOPEN_DISABLED, ERR_INVALID_ARG_VALUE, ERR_REQUIRE_CYCLE_MODULE, ERR_UNKNOWN_BUILTIN_MODULE } } = require('internal/errors');
const { validateObject, validateString } = require('internal/validators');
const { throwNodeError } = require('internal/modules/errors');
const { canBeRequired, loadPublicBuiltin, stripScheme } = require('internal/modules/builtins');

const kIsMainSymbol = Symbol('kIsMainSymbol');
const kIsCachedByESMLoader = Symbol('kIsCachedByESMLoader');
const kURL = Symbol('kURL');
const kFormat = Symbol('kFormat');
const kIsExecuting = Symbol('kIsExecuting');
const kModuleExportNames = Symbol('kModuleExportNames');
const kRequiredModuleSymbol = Symbol('kRequiredModuleSymbol');

// The parent is kept apart from the module's properties, so that printing one does not print the whole program: a private slot,
// which any object can be given.
class ParentSlot extends (function slot(object) {
  return object;
}) {
  #parent;
  static get(module) {
    return typeof module === 'object' && module !== null && #parent in module ? module.#parent : undefined;
  }
  static set(module, parent) {
    if (!(#parent in module)) {
      new ParentSlot(module);
    }
    module.#parent = parent;
  }
}

const { modules } = native;

function dirname(filename) {
  const slash = StringPrototypeLastIndexOf(filename, '/');
  return slash <= 0 ? '/' : StringPrototypeSlice(filename, 0, slash);
}

function updateChildren(parent, child, scan) {
  const children = parent?.children;
  if (children && !(scan && ArrayPrototypeIncludes(children, child))) {
    ArrayPrototypePush(children, child);
  }
}

function Module(id = '', parent) {
  this.id = id;
  this.path = id === '' ? '.' : dirname(id);
  this.exports = {};
  ParentSlot.set(this, parent);
  updateChildren(parent, this, false);
  this.filename = null;
  this.loaded = false;
  this.children = [];
}

function getParent(module) {
  return ParentSlot.get(module);
}

Module._cache = { __proto__: null };
Module._pathCache = { __proto__: null };
Module._extensions = { __proto__: null };
Module.globalPaths = [];

ObjectDefineProperty(Module.prototype, 'parent', {
  __proto__: null,
  configurable: true,
  enumerable: false,
  get() {
    return getParent(this);
  },
  set(value) {
    ParentSlot.set(this, value);
  },
});

ObjectDefineProperty(Module.prototype, 'isPreloading', {
  __proto__: null,
  configurable: true,
  enumerable: false,
  get() {
    return false;
  },
});

// Node deprecated it and says nothing without NODE_DEBUG.
Module._debug = function _debug() {};

const wrapper = ['(function (exports, require, module, __filename, __dirname) { ', '\n});'];
let patched = false;

let wrap = function wrap(script) {
  return wrapper[0] + script + wrapper[1];
};

const wrapperProxy = new Proxy(wrapper, {
  __proto__: null,
  set(target, property, value, receiver) {
    patched = true;
    return ReflectSet(target, property, value, receiver);
  },
  defineProperty(target, property, descriptor) {
    patched = true;
    ObjectDefineProperty(target, property, descriptor);
    return true;
  },
});

ObjectDefineProperty(Module, 'wrap', {
  __proto__: null,
  get() {
    return wrap;
  },
  set(value) {
    patched = true;
    wrap = value;
  },
});

ObjectDefineProperty(Module, 'wrapper', {
  __proto__: null,
  get() {
    return wrapperProxy;
  },
  set(value) {
    patched = true;
    wrapper[0] = value[0];
    wrapper[1] = value[1];
  },
});

Module._nodeModulePaths = function _nodeModulePaths(from) {
  return modules.nodeModulePaths(require('path').resolve(from));
};

// What `module.paths` is at first, by directory: each module gets a list of its own.
const pathsByDirectory = { __proto__: null };

function initialPaths(directory) {
  if (Module._nodeModulePaths !== originalNodeModulePaths) {
    return Module._nodeModulePaths(directory);
  }
  return ArrayPrototypeSlice(pathsByDirectory[directory] ??= modules.nodeModulePaths(directory));
}

// Whether nothing changed where a module looks for packages.
function hasInitialPaths(module) {
  const { paths } = module;
  const initial = pathsByDirectory[module.path];
  if (initial === undefined || !ArrayIsArray(paths) || paths.length !== initial.length) {
    return false;
  }
  for (let i = 0; i < initial.length; i++) {
    if (paths[i] !== initial[i]) {
      return false;
    }
  }
  return true;
}

Module._initPaths = function _initPaths() {
  Module.globalPaths = [];
};

Module._preloadModules = function _preloadModules() {};

Module._resolveLookupPaths = function _resolveLookupPaths(request, parent) {
  return modules.lookupPaths(`${request}`, parent?.filename ?? undefined, parent?.paths ?? undefined) ?? null;
};

// The stack of requires that led here, for the message of an error.
function requireStackOf(parent) {
  const stack = [];
  const seen = new SafeSet();
  for (let cursor = parent; cursor && !seen.has(cursor); cursor = getParent(cursor)) {
    seen.add(cursor);
    ArrayPrototypePush(stack, cursor.filename || cursor.id);
  }
  return stack;
}

function warn(warnings) {
  for (let i = 0; i < warnings.length; i += 2) {
    require('process').emitWarning(warnings[i + 1], 'DeprecationWarning', warnings[i]);
  }
}

Module._findPath = function _findPath(request, paths, isMain) {
  const found = modules.findPath(`${request}`, paths ?? [], ObjectKeys(Module._extensions), warn);
  return found === undefined ? false : throwNodeError(found);
};
const originalNodeModulePaths = Module._nodeModulePaths;
const originalFindPath = Module._findPath;
const originalLookupPaths = Module._resolveLookupPaths;

function resolveAgain(request, filename) {
  const extensions = ObjectKeys(Module._extensions);
  if (extensions.length === 3 && extensions[0] === '.js' && extensions[1] === '.json' && extensions[2] === '.node') {
    return modules.resolveAgain(request, filename);
  }
  return undefined;
}

function explicitPaths(options) {
  if (options === null || typeof options !== 'object' || options.paths === undefined) {
    return undefined;
  }
  if (!ArrayIsArray(options.paths)) {
    throw new ERR_INVALID_ARG_VALUE('options.paths', options.paths);
  }
  return options.paths;
}

Module._resolveFilename = function _resolveFilename(request, parent, isMain, options) {
  if (canBeRequired(request)) {
    return request;
  }
  // Packages that hook resolution replace these two; then theirs are asked first, as Node would.
  if (Module._findPath !== originalFindPath || Module._resolveLookupPaths !== originalLookupPaths) {
    const found = Module._findPath(request, Module._resolveLookupPaths(request, parent), isMain);
    if (found) {
      return found;
    }
  }
  // An answer without an error or a warning needs no way to be told.
  if (parent?.filename && options === undefined && typeof request === 'string' && hasInitialPaths(parent)) {
    const again = resolveAgain(request, parent.filename);
    if (again !== undefined) {
      return again;
    }
  }
  return throwNodeError(modules.resolveFilename(
    `${request}`,
    parent?.filename ?? undefined,
    parent?.paths ?? undefined,
    requireStackOf(parent),
    explicitPaths(options),
    ObjectKeys(Module._extensions),
    warn,
  ));
};

// What partial exports are wrapped in while a cycle is open, so that a missing member warns as in Node.
// Its target is an ordinary object: `hasOwnProperty` and its like are there, and warn of nothing.
const proxyPrototype = new Proxy({}, {
  __proto__: null,
  get(target, property) {
    if (property in target || property === '__esModule') {
      return target[property];
    }
    warnCircular(property);
    return undefined;
  },
  getOwnPropertyDescriptor(target, property) {
    if (ObjectPrototypeHasOwnProperty(target, property) || property === '__esModule') {
      return ObjectGetOwnPropertyDescriptor(target, property);
    }
    warnCircular(property);
    return undefined;
  },
});

function warnCircular(property) {
  require('process').emitWarning(
    `Accessing non-existent property '${String(property)}' of module exports inside circular dependency`,
  );
}

function exportsForCircularRequire(module) {
  const { exports } = module;
  if (exports !== null && typeof exports === 'object' && primordials.ObjectGetPrototypeOf(exports) === ObjectPrototype &&
      !native.util?.isProxy?.(exports) && !exports.__esModule) {
    ObjectSetPrototypeOf(exports, proxyPrototype);
  }
  return exports;
}

// Resolutions by requester's directory: what was resolved once is not asked again while the module is cached.
const relativeResolveCache = { __proto__: null };

function cachedModule(filename, parent) {
  const cached = Module._cache[filename];
  if (cached === undefined) {
    return undefined;
  }
  updateChildren(parent, cached, true);
  return cached;
}

function openModule(cached) {
  if (cached.loaded) {
    return cached.exports;
  }
  // Made for a static import and not run yet: this require runs it.
  if (cached[kIsCachedByESMLoader] && !cached[kIsExecuting]) {
    return undefined;
  }
  if (cached[kRequiredModuleSymbol] === null) {
    throw new ERR_REQUIRE_CYCLE_MODULE(requireCycleMessage(cached.filename, getParent(cached)));
  }
  return exportsForCircularRequire(cached);
}

function requireCycleMessage(filename, parent) {
  const from = parent?.filename ? ` (from ${parent.filename})` : '';
  return `Cannot require() ES Module ${filename} in a cycle.${from}`;
}

Module._load = function _load(request, parent, isMain) {
  let relative;
  if (parent) {
    relative = `${parent.path}\x00${request}`;
    const filename = relativeResolveCache[relative];
    if (filename !== undefined) {
      const cached = cachedModule(filename, parent);
      if (cached !== undefined && cached.loaded) {
        return cached.exports;
      }
      delete relativeResolveCache[relative];
    }
  }
  if (StringPrototypeStartsWith(request, 'node:')) {
    const id = StringPrototypeSlice(request, 5);
    if (!canBeRequired(request)) {
      throw new ERR_UNKNOWN_BUILTIN_MODULE(request);
    }
    return loadBuiltin(id, parent);
  }
  const filename = Module._resolveFilename(request, parent, isMain);
  const cached = cachedModule(filename, parent);
  if (cached !== undefined) {
    const exports = openModule(cached);
    if (exports !== undefined || cached.loaded || cached[kIsExecuting]) {
      return exports;
    }
  }
  if (canBeRequired(filename)) {
    return loadBuiltin(stripScheme(filename), parent);
  }
  return loadFile(filename, parent, isMain, cached, relative);
};

let punycodeLoaded = false;

// Node warns of `punycode` when it is first loaded, unless by an installed package.
function loadBuiltin(id, parent) {
  if (id === 'punycode' && !punycodeLoaded) {
    punycodeLoaded = true;
    const filename = parent?.filename ?? '';
    if (!StringPrototypeIncludes(`${filename}`, '/node_modules/')) {
      require('process').emitWarning(
        'The `punycode` module is deprecated. Please use a userland alternative instead.', 'DeprecationWarning', 'DEP0040');
    }
  }
  return loadPublicBuiltin(id);
}

function loadFile(filename, parent, isMain, cached, relative) {
  const module = cached ?? new Module(filename, parent);
  if (cached === undefined) {
    if (isMain) {
      setMain(module);
    } else {
      module[kIsMainSymbol] = false;
    }
    Module._cache[filename] = module;
    module[kIsCachedByESMLoader] = false;
    module[kURL] = undefined;
    module[kFormat] = undefined;
  }
  if (parent !== undefined && relative !== undefined) {
    relativeResolveCache[relative] = filename;
  }
  let threw = true;
  try {
    module.load(filename);
    threw = false;
  } finally {
    if (threw) {
      forget(filename, module, parent, relative);
    } else if (module.exports && primordials.ObjectGetPrototypeOf(module.exports) === proxyPrototype) {
      ObjectSetPrototypeOf(module.exports, ObjectPrototype);
    }
  }
  return module.exports;
}

// A module that threw is not cached: the next require runs it again.
function forget(filename, module, parent, relative) {
  delete Module._cache[filename];
  if (parent !== undefined) {
    if (relative !== undefined) {
      delete relativeResolveCache[relative];
    }
    const children = parent?.children;
    if (ArrayIsArray(children)) {
      const index = ArrayPrototypeIndexOf(children, module);
      if (index !== -1) {
        ArrayPrototypeSplice(children, index, 1);
      }
    }
  }
}

function setMain(module) {
  require('process').mainModule = module;
  main.module = module;
  module.id = '.';
  module[kIsMainSymbol] = true;
}

// What `require.main` gives; an ES module as the entry leaves it undefined.
const main = { __proto__: null, module: undefined };

Module.prototype.load = function load(filename) {
  this.filename ??= filename;
  this.paths ??= initialPaths(this.path === dirname(filename) ? this.path : dirname(filename));
  const extension = longestRegisteredExtension(filename);
  if (StringPrototypeEndsWith(filename, '.mjs') && !Module._extensions['.mjs']) {
    this[kFormat] = 'module';
    loadESMFromCJS(this, filename);
  } else {
    Module._extensions[extension](this, filename);
  }
  this.loaded = true;
};

function longestRegisteredExtension(filename) {
  const name = StringPrototypeSlice(filename, StringPrototypeLastIndexOf(filename, '/') + 1);
  let start = 0;
  for (;;) {
    const dot = StringPrototypeIndexOf(name, '.', start);
    if (dot === -1) {
      return '.js';
    }
    start = dot + 1;
    // A leading dot makes a hidden file, not an extension.
    if (dot !== 0 && Module._extensions[StringPrototypeSlice(name, dot)]) {
      return StringPrototypeSlice(name, dot);
    }
  }
}

Module.prototype.require = function(id) {
  validateString(id, 'id');
  if (id === '') {
    throw new ERR_INVALID_ARG_VALUE('id', id, 'must be a non-empty string');
  }
  return Module._load(id, this, false);
};
ObjectDefineProperty(Module.prototype.require, 'name', { __proto__: null, value: '' });

function stripBOM(content) {
  return StringPrototypeCharCodeAt(content, 0) === 0xFEFF ? StringPrototypeSlice(content, 1) : content;
}

function wrapSafe(filename, content, format, isMain) {
  if (patched) {
    return modules.compileScript(Module.wrap(content), filename);
  }
  const must = format === 'commonjs';
  try {
    return throwNodeError(modules.compileCommonJs(content, filename, must));
  } catch (error) {
    if (must && isMain && readsAsModule(content, filename)) {
      require('internal/process/warning').emitWarningNow(
        `Failed to load the ES module: ${filename}. ` +
        'Make sure to set "type": "module" in the nearest package.json file or use the .mjs extension.',
      );
    }
    throw error;
  }
}

function readsAsModule(content, filename) {
  try {
    return modules.compileCommonJs(content, filename, false) === true;
  } catch {
    return false;
  }
}

function runWrapper(module, compiled, filename) {
  module[kFormat] = 'commonjs';
  const require_ = makeRequire(module);
  module[kIsExecuting] = true;
  const { exports } = module;
  return ReflectApply(compiled, exports, [exports, require_, module, filename, dirname(filename)]);
}

Module.prototype._compile = function(content, filename, format) {
  if (format === 'module') {
    loadESMFromCJS(this, filename, content);
    return undefined;
  }
  const compiled = wrapSafe(filename, `${content}`, format, this[kIsMainSymbol]);
  if (compiled === true) {
    // It is no CommonJS but reads as an ES module.
    this[kFormat] = 'module';
    loadESMFromCJS(this, filename, content);
    return undefined;
  }
  return runWrapper(this, compiled, filename);
};
const originalCompile = Module.prototype._compile;
ObjectDefineProperty(Module.prototype._compile, 'name', { __proto__: null, value: '' });

// Runs an ES module on behalf of require(), and gives what Node's require gives for it.
function loadESMFromCJS(module, filename, content) {
  const parent = getParent(module);
  if (module[kIsMainSymbol]) {
    require('process').mainModule = undefined;
    main.module = undefined;
    modules.importMain(filename);
    return;
  }
  module[kRequiredModuleSymbol] = null;
  const namespace = throwNodeError(
    modules.requireEsm(filename, parent?.filename ?? '', content === undefined ? undefined : `${content}`),
  );
  module[kRequiredModuleSymbol] = namespace;
  if (ObjectPrototypeHasOwnProperty(namespace, 'module.exports')) {
    module.exports = namespace['module.exports'];
  } else if (!ObjectPrototypeHasOwnProperty(namespace, 'default') ||
             ObjectPrototypeHasOwnProperty(namespace, '__esModule')) {
    module.exports = namespace;
  } else {
    module.exports = modules.requireWrapper(filename);
  }
}

Module._extensions['.js'] = function(module, filename) {
  // A file of which nothing is to be said, and that nobody wants to see, does not come through here as text.
  if (module._compile === originalCompile && !patched) {
    const compiled = modules.compileFile(filename);
    if (compiled !== undefined) {
      runWrapper(module, compiled, filename);
      return;
    }
  }
  const content = stripBOM(throwNodeError(modules.readText(filename)));
  const format = modules.formatOf(filename);
  if (format === 'module') {
    module[kFormat] = 'module';
  }
  module._compile(content, filename, format === 'ambiguous' ? undefined : format);
};

Module._extensions['.json'] = function(module, filename) {
  const content = throwNodeError(modules.readText(filename));
  module[kFormat] = 'json';
  try {
    module.exports = JSONParse(stripBOM(content));
  } catch (error) {
    error.message = `${filename}: ${error.message}`;
    throw error;
  }
};

// As Node with --no-addons: native code has no place in an isolate.
Module._extensions['.node'] = function(module, filename) {
  throw new ERR_DLOPEN_DISABLED();
};

ArrayPrototypeForEach(['.js', '.json', '.node'], (extension) => {
  ObjectDefineProperty(Module._extensions[extension], 'name', { __proto__: null, value: '' });
});

function makeRequire(mod) {
  const require = function require(path) {
    return ReflectApply(mod.require, mod, [path]);
  };
  require.resolve = function resolve(request, options) {
    validateString(request, 'request');
    return Module._resolveFilename(request, mod, false, options);
  };
  require.resolve.paths = function paths(request) {
    validateString(request, 'request');
    return Module._resolveLookupPaths(request, mod);
  };
  require.main = main.module;
  require.extensions = Module._extensions;
  require.cache = Module._cache;
  return require;
}

function createRequireFromPath(filename) {
  const { resolve } = require('path');
  const directory = StringPrototypeEndsWith(filename, '/');
  const id = resolve(directory ? `${filename}noop.js` : filename);
  const module = new Module(id);
  module.filename = id;
  module.paths = Module._nodeModulePaths(dirname(id));
  return makeRequire(module);
}

Module.createRequire = function createRequire(filenameOrURL) {
  const { isAbsolute } = require('path');
  const { URL, fileURLToPath } = require('internal/url');
  let filename;
  if (filenameOrURL instanceof URL || (typeof filenameOrURL === 'string' && !isAbsolute(filenameOrURL))) {
    try {
      filename = fileURLToPath(filenameOrURL);
    } catch {
      throw new ERR_INVALID_ARG_VALUE('filename', filenameOrURL, createRequireError);
    }
  } else if (typeof filenameOrURL !== 'string') {
    throw new ERR_INVALID_ARG_VALUE('filename', filenameOrURL, createRequireError);
  } else {
    filename = filenameOrURL;
  }
  return createRequireFromPath(filename);
};

const createRequireError = 'must be a file URL object, file URL string, or absolute path string';

// For `internal/bootstrap/rehearsal`: two modules that nobody knows are loaded as one of the package is, and forgotten. Their extension is
// one for that while.
function rehearse() {
  const extension = '.rehearsal';
  const filename = `/main${extension}`;
  const other = `/other${extension}`;
  Module._extensions[extension] = (module, name) => {
    runWrapper(module, modules.compileFile(name) ?? ((exports, require) => require('path')), name);
  };
  loadFile(filename, null, false, undefined, undefined);
  const parent = Module._cache[filename];
  loadFile(other, parent, false, undefined, other);
  openModule(cachedModule(other, parent));
  hasInitialPaths(parent);
  resolveAgain(other, filename);
  delete Module._extensions[extension];
  delete Module._cache[filename];
  delete Module._cache[other];
  delete relativeResolveCache[other];
}

Module.Module = Module;

module.exports = {
  Module,
  dirname,
  kFormat,
  kIsCachedByESMLoader,
  kIsExecuting,
  kIsMainSymbol,
  kModuleExportNames,
  kRequiredModuleSymbol,
  kURL,
  main,
  rehearse,
  stripBOM,
  validateObject,
};
