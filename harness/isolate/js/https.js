// The `https` module: requests go where a network is granted, with the broker's TLS; nothing listens.
'use strict';

const { ObjectDefineProperty } = primordials;

const { functionsOf } = require('internal/http/client');
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
const { get, request } = functionsOf('https', () => exports.globalAgent);
exports.get = get;
exports.request = request;
