// The `stream` module: the classes, pipeline, finished and what belongs to them.
'use strict';

const { ObjectDefineProperty, ObjectKeys, ReflectApply, SymbolFor, Uint8Array } = primordials;

const {
  codes: { ERR_ILLEGAL_CONSTRUCTOR },
} = require('internal/errors');
const { Stream: LegacyStream } = require('internal/streams/legacy');
const Readable = require('internal/streams/readable');
const Writable = require('internal/streams/writable');
const Duplex = require('internal/streams/duplex');
const { duplexPair } = require('internal/streams/duplexpair');
const Transform = require('internal/streams/transform');
const PassThrough = require('internal/streams/passthrough');
const { pipeline } = require('internal/streams/pipeline');
const { compose } = require('internal/streams/compose');
const { eos } = require('internal/streams/end-of-stream');
const { destroyer } = require('internal/streams/destroy');
const { addAbortSignal } = require('internal/streams/add-abort-signal');
const { getDefaultHighWaterMark, setDefaultHighWaterMark } = require('internal/streams/state');
const { promiseReturningOperators, streamReturningOperators } = require('internal/streams/operators');
const { bytesOfView, isArrayBufferView } = require('internal/streams/bytes');
const utils = require('internal/streams/utils');

const customPromisify = SymbolFor('nodejs.util.promisify.custom');

const Stream = (module.exports = LegacyStream);

Stream.isDestroyed = utils.isDestroyed;
Stream.isDisturbed = utils.isDisturbed;
Stream.isErrored = utils.isErrored;
Stream.isReadable = utils.isReadable;
Stream.isWritable = utils.isWritable;
Stream.Readable = Readable;

function addOperator(fn, operator) {
  ObjectDefineProperty(fn, 'name', { __proto__: null, value: operator.name });
  ObjectDefineProperty(fn, 'length', { __proto__: null, value: operator.length });
  ObjectDefineProperty(Readable.prototype, operator.name, {
    __proto__: null,
    value: fn,
    enumerable: false,
    configurable: true,
    writable: true,
  });
}

for (const key of ObjectKeys(streamReturningOperators)) {
  const operator = streamReturningOperators[key];
  addOperator(function(...args) {
    if (new.target) {
      throw new ERR_ILLEGAL_CONSTRUCTOR();
    }
    return Readable.from(ReflectApply(operator, this, args));
  }, operator);
}
for (const key of ObjectKeys(promiseReturningOperators)) {
  const operator = promiseReturningOperators[key];
  addOperator(function(...args) {
    if (new.target) {
      throw new ERR_ILLEGAL_CONSTRUCTOR();
    }
    return ReflectApply(operator, this, args);
  }, operator);
}

Stream.Writable = Writable;
Stream.Duplex = Duplex;
Stream.Transform = Transform;
Stream.PassThrough = PassThrough;
Stream.duplexPair = duplexPair;
Stream.pipeline = pipeline;
Stream.addAbortSignal = addAbortSignal;
Stream.finished = eos;
Stream.destroy = destroyer;
Stream.compose = compose;
Stream.setDefaultHighWaterMark = setDefaultHighWaterMark;
Stream.getDefaultHighWaterMark = getDefaultHighWaterMark;

ObjectDefineProperty(Stream, 'promises', {
  __proto__: null,
  configurable: true,
  enumerable: true,
  get() {
    return require('stream/promises');
  },
});
ObjectDefineProperty(pipeline, customPromisify, {
  __proto__: null,
  enumerable: true,
  get() {
    return require('stream/promises').pipeline;
  },
});
ObjectDefineProperty(eos, customPromisify, {
  __proto__: null,
  enumerable: true,
  get() {
    return require('stream/promises').finished;
  },
});

Stream.Stream = Stream;
Stream._isArrayBufferView = isArrayBufferView;
Stream._isUint8Array = (value) => value instanceof Uint8Array;
Stream._uint8ArrayToBuffer = bytesOfView;
