// The `http` module: requests go where a network is granted, and nothing listens.
'use strict';

const EventEmitter = require('events');
const { refuseFunctions } = require('internal/refuse');
const { refused } = require('internal/process/refusals');
const { METHODS, STATUS_CODES } = require('internal/refuse/http_names');
const messages = require('internal/refuse/http_messages');
const net = require('net');

class Agent extends EventEmitter {
  constructor(options) {
    super();
    this.options = { __proto__: null, ...options };
    this.options.noDelay ??= true;
    this.options.path = null;
    this.defaultPort = 80;
    this.protocol = 'http:';
    this.requests = { __proto__: null };
    this.sockets = { __proto__: null };
    this.freeSockets = { __proto__: null };
    this.keepAliveMsecs = this.options.keepAliveMsecs || 1000;
    this.keepAlive = this.options.keepAlive || false;
    this.maxSockets = this.options.maxSockets || Infinity;
    this.maxFreeSockets = this.options.maxFreeSockets || 256;
    this.scheduling = this.options.scheduling || 'lifo';
    this.maxTotalSockets = this.options.maxTotalSockets ?? Infinity;
    this.totalSocketCount = 0;
  }

  getName(options = {}) {
    let name = `${options.host || 'localhost'}:`;
    if (options.port) {
      name += options.port;
    }
    name += ':';
    if (options.localAddress) {
      name += options.localAddress;
    }
    return options.family === 4 || options.family === 6 ? `${name}:${options.family}` : name;
  }

  destroy() {}
}
refuseFunctions(Agent.prototype, 'http.Agent', 'Net', [
  'createConnection', 'addRequest', 'createSocket', 'removeSocket', 'keepSocketAlive', 'reuseSocket',
]);

class Server extends net.Server {
  constructor(options, listener) {
    if (typeof options === 'function') {
      listener = options;
      options = {};
    }
    super();
    if (typeof listener === 'function') {
      this.on('request', listener);
    }
    this.timeout = 0;
    this.keepAliveTimeout = 5000;
    this.maxHeadersCount = null;
    this.maxRequestsPerSocket = 0;
    this.headersTimeout = 60000;
    this.requestTimeout = 300000;
  }

  listen() {
    throw refused('http.Server.listen', 'Net');
  }

  setTimeout(msecs, callback) {
    this.timeout = msecs;
    if (callback) {
      this.on('timeout', callback);
    }
    return this;
  }

  closeAllConnections() {}

  closeIdleConnections() {}
}

refuseFunctions(exports, 'http', 'Net', ['_connectionListener']);
exports.METHODS = METHODS;
exports.STATUS_CODES = STATUS_CODES;
exports.Agent = Agent;
const client = require('internal/http/client');
exports.ClientRequest = client.ClientRequest;
exports.IncomingMessage = messages.IncomingMessage;
exports.OutgoingMessage = messages.OutgoingMessage;
exports.Server = Server;
exports.ServerResponse = messages.ServerResponse;
exports.createServer = function createServer(options, listener) {
  return new Server(options, listener);
};
exports.validateHeaderName = messages.validateHeaderName;
exports.validateHeaderValue = messages.validateHeaderValue;
const { get, request } = client.functionsOf('http', () => exports.globalAgent);
exports.get = get;
exports.request = request;
refuseFunctions(exports, 'http', 'Net', ['setGlobalProxyFromEnv']);
exports.setMaxIdleHTTPParsers = function setMaxIdleHTTPParsers(max) {
  require('internal/validators').validateInteger(max, 'max', 1);
};
exports.maxHeaderSize = 16384;
exports.globalAgent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5000 });
require('internal/lazy').defineLazily(exports, 'internal/messages', ['WebSocket', 'CloseEvent', 'MessageEvent'], true);
