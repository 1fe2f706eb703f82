// The `domain` module, deprecated: domains exist as emitters, and nothing runs in one.
'use strict';

const EventEmitter = require('events');
const { refuseFunctions } = require('internal/refuse');

exports._stack = [];
exports.Domain = class Domain extends EventEmitter {
  constructor() {
    super();
    this.members = [];
  }
};
refuseFunctions(exports.Domain.prototype, 'domain.Domain', 'Domain', [
  'add', 'bind', 'enter', 'exit', 'intercept', 'remove', 'run',
]);
exports.createDomain = function createDomain() {
  return new exports.Domain();
};
exports.create = exports.createDomain;
exports.active = null;
