// The `vm` module: scripts run in this context; other contexts are refused, because one would be a way around the limits.
'use strict';

const { ArrayPrototypeJoin, Symbol, globalThis } = primordials;

const { refuseFunctions } = require('internal/refuse');
const { refused } = require('internal/process/refusals');
const { validateArray, validateObject, validateString } = require('internal/validators');
const {
  codes: { ERR_INVALID_ARG_TYPE },
} = require('internal/errors');

// Kept before a guest can replace it.
const GuestFunction = globalThis.Function;

function nameOf(options) {
  const name = typeof options === 'string' ? options : options?.filename;
  if (name === undefined) {
    return 'evalmachine.<anonymous>';
  }
  validateString(name, 'options.filename');
  return name;
}

function named(code, filename) {
  return `${code}\n//# sourceURL=${filename}`;
}

class Script {
  #code;
  #filename;

  constructor(code, options = {}) {
    this.#filename = nameOf(options);
    this.#code = `${code}`;
    // A syntax error is thrown here, before anything runs; as a function body, which takes no less than a script does.
    new GuestFunction(named(this.#code, this.#filename));
    this.sourceMapURL = undefined;
  }

  runInThisContext() {
    return native.modules.compileScript(this.#code, this.#filename);
  }

  runInContext() {
    throw refused('vm.Script.runInContext', 'VM');
  }

  runInNewContext() {
    throw refused('vm.Script.runInNewContext', 'VM');
  }

  createCachedData() {
    throw refused('vm.Script.createCachedData', 'VM');
  }
}

exports.Script = Script;
refuseFunctions(exports, 'vm', 'VM', ['createContext']);
exports.createScript = function createScript(code, options) {
  return new Script(code, options);
};
refuseFunctions(exports, 'vm', 'VM', ['runInContext', 'runInNewContext']);
exports.runInThisContext = function runInThisContext(code, options) {
  return new Script(code, options).runInThisContext();
};
exports.isContext = function isContext(object) {
  validateObject(object, 'object', require('internal/validators').kValidateObjectAllowObjects);
  return false;
};
exports.compileFunction = function compileFunction(code, params = [], options = {}) {
  validateString(code, 'code');
  validateArray(params, 'params');
  if (options.parsingContext !== undefined || options.contextExtensions?.length > 0) {
    throw refused('vm.compileFunction', 'VM');
  }
  for (let i = 0; i < params.length; i++) {
    if (typeof params[i] !== 'string') {
      throw new ERR_INVALID_ARG_TYPE(`params[${i}]`, 'string', params[i]);
    }
  }
  return new GuestFunction(ArrayPrototypeJoin(params, ','), named(code, nameOf(options)));
};
refuseFunctions(exports, 'vm', 'VM', ['measureMemory']);
exports.constants = {
  __proto__: null,
  USE_MAIN_CONTEXT_DEFAULT_LOADER: Symbol('vm_dynamic_import_main_context_default'),
  DONT_CONTEXTIFY: Symbol('vm_context_no_contextify'),
};
