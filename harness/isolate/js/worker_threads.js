// The `worker_threads` module: this is the main thread, and no other can be started.
'use strict';

const { SafeMap, SymbolFor } = primordials;

const EventEmitter = require('events');
const messages = require('internal/messages');
const { marks } = require('internal/structured_clone');
const { refuseClass, refuseFunctions } = require('internal/refuse');

const NAME = 'worker_threads';
const PERMISSION = 'WorkerThreads';

const environment = new SafeMap();

function isObject(value) {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

// Anything but an object is let be, as in Node.
function mark(set, object) {
  if (isObject(object)) {
    set.add(object);
  }
}

exports.isInternalThread = false;
exports.isMainThread = true;
exports.MessagePort = messages.MessagePort;
exports.MessageChannel = messages.MessageChannel;
exports.markAsUncloneable = function markAsUncloneable(object) {
  mark(marks.uncloneable, object);
};
exports.markAsUntransferable = function markAsUntransferable(object) {
  mark(marks.untransferable, object);
};
exports.isMarkedAsUntransferable = function isMarkedAsUntransferable(object) {
  return isObject(object) && marks.untransferable.has(object);
};
refuseFunctions(exports, NAME, PERMISSION, ['moveMessagePortToContext']);
exports.receiveMessageOnPort = messages.receiveMessageOnPort;
exports.resourceLimits = {};
exports.postMessageToThread = function postMessageToThread() {
  throw require('internal/process/refusals').refused(`${NAME}.postMessageToThread`, PERMISSION);
};
exports.threadId = 0;
exports.threadName = '';
exports.SHARE_ENV = SymbolFor('nodejs.worker_threads.SHARE_ENV');
exports.Worker = refuseClass(NAME, 'Worker', PERMISSION, EventEmitter);
exports.parentPort = null;
exports.workerData = null;
exports.BroadcastChannel = messages.BroadcastChannel;
exports.locks = {};
refuseFunctions(exports.locks, `${NAME}.locks`, PERMISSION, ['request', 'query']);
exports.setEnvironmentData = function setEnvironmentData(key, value) {
  if (value === undefined) {
    environment.delete(key);
  } else {
    environment.set(key, value);
  }
};
exports.getEnvironmentData = function getEnvironmentData(key) {
  return environment.get(key);
};
