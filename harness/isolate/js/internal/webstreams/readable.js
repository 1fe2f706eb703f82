// ReadableStream of the Streams Standard: its readers, controllers, tee, pipes and iteration.
'use strict';

const {
  ArrayBufferIsView, ArrayPrototypePush, ArrayPrototypeShift, Promise, PromiseReject, PromiseResolve,
  SymbolAsyncIterator, TypeError, Uint8Array,
} = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_INVALID_THIS },
} = require('internal/errors');
const {
  checkSize, deferred, dictionary, finish, handled, highWaterMarkOf, illegal, invoke, kOwn, methodOf, sizeOf, then, wrongState,
} = require('internal/webstreams/shared');

// ---- The state of a stream and its controller, apart from the objects that programs hold

function makeCore(stream) {
  return {
    __proto__: null, stream, state: 'readable', error: undefined, reader: undefined, disturbed: false, controller: undefined,
  };
}

function makeController(core, source, { pull, cancel, hwm, size, bytes, autoAllocate }) {
  return {
    __proto__: null, core, source, pull, cancel, hwm, size, bytes, autoAllocate, queue: [], total: 0, started: false,
    closing: false, pulling: false, pullAgain: false, wanted: [], object: undefined, byobRequest: undefined,
  };
}

function desiredSize(controller) {
  switch (controller.core.state) {
    case 'errored': return null;
    case 'closed': return 0;
    default: return controller.hwm - controller.total;
  }
}

function clear(controller) {
  controller.queue = [];
  controller.total = 0;
}

function forget(controller) {
  controller.pull = undefined;
  controller.cancel = undefined;
}

function shouldPull(controller) {
  const { core } = controller;
  if (core.state !== 'readable' || controller.closing || !controller.started) {
    return false;
  }
  if (core.reader !== undefined && (core.reader.requests.length > 0 || controller.wanted.length > 0)) {
    return true;
  }
  return desiredSize(controller) > 0;
}

function pullIfNeeded(controller) {
  if (!shouldPull(controller)) {
    return;
  }
  if (controller.pulling) {
    controller.pullAgain = true;
    return;
  }
  controller.pulling = true;
  then(invoke(controller.pull, controller.source, controller.object), () => {
    controller.pulling = false;
    if (controller.pullAgain) {
      controller.pullAgain = false;
      pullIfNeeded(controller);
    }
  }, (error) => errorCore(controller.core, error));
}

function start(controller, method) {
  const result = method === undefined ? undefined : primordials.ReflectApply(method, controller.source, [controller.object]);
  then(PromiseResolve(result), () => {
    controller.started = true;
    pullIfNeeded(controller);
  }, (error) => errorCore(controller.core, error));
}

function closeCore(core) {
  if (core.state !== 'readable') {
    return;
  }
  core.state = 'closed';
  const { reader } = core;
  if (reader !== undefined) {
    reader.closed.resolve(undefined);
    const { requests } = reader;
    reader.requests = [];
    for (let i = 0; i < requests.length; i++) {
      requests[i].close();
    }
  }
}

function errorCore(core, error) {
  if (core.state !== 'readable') {
    return;
  }
  core.state = 'errored';
  core.error = error;
  clear(core.controller);
  forget(core.controller);
  const { reader } = core;
  const { wanted } = core.controller;
  core.controller.wanted = [];
  if (reader !== undefined) {
    reader.closed.reject(error);
    const { requests } = reader;
    reader.requests = [];
    for (let i = 0; i < requests.length; i++) {
      requests[i].fail(error);
    }
    for (let i = 0; i < wanted.length; i++) {
      wanted[i].request.fail(error);
    }
  }
}

function enqueue(controller, chunk) {
  const { core } = controller;
  if (controller.closing || core.state !== 'readable') {
    throw wrongState('Controller is already closed');
  }
  if (controller.bytes) {
    enqueueBytes(controller, chunk);
  } else if (core.reader !== undefined && core.reader.requests.length > 0) {
    ArrayPrototypeShift(core.reader.requests).give(chunk);
  } else {
    let size;
    try {
      size = checkSize(controller.size, chunk);
    } catch (error) {
      errorCore(core, error);
      throw error;
    }
    ArrayPrototypePush(controller.queue, { __proto__: null, chunk, size });
    controller.total += size;
  }
  pullIfNeeded(controller);
}

function requestClose(controller) {
  if (controller.closing || controller.core.state !== 'readable') {
    throw wrongState('Controller is already closed');
  }
  controller.closing = true;
  if (controller.wanted.length > 0 && controller.wanted[0].filled % controller.wanted[0].unit !== 0) {
    const error = new TypeError('Insufficient bytes to fill elements in the given buffer');
    errorCore(controller.core, error);
    throw error;
  }
  if (controller.queue.length === 0) {
    forget(controller);
    closeCore(controller.core);
    endWanted(controller);
  }
}

function endWanted(controller) {
  const { wanted } = controller;
  controller.wanted = [];
  for (let i = 0; i < wanted.length; i++) {
    wanted[i].request.end(viewOf(wanted[i]));
  }
}

function readFrom(core, request) {
  const { controller } = core;
  core.disturbed = true;
  if (core.state === 'closed') {
    request.close();
  } else if (core.state === 'errored') {
    request.fail(core.error);
  } else if (controller.queue.length > 0) {
    const entry = ArrayPrototypeShift(controller.queue);
    controller.total -= entry.size;
    if (controller.closing && controller.queue.length === 0) {
      forget(controller);
      closeCore(core);
    } else {
      pullIfNeeded(controller);
    }
    request.give(entry.chunk);
  } else {
    if (controller.autoAllocate === undefined) {
      ArrayPrototypePush(core.reader.requests, request);
    } else {
      // The source fills a buffer that it finds at `byobRequest`.
      const length = controller.autoAllocate;
      ArrayPrototypePush(controller.wanted, {
        __proto__: null, Class: Uint8Array, buffer: new primordials.ArrayBuffer(length), filled: 0, least: 1, length, offset: 0, unit: 1,
        request: { __proto__: null, give: request.give, end: () => request.close(), fail: request.fail },
      });
    }
    pullIfNeeded(controller);
  }
}

function cancelCore(core, reason) {
  core.disturbed = true;
  if (core.state === 'closed') {
    return PromiseResolve(undefined);
  }
  if (core.state === 'errored') {
    return PromiseReject(core.error);
  }
  const { controller } = core;
  closeCore(core);
  endWanted(controller);
  clear(controller);
  const { cancel } = controller;
  forget(controller);
  return primordials.PromisePrototypeThen(invoke(cancel, controller.source, reason), () => undefined);
}

// ---- Bytes

function copyOfBytes(view) {
  return new Uint8Array(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
}

function enqueueBytes(controller, view) {
  const { core } = controller;
  if (!ArrayBufferIsView(view)) {
    throw new ERR_INVALID_ARG_TYPE('chunk', ['Buffer', 'TypedArray', 'DataView'], view);
  }
  if (view.byteLength === 0 || view.buffer.byteLength === 0) {
    throw wrongState('chunk ArrayBuffer is zero-length or detached');
  }
  const chunk = copyOfBytes(view);
  if (core.reader !== undefined && core.reader.requests.length > 0) {
    ArrayPrototypeShift(core.reader.requests).give(chunk);
    return;
  }
  ArrayPrototypePush(controller.queue, { __proto__: null, chunk, size: chunk.byteLength });
  controller.total += chunk.byteLength;
  fillWanted(controller);
}

function viewOf({ Class, buffer, offset, filled, unit }) {
  return new Class(buffer, offset, filled / unit);
}

// Copies what is there into the views that readers brought.
function fillWanted(controller) {
  while (controller.wanted.length > 0 && controller.queue.length > 0) {
    const want = controller.wanted[0];
    const entry = controller.queue[0];
    const length = primordials.MathMin(want.length - want.filled, entry.chunk.byteLength);
    new Uint8Array(want.buffer, want.offset + want.filled, length).set(entry.chunk.subarray(0, length));
    want.filled += length;
    controller.total -= length;
    if (length === entry.chunk.byteLength) {
      ArrayPrototypeShift(controller.queue);
    } else {
      entry.chunk = entry.chunk.subarray(length);
    }
    if (want.filled >= want.least && (want.filled === want.length || controller.queue.length === 0) &&
        want.filled % want.unit === 0) {
      ArrayPrototypeShift(controller.wanted);
      want.request.give(viewOf(want));
    } else if (controller.queue.length === 0) {
      return;
    }
  }
}

function readInto(core, view, least, request) {
  const { controller } = core;
  core.disturbed = true;
  const Class = view.constructor;
  const unit = view.BYTES_PER_ELEMENT ?? 1;
  // Read before the buffer leaves the view.
  const { byteLength: length, byteOffset: offset } = view;
  if (!(least > 0) || least * unit > length) {
    request.fail(new ERR_INVALID_ARG_VALUE.RangeError('options.min', least));
    return;
  }
  const want = {
    __proto__: null, Class, buffer: view.buffer.transfer(), filled: 0, least: least * unit, length, offset, request, unit,
  };
  if (core.state === 'errored') {
    request.fail(core.error);
    return;
  }
  if (core.state === 'closed') {
    request.end(viewOf(want));
    return;
  }
  ArrayPrototypePush(controller.wanted, want);
  fillWanted(controller);
  if (controller.closing && controller.queue.length === 0) {
    forget(controller);
    closeCore(core);
    endWanted(controller);
    return;
  }
  pullIfNeeded(controller);
}

class ReadableStreamBYOBRequest {
  #controller;
  #want;

  constructor(own, controller, want) {
    if (own !== kOwn) {
      illegal();
    }
    this.#controller = controller;
    this.#want = want;
  }

  get view() {
    const want = this.#want;
    return want === undefined ? null : new Uint8Array(want.buffer, want.offset + want.filled, want.length - want.filled);
  }

  respond(bytesWritten) {
    const want = this.#want;
    if (want === undefined) {
      throw wrongState('This BYOB request has been invalidated');
    }
    const count = +bytesWritten;
    const controller = this.#controller;
    if (controller.core.state === 'closed') {
      if (count !== 0) {
        throw wrongState('Controller is already closed');
      }
    } else if (!(count > 0) || want.filled + count > want.length) {
      throw new ERR_INVALID_ARG_VALUE.RangeError('bytesWritten', bytesWritten);
    }
    this.#want = undefined;
    controller.byobRequest = undefined;
    want.filled += count;
    if (controller.wanted[0] === want && want.filled >= want.least && want.filled % want.unit === 0) {
      ArrayPrototypeShift(controller.wanted);
      want.request.give(viewOf(want));
    }
    pullIfNeeded(controller);
  }

  respondWithNewView(view) {
    const want = this.#want;
    if (want === undefined) {
      throw wrongState('This BYOB request has been invalidated');
    }
    if (!ArrayBufferIsView(view)) {
      throw new ERR_INVALID_ARG_TYPE('view', ['Buffer', 'TypedArray', 'DataView'], view);
    }
    if (view.byteOffset !== want.offset + want.filled || view.buffer.byteLength !== want.buffer.byteLength) {
      throw new ERR_INVALID_ARG_VALUE.RangeError('view', view);
    }
    if (view.buffer !== want.buffer) {
      want.buffer = view.buffer.transfer();
    }
    this.respond(view.byteLength);
  }
}
finish(ReadableStreamBYOBRequest, 'ReadableStreamBYOBRequest', ['view', 'respond', 'respondWithNewView']);

class ReadableStreamDefaultController {
  #controller;

  constructor(own, controller) {
    if (own !== kOwn) {
      illegal();
    }
    this.#controller = controller;
  }

  get desiredSize() {
    return desiredSize(this.#controller);
  }

  close() {
    requestClose(this.#controller);
  }

  enqueue(chunk = undefined) {
    enqueue(this.#controller, chunk);
  }

  error(error = undefined) {
    errorCore(this.#controller.core, error);
  }
}
finish(ReadableStreamDefaultController, 'ReadableStreamDefaultController', ['desiredSize', 'close', 'enqueue', 'error']);

class ReadableByteStreamController {
  #controller;

  constructor(own, controller) {
    if (own !== kOwn) {
      illegal();
    }
    this.#controller = controller;
  }

  get byobRequest() {
    const controller = this.#controller;
    if (controller.byobRequest === undefined && controller.wanted.length > 0) {
      controller.byobRequest = new ReadableStreamBYOBRequest(kOwn, controller, controller.wanted[0]);
    }
    return controller.byobRequest ?? null;
  }

  get desiredSize() {
    return desiredSize(this.#controller);
  }

  close() {
    requestClose(this.#controller);
  }

  enqueue(chunk) {
    this.#controller.byobRequest = undefined;
    enqueue(this.#controller, chunk);
  }

  error(error = undefined) {
    errorCore(this.#controller.core, error);
  }
}
finish(ReadableByteStreamController, 'ReadableByteStreamController', ['byobRequest', 'desiredSize', 'close', 'enqueue', 'error']);

// ---- Readers

function lock(core) {
  if (core.reader !== undefined) {
    throw wrongState('ReadableStream is locked');
  }
  const reader = { __proto__: null, core, requests: [], closed: deferred() };
  handled(reader.closed.promise);
  core.reader = reader;
  if (core.state === 'closed') {
    reader.closed.resolve(undefined);
  } else if (core.state === 'errored') {
    reader.closed.reject(core.error);
  }
  return reader;
}

function unlock(reader) {
  const { core } = reader;
  if (core === undefined) {
    return;
  }
  const released = wrongState('Reader released');
  if (core.state !== 'readable') {
    reader.closed = deferred();
    handled(reader.closed.promise);
  }
  reader.closed.reject(released);
  core.reader = undefined;
  reader.core = undefined;
  const { requests } = reader;
  reader.requests = [];
  const { wanted } = core.controller;
  core.controller.wanted = [];
  for (let i = 0; i < requests.length; i++) {
    requests[i].fail(released);
  }
  for (let i = 0; i < wanted.length; i++) {
    wanted[i].request.fail(released);
  }
}

function promisedRequest(resolve, reject) {
  return {
    __proto__: null,
    give: (value) => resolve({ value, done: false }),
    close: () => resolve({ value: undefined, done: true }),
    end: (value) => resolve({ value, done: true }),
    fail: reject,
  };
}

function readerClass(name, read, bytes) {
  const Reader = { [name]: class {
    #reader;

    constructor(stream) {
      const core = coreOf(stream);
      if (core === undefined) {
        throw new ERR_INVALID_ARG_TYPE('stream', 'ReadableStream', stream);
      }
      if (bytes && !core.controller.bytes) {
        throw new ERR_INVALID_ARG_VALUE('stream', stream, 'must be a byte stream');
      }
      this.#reader = lock(core);
    }

    static readerOf(object) {
      return object !== null && typeof object === 'object' && #reader in object ? object.#reader : undefined;
    }

    get closed() {
      return #reader in this ? this.#reader.closed.promise : PromiseReject(new ERR_INVALID_THIS(name));
    }

    cancel(reason = undefined) {
      if (!(#reader in this)) {
        return PromiseReject(new ERR_INVALID_THIS(name));
      }
      const { core } = this.#reader;
      return core === undefined ? PromiseReject(wrongState('The reader is not attached to a stream')) : cancelCore(core, reason);
    }

    read(...args) {
      if (!(#reader in this)) {
        return PromiseReject(new ERR_INVALID_THIS(name));
      }
      const { core } = this.#reader;
      if (core === undefined) {
        return PromiseReject(wrongState('The reader is not attached to a stream'));
      }
      return new Promise((resolve, reject) => read(core, promisedRequest(resolve, reject), args));
    }

    releaseLock() {
      if (!(#reader in this)) {
        throw new ERR_INVALID_THIS(name);
      }
      unlock(this.#reader);
    }
  } }[name];
  const { readerOf } = Reader;
  delete Reader.readerOf;
  finish(Reader, name, ['closed', 'cancel', 'read', 'releaseLock']);
  return { __proto__: null, Reader, readerOf };
}

const { Reader: ReadableStreamDefaultReader, readerOf } = readerClass('ReadableStreamDefaultReader', readFrom, false);
const { Reader: ReadableStreamBYOBReader } = readerClass('ReadableStreamBYOBReader', (core, request, args) => {
  const view = args[0];
  if (!ArrayBufferIsView(view)) {
    throw new ERR_INVALID_ARG_TYPE('view', ['Buffer', 'TypedArray', 'DataView'], view);
  }
  if (view.byteLength === 0 || view.buffer.byteLength === 0) {
    throw wrongState('View or Viewed ArrayBuffer is zero-length or detached');
  }
  readInto(core, view, dictionary(args[1], 'options').min ?? 1, request);
}, true);

// ---- The stream

let coreOf;

function sourceController(core, source, strategy) {
  const { type } = source;
  const bytes = type !== undefined && `${type}` === 'bytes';
  if (type !== undefined && !bytes) {
    throw new ERR_INVALID_ARG_VALUE('source.type', type);
  }
  if (bytes && strategy.size !== undefined) {
    throw new ERR_INVALID_ARG_VALUE.RangeError('strategy.size', strategy.size);
  }
  const controller = makeController(core, source, {
    pull: methodOf(source, 'pull'),
    cancel: methodOf(source, 'cancel'),
    hwm: highWaterMarkOf(strategy, bytes ? 0 : 1),
    size: sizeOf(strategy),
    bytes,
    autoAllocate: source.autoAllocateChunkSize,
  });
  const Controller = bytes ? ReadableByteStreamController : ReadableStreamDefaultController;
  controller.object = new Controller(kOwn, controller);
  return controller;
}

class ReadableStream {
  #core;

  constructor(source = {}, strategy = { __proto__: null }) {
    this.#core = makeCore(this);
    if (source === kOwn) {
      this.#core.controller = makeController(this.#core, undefined, strategy);
      this.#core.controller.object = new ReadableStreamDefaultController(kOwn, this.#core.controller);
      return;
    }
    if (source === null || (typeof source !== 'object' && typeof source !== 'function')) {
      throw new ERR_INVALID_ARG_TYPE('source', 'Object', source);
    }
    const controller = sourceController(this.#core, source, dictionary(strategy, 'strategy'));
    this.#core.controller = controller;
    start(controller, methodOf(source, 'start'));
  }

  static {
    coreOf = (stream) => (stream !== null && typeof stream === 'object' && #core in stream ? stream.#core : undefined);
  }

  static from(iterable) {
    return require('internal/webstreams/branches').fromIterable(iterable);
  }

  get locked() {
    return this.#check().reader !== undefined;
  }

  #check() {
    if (!(#core in this)) {
      throw new ERR_INVALID_THIS('ReadableStream');
    }
    return this.#core;
  }

  cancel(reason = undefined) {
    const core = coreOf(this);
    if (core === undefined) {
      return PromiseReject(new ERR_INVALID_THIS('ReadableStream'));
    }
    return core.reader === undefined ? cancelCore(core, reason) : PromiseReject(wrongState('ReadableStream is locked'));
  }

  getReader(options = undefined) {
    this.#check();
    const { mode } = dictionary(options, 'options');
    if (mode === undefined) {
      return new ReadableStreamDefaultReader(this);
    }
    if (`${mode}` !== 'byob') {
      throw new ERR_INVALID_ARG_VALUE('options.mode', mode);
    }
    return new ReadableStreamBYOBReader(this);
  }

  pipeThrough(transform, options = undefined) {
    this.#check();
    const readable = transform?.readable;
    if (coreOf(readable) === undefined) {
      throw new ERR_INVALID_ARG_TYPE('transform.readable', 'ReadableStream', readable);
    }
    const { isWritable, isWritableLocked } = require('internal/webstreams/writable');
    if (!isWritable(transform.writable)) {
      throw new ERR_INVALID_ARG_TYPE('transform.writable', 'WritableStream', transform.writable);
    }
    if (this.locked) {
      throw wrongState('The ReadableStream is locked');
    }
    if (isWritableLocked(transform.writable)) {
      throw wrongState('The WritableStream is locked');
    }
    handled(require('internal/webstreams/pipe').pipe(this, transform.writable, dictionary(options, 'options')));
    return readable;
  }

  pipeTo(destination, options = undefined) {
    try {
      this.#check();
      const { isWritable, isWritableLocked } = require('internal/webstreams/writable');
      if (!isWritable(destination)) {
        throw new ERR_INVALID_ARG_TYPE('transform.writable', 'WritableStream', destination);
      }
      if (this.locked) {
        throw wrongState('The ReadableStream is locked');
      }
      if (isWritableLocked(destination)) {
        throw wrongState('The WritableStream is locked');
      }
      return require('internal/webstreams/pipe').pipe(this, destination, dictionary(options, 'options'));
    } catch (error) {
      return PromiseReject(error);
    }
  }

  tee() {
    this.#check();
    return require('internal/webstreams/branches').tee(this);
  }

  values(options = undefined) {
    this.#check();
    return require('internal/webstreams/branches').iterate(this, !!dictionary(options, 'options').preventCancel);
  }
}
primordials.ObjectDefineProperty(ReadableStream.prototype, SymbolAsyncIterator, {
  __proto__: null, configurable: true, enumerable: false, value: ReadableStream.prototype.values, writable: true,
});
finish(ReadableStream, 'ReadableStream', ['locked', 'cancel', 'getReader', 'pipeThrough', 'pipeTo', 'tee', 'values']);
primordials.ObjectDefineProperty(ReadableStream, 'from', { __proto__: null, enumerable: true });

// A stream of our own, whose pull and cancel are ours.
function makeReadable({ pull, cancel, hwm = 1, size = () => 1 }) {
  const stream = new ReadableStream(kOwn, { pull, cancel, hwm, size, bytes: false });
  const { controller } = coreOf(stream);
  start(controller, undefined);
  return { __proto__: null, stream, controller };
}

module.exports = {
  ReadableByteStreamController, ReadableStream, ReadableStreamBYOBReader, ReadableStreamBYOBRequest,
  ReadableStreamDefaultController, ReadableStreamDefaultReader, cancelCore, closeReadable: requestClose, coreOf, desiredSize,
  enqueue, errorCore, lock, makeReadable, readFrom, readerOf, unlock,
};
