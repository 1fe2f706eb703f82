// The `inspector/promises` module: nobody looks inside, every call is refused.
'use strict';

const EventEmitter = require('events');
const { refuseClass, refuseFunctions } = require('internal/refuse');

refuseFunctions(exports, 'inspector', 'Inspector', ['open', 'close']);
exports.url = function url() {
  return undefined;
};
refuseFunctions(exports, 'inspector', 'Inspector', ['waitForDebugger']);
exports.console = {};
exports.Session = refuseClass('inspector', 'Session', 'Inspector', EventEmitter);
exports.Network = {};
exports.NetworkResources = {};
exports.DOMStorage = {};
refuseFunctions(exports.Network, 'inspector.Network', 'Inspector', [
  'requestWillBeSent', 'responseReceived', 'loadingFinished', 'loadingFailed', 'dataSent', 'dataReceived',
  'webSocketCreated', 'webSocketClosed', 'webSocketHandshakeResponseReceived',
]);
refuseFunctions(exports.NetworkResources, 'inspector.NetworkResources', 'Inspector', ['put']);
