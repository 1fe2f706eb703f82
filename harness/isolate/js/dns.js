// The `dns` module, which asks nobody: every query is refused.
'use strict';

const { ObjectDefineProperty } = primordials;

const { refuseClass, refuseFunctions } = require('internal/refuse');
const constants = require('internal/refuse/dns_constants');

refuseFunctions(exports, 'dns', 'Net', ['lookup', 'lookupService']);
exports.Resolver = refuseClass('dns', 'Resolver', 'Net');
exports.getDefaultResultOrder = function getDefaultResultOrder() {
  return 'verbatim';
};
refuseFunctions(exports, 'dns', 'Net', [
  'setDefaultResultOrder', 'setServers',
]);
exports.getServers = function getServers() {
  return [];
};
refuseFunctions(exports, 'dns', 'Net', [
  'resolve', 'resolve4', 'resolve6', 'resolveAny', 'resolveCaa', 'resolveCname', 'resolveMx', 'resolveNaptr',
  'resolveNs', 'resolvePtr', 'resolveSoa', 'resolveSrv', 'resolveTlsa', 'resolveTxt', 'reverse',
]);
for (const name in constants) {
  exports[name] = constants[name];
}
ObjectDefineProperty(exports, 'promises', {
  __proto__: null,
  configurable: true,
  enumerable: true,
  get() {
    return require('dns/promises');
  },
});
