// Gives `structuredClone`: V8 writes the value and reads it again; array buffers on the transfer list move.
'use strict';

const {
  ArrayBuffer, ArrayBufferPrototypeGetDetached, ArrayPrototypeIndexOf, ArrayPrototypePush,
  FunctionPrototypeCall, ObjectDefineProperty, SafeWeakSet, SymbolIterator, TypeError,
} = primordials;
const {
  codes: { ERR_MISSING_ARGS },
} = require('internal/errors');
const { DOMException } = require('internal/dom_exception');
const { lazyDOMException } = require('internal/util');

function invalid(message) {
  const error = new TypeError(message);
  error.code = 'ERR_INVALID_ARG_TYPE';
  return error;
}

// What `worker_threads` was told of objects.
const marks = { __proto__: null, uncloneable: new SafeWeakSet(), untransferable: new SafeWeakSet() };

function dataCloneError(message) {
  return lazyDOMException(message, 'DataCloneError');
}

function transferList(options) {
  if (options === undefined || options === null) {
    return [];
  }
  if (typeof options !== 'object' && typeof options !== 'function') {
    throw invalid("Failed to execute 'structuredClone': Options cannot be converted to a dictionary");
  }
  const { transfer } = options;
  if (transfer === undefined || transfer === null) {
    return [];
  }
  const iterate = typeof transfer === 'object' || typeof transfer === 'function' ? transfer[SymbolIterator] : undefined;
  if (typeof iterate !== 'function') {
    throw invalid("Failed to execute 'structuredClone': transfer in Options cannot be converted to sequence.");
  }
  const list = [];
  const iterator = FunctionPrototypeCall(iterate, transfer);
  for (let result = iterator.next(); !result.done; result = iterator.next()) {
    ArrayPrototypePush(list, result.value);
  }
  return list;
}

function checkTransfer(list) {
  for (let i = 0; i < list.length; i++) {
    if (marks.untransferable.has(list[i])) {
      throw dataCloneError('Transfer list contains an object that is marked as untransferable');
    }
    if (!native.util.isArrayBuffer(list[i])) {
      throw dataCloneError('Found invalid value in transferList.');
    }
    if (ArrayPrototypeIndexOf(list, list[i]) !== i) {
      throw dataCloneError('Transfer list contains duplicate ArrayBuffer');
    }
    if (ArrayBufferPrototypeGetDetached(list[i])) {
      throw dataCloneError('Cannot transfer object of unsupported type.');
    }
  }
}

// V8 would write it as a plain error.
function cloneException(exception) {
  const copy = new DOMException(exception.message, exception.name);
  ObjectDefineProperty(copy, 'stack', {
    __proto__: null, value: exception.stack, writable: true, enumerable: false, configurable: true,
  });
  return copy;
}

function structuredClone(value, options) {
  if (arguments.length === 0) {
    throw new ERR_MISSING_ARGS('The value argument must be specified');
  }
  const list = transferList(options);
  checkTransfer(list);
  // Only the value itself is looked at: V8 asks nobody about the plain objects inside of it.
  if (((typeof value === 'object' && value !== null) || typeof value === 'function') && marks.uncloneable.has(value)) {
    throw dataCloneError(`${value} could not be cloned.`);
  }
  if (native.util.isNativeError(value) && value instanceof DOMException && list.length === 0) {
    return cloneException(value);
  }
  // The native side reads the list by index on a plain array, which no setter of a guest sits behind.
  return native.util.structuredClone(value, list, dataCloneError);
}

module.exports = { marks, structuredClone };
