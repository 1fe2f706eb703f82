// The `repl` module: there is nobody to talk to, every call is refused.
'use strict';

const { Function: GuestFunction, ObjectDefineProperty, Symbol, SyntaxError } = primordials;

const { refuseClass, refuseFunctions } = require('internal/refuse');

refuseFunctions(exports, 'repl', 'REPL', ['start']);
exports.writer = function writer(value) {
  return require('util').inspect(value);
};
exports.REPLServer = refuseClass('repl', 'REPLServer', 'REPL', require('events'));
exports.REPL_MODE_SLOPPY = Symbol('repl-sloppy');
exports.REPL_MODE_STRICT = Symbol('repl-strict');
exports.Recoverable = class Recoverable extends SyntaxError {
  constructor(error) {
    super();
    this.err = error;
  }
};
exports.isValidSyntax = function isValidSyntax(code) {
  try {
    new GuestFunction(code);
    return true;
  } catch {
    return false;
  }
};
ObjectDefineProperty(exports.Recoverable, 'name', { __proto__: null, value: 'Recoverable' });
