// The `dns/promises` module, which asks nobody: every query is refused.
'use strict';

const { PromiseReject } = primordials;

const { refuseClass } = require('internal/refuse');
const { refused } = require('internal/process/refusals');
const constants = require('internal/refuse/dns_constants');

for (const name of [
  'lookup', 'lookupService', 'resolve', 'resolve4', 'resolve6', 'resolveAny', 'resolveCaa', 'resolveCname',
  'resolveMx', 'resolveNaptr', 'resolveNs', 'resolvePtr', 'resolveSoa', 'resolveSrv', 'resolveTlsa', 'resolveTxt',
  'reverse',
]) {
  exports[name] = { [name]() {
    return PromiseReject(refused(`dns.promises.${name}`, 'Net'));
  } }[name];
}
exports.Resolver = refuseClass('dns.promises', 'Resolver', 'Net');
exports.getDefaultResultOrder = function getDefaultResultOrder() {
  return 'verbatim';
};
exports.setDefaultResultOrder = require('dns').setDefaultResultOrder;
exports.setServers = require('dns').setServers;
exports.getServers = require('dns').getServers;
for (const name in constants) {
  if (typeof constants[name] === 'string') {
    exports[name] = constants[name];
  }
}
