// The `net` module: addresses are judged, sockets and servers exist, and nothing connects or listens.
'use strict';

const {
  ArrayPrototypeEvery,
  NumberParseInt,
  RegExpPrototypeExec,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  StringPrototypeSplit,
  hardenRegExp,
} = primordials;

const EventEmitter = require('events');
const Duplex = require('internal/streams/duplex');
const { refuseClass, refuseFunctions } = require('internal/refuse');
const { refused } = require('internal/process/refusals');
const { validateBoolean, validateInt32 } = require('internal/validators');

const octet = hardenRegExp(/^(?:0|[1-9]\d{0,2})$/);
const hextet = hardenRegExp(/^[0-9a-fA-F]{1,4}$/);
const zone = hardenRegExp(/^[0-9a-zA-Z\-.:]+$/);

function isIPv4(input) {
  input = `${input}`;
  const parts = StringPrototypeSplit(input, '.');
  return parts.length === 4 && ArrayPrototypeEvery(parts, (part) =>
    RegExpPrototypeExec(octet, part) !== null && NumberParseInt(part, 10) <= 255);
}

// How many 16-bit groups the text holds; -1 if it is no list of groups.
function groupsOf(text, mayEndInIPv4) {
  if (text === '') {
    return 0;
  }
  const parts = StringPrototypeSplit(text, ':');
  let count = 0;
  for (let i = 0; i < parts.length; i++) {
    if (RegExpPrototypeExec(hextet, parts[i]) !== null) {
      count++;
    } else if (mayEndInIPv4 && i === parts.length - 1 && isIPv4(parts[i])) {
      count += 2;
    } else {
      return -1;
    }
  }
  return count;
}

function isIPv6(input) {
  input = `${input}`;
  const percent = StringPrototypeIndexOf(input, '%');
  if (percent !== -1) {
    if (RegExpPrototypeExec(zone, StringPrototypeSlice(input, percent + 1)) === null) {
      return false;
    }
    input = StringPrototypeSlice(input, 0, percent);
  }
  const gap = StringPrototypeIndexOf(input, '::');
  if (gap === -1) {
    return groupsOf(input, true) === 8;
  }
  if (StringPrototypeLastIndexOf(input, '::') !== gap || StringPrototypeIncludes(input, ':::')) {
    return false;
  }
  const before = groupsOf(StringPrototypeSlice(input, 0, gap), false);
  const after = groupsOf(StringPrototypeSlice(input, gap + 2), true);
  return before !== -1 && after !== -1 && before + after <= 7;
}

function isIP(input) {
  return isIPv4(input) ? 4 : isIPv6(input) ? 6 : 0;
}

// A socket that was never connected.
class Socket extends Duplex {
  constructor(options) {
    super({ ...options, allowHalfOpen: !!options?.allowHalfOpen, emitClose: false, autoDestroy: true, fd: undefined });
    this.connecting = false;
    this._hadError = false;
    this._parent = null;
    this._host = null;
    this.timeout = 0;
    this.server = null;
  }

  connect() {
    throw refused('net.Socket.connect', 'Net');
  }

  _read() {}

  _write(chunk, encoding, callback) {
    callback(refused('net.Socket.write', 'Net'));
  }

  address() {
    return {};
  }

  setTimeout(msecs, callback) {
    this.timeout = msecs;
    if (callback) {
      this.once('timeout', callback);
    }
    return this;
  }

  setNoDelay() {
    return this;
  }

  setKeepAlive() {
    return this;
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }

  destroySoon() {
    this.destroy();
  }

  resetAndDestroy() {
    return this.destroy();
  }

  get pending() {
    return true;
  }

  get readyState() {
    return this.destroyed ? 'closed' : 'open';
  }

  get bytesRead() {
    return 0;
  }

  get bytesWritten() {
    return 0;
  }
}

// A server that is never told to listen: enough for frameworks that are driven without one.
class Server extends EventEmitter {
  constructor(options, listener) {
    super();
    if (typeof options === 'function') {
      listener = options;
    }
    if (typeof listener === 'function') {
      this.on('connection', listener);
    }
    this.listening = false;
  }

  listen() {
    throw refused('net.Server.listen', 'Net');
  }

  address() {
    return null;
  }

  getConnections(callback) {
    require('internal/task_queues').nextTick(callback, null, 0);
    return this;
  }

  close(callback) {
    const { ERR_SERVER_NOT_RUNNING } = require('internal/errors').codes;
    if (typeof callback === 'function') {
      this.once('close', () => callback(new ERR_SERVER_NOT_RUNNING()));
    }
    require('internal/task_queues').nextTick(() => this.emit('close'));
    return this;
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }
}

let autoSelect = true;
let attemptTimeout = 500;

refuseFunctions(exports, 'net', 'Net', ['_createServerHandle']);
exports._normalizeArgs = function _normalizeArgs(args) {
  return args.length === 0 ? [{}, null] : [typeof args[0] === 'object' ? args[0] : { port: args[0], host: args[1] }, null];
};
exports.BlockList = refuseClass('net', 'BlockList', 'Net');
exports.SocketAddress = refuseClass('net', 'SocketAddress', 'Net');
exports.BoundSocket = refuseClass('net', 'BoundSocket', 'Net');
refuseFunctions(exports, 'net', 'Net', ['connect', 'createConnection']);
exports.createServer = function createServer(options, listener) {
  return new Server(options, listener);
};
exports.isIP = isIP;
exports.isIPv4 = isIPv4;
exports.isIPv6 = isIPv6;
exports.Server = Server;
exports.Socket = Socket;
exports.Stream = Socket;
exports.getDefaultAutoSelectFamily = function getDefaultAutoSelectFamily() {
  return autoSelect;
};
exports.setDefaultAutoSelectFamily = function setDefaultAutoSelectFamily(value) {
  validateBoolean(value, 'value');
  autoSelect = value;
};
exports.getDefaultAutoSelectFamilyAttemptTimeout = function getDefaultAutoSelectFamilyAttemptTimeout() {
  return attemptTimeout;
};
exports.setDefaultAutoSelectFamilyAttemptTimeout = function setDefaultAutoSelectFamilyAttemptTimeout(value) {
  validateInt32(value, 'value', 1);
  attemptTimeout = value < 10 ? 10 : value;
};
