// The `https` module: agents and servers exist, but nothing listens and nothing is requested.
'use strict';

const { ObjectDefineProperty } = primordials;

const { refuseFunctions } = require('internal/refuse');
const http = require('http');

class Agent extends http.Agent {
  constructor(options) {
    super(options);
    this.defaultPort = 443;
    this.protocol = 'https:';
    this.maxCachedSessions = this.options.maxCachedSessions ?? 100;
  }
}

class Server extends http.Server {}

exports.Agent = Agent;
ObjectDefineProperty(exports, 'globalAgent', {
  __proto__: null,
  configurable: true,
  enumerable: true,
  writable: true,
  value: new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5000 }),
});
exports.Server = Server;
exports.createServer = function createServer(options, listener) {
  return new Server(options, listener);
};
refuseFunctions(exports, 'https', 'Net', ['get', 'request']);
