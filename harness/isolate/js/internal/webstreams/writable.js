// WritableStream of the Streams Standard: its writer and its controller.
'use strict';

const { ArrayPrototypePush, ArrayPrototypeShift, PromiseReject, PromiseResolve } = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_INVALID_THIS },
} = require('internal/errors');
const {
  checkSize, deferred, dictionary, finish, handled, highWaterMarkOf, illegal, invoke, kOwn, methodOf, sizeOf, then, wrongState,
} = require('internal/webstreams/shared');

function makeCore() {
  return {
    __proto__: null, state: 'writable', error: undefined, writer: undefined, controller: undefined, writes: [],
    inFlightWrite: undefined, closeRequest: undefined, inFlightClose: undefined, pendingAbort: undefined, backpressure: false,
  };
}

function desiredSize(core) {
  switch (core.state) {
    case 'errored':
    case 'erroring': return null;
    case 'closed': return 0;
    default: return core.controller.hwm - core.controller.total;
  }
}

function closing(core) {
  return core.closeRequest !== undefined || core.inFlightClose !== undefined;
}

function inFlight(core) {
  return core.inFlightWrite !== undefined || core.inFlightClose !== undefined;
}

// A promise that may be settled already is replaced, as the standard asks.
function settle(writer, name, error) {
  if (writer[name].settled) {
    writer[name] = deferred();
    handled(writer[name].promise);
  }
  writer[name].settled = true;
  if (error === undefined) {
    writer[name].resolve(undefined);
  } else {
    writer[name].reject(error.error);
  }
}

function setBackpressure(core, backpressure) {
  const { writer } = core;
  if (writer !== undefined && backpressure !== core.backpressure) {
    if (backpressure) {
      writer.ready = deferred();
      handled(writer.ready.promise);
    } else {
      settle(writer, 'ready');
    }
  }
  core.backpressure = backpressure;
}

function startErroring(core, error) {
  if (core.state !== 'writable') {
    return;
  }
  core.state = 'erroring';
  core.error = error;
  if (core.writer !== undefined) {
    settle(core.writer, 'ready', { error });
  }
  if (!inFlight(core) && core.controller.started) {
    finishErroring(core);
  }
}

function finishErroring(core) {
  core.state = 'errored';
  const { controller } = core;
  controller.queue = [];
  controller.total = 0;
  const { writes } = core;
  core.writes = [];
  for (let i = 0; i < writes.length; i++) {
    writes[i].reject(core.error);
  }
  const abort = core.pendingAbort;
  core.pendingAbort = undefined;
  if (abort === undefined) {
    rejectClose(core);
    return;
  }
  if (abort.wasErroring) {
    abort.done.reject(core.error);
    rejectClose(core);
    return;
  }
  const method = controller.abort;
  forget(controller);
  then(invoke(method, controller.sink, abort.reason), () => {
    abort.done.resolve(undefined);
    rejectClose(core);
  }, (error) => {
    abort.done.reject(error);
    rejectClose(core);
  });
}

function rejectClose(core) {
  if (core.closeRequest !== undefined) {
    core.closeRequest.reject(core.error);
    core.closeRequest = undefined;
  }
  if (core.writer !== undefined) {
    settle(core.writer, 'closed', { error: core.error });
  }
}

function forget(controller) {
  controller.write = undefined;
  controller.close = undefined;
  controller.abort = undefined;
}

function fail(core, error) {
  if (core.state === 'writable') {
    startErroring(core, error);
  } else if (core.state === 'erroring' && !inFlight(core)) {
    finishErroring(core);
  }
}

const kClose = { __proto__: null };

function advance(core) {
  const { controller } = core;
  if (!controller.started || core.inFlightWrite !== undefined) {
    return;
  }
  if (core.state === 'erroring') {
    if (!inFlight(core)) {
      finishErroring(core);
    }
    return;
  }
  if (controller.queue.length === 0 || core.state === 'closed' || core.state === 'errored') {
    return;
  }
  const { chunk } = controller.queue[0];
  if (chunk === kClose) {
    finishClose(core);
  } else {
    writeChunk(core, chunk);
  }
}

function writeChunk(core, chunk) {
  const { controller } = core;
  core.inFlightWrite = ArrayPrototypeShift(core.writes);
  then(invoke(controller.write, controller.sink, chunk, controller.object), () => {
    core.inFlightWrite.resolve(undefined);
    core.inFlightWrite = undefined;
    const entry = ArrayPrototypeShift(controller.queue);
    if (entry !== undefined) {
      controller.total -= entry.size;
    }
    if (!closing(core) && core.state === 'writable') {
      setBackpressure(core, desiredSize(core) <= 0);
    }
    advance(core);
  }, (error) => {
    core.inFlightWrite.reject(error);
    core.inFlightWrite = undefined;
    if (core.state === 'writable') {
      forget(controller);
    }
    failInFlight(core, error);
  });
}

function failInFlight(core, error) {
  if (core.state === 'writable') {
    startErroring(core, error);
  } else if (core.state === 'erroring') {
    finishErroring(core);
  }
}

function finishClose(core) {
  const { controller } = core;
  core.inFlightClose = core.closeRequest;
  core.closeRequest = undefined;
  ArrayPrototypeShift(controller.queue);
  const method = controller.close;
  forget(controller);
  then(invoke(method, controller.sink), () => {
    core.inFlightClose.resolve(undefined);
    core.inFlightClose = undefined;
    if (core.state === 'erroring') {
      core.error = undefined;
      core.pendingAbort?.done.resolve(undefined);
      core.pendingAbort = undefined;
    }
    core.state = 'closed';
    if (core.writer !== undefined) {
      settle(core.writer, 'closed');
    }
  }, (error) => {
    core.inFlightClose.reject(error);
    core.inFlightClose = undefined;
    core.pendingAbort?.done.reject(error);
    core.pendingAbort = undefined;
    failInFlight(core, error);
  });
}

function writeCore(core, chunk) {
  const { controller } = core;
  let size;
  if (core.state === 'writable') {
    try {
      size = checkSize(controller.size, chunk);
    } catch (error) {
      fail(core, error);
    }
  }
  if (core.state === 'errored' || core.state === 'erroring') {
    return PromiseReject(core.error);
  }
  if (closing(core) || core.state === 'closed') {
    return PromiseReject(wrongState('The stream is closing or closed'));
  }
  const done = deferred();
  ArrayPrototypePush(core.writes, done);
  ArrayPrototypePush(controller.queue, { __proto__: null, chunk, size });
  controller.total += size;
  setBackpressure(core, desiredSize(core) <= 0);
  advance(core);
  return handled(done.promise);
}

function closeCore(core) {
  if (core.state === 'closed' || core.state === 'errored') {
    return PromiseReject(wrongState('WritableStream is closed'));
  }
  if (closing(core)) {
    return PromiseReject(wrongState('Failure to close WritableStream'));
  }
  core.closeRequest = deferred();
  const { promise } = core.closeRequest;
  if (core.writer !== undefined && core.backpressure && core.state === 'writable') {
    settle(core.writer, 'ready');
  }
  ArrayPrototypePush(core.controller.queue, { __proto__: null, chunk: kClose, size: 0 });
  advance(core);
  return handled(promise);
}

function abortCore(core, reason) {
  if (core.state === 'closed' || core.state === 'errored') {
    return PromiseResolve(undefined);
  }
  core.controller.abortController.abort(reason);
  if (core.pendingAbort !== undefined) {
    return core.pendingAbort.done.promise;
  }
  const wasErroring = core.state === 'erroring';
  core.pendingAbort = { __proto__: null, done: deferred(), reason: wasErroring ? undefined : reason, wasErroring };
  const { promise } = core.pendingAbort.done;
  handled(promise);
  if (!wasErroring) {
    startErroring(core, reason);
  }
  return promise;
}

class WritableStreamDefaultController {
  #core;

  constructor(own, core) {
    if (own !== kOwn) {
      illegal();
    }
    this.#core = core;
  }

  get signal() {
    return this.#core.controller.abortController.signal;
  }

  error(error = undefined) {
    if (this.#core.state === 'writable') {
      forget(this.#core.controller);
      startErroring(this.#core, error);
    }
  }
}
finish(WritableStreamDefaultController, 'WritableStreamDefaultController', ['signal', 'error']);

function lock(core) {
  if (core.writer !== undefined) {
    throw wrongState('WritableStream is locked');
  }
  const writer = { __proto__: null, core, ready: deferred(), closed: deferred() };
  handled(writer.ready.promise);
  handled(writer.closed.promise);
  core.writer = writer;
  const error = core.state === 'erroring' || core.state === 'errored' ? { error: core.error } : undefined;
  if (error !== undefined || core.state === 'closed' || closing(core) || !core.backpressure) {
    settle(writer, 'ready', error);
  }
  if (core.state === 'closed' || core.state === 'errored') {
    settle(writer, 'closed', error);
  }
  return writer;
}

function unlock(writer) {
  const { core } = writer;
  if (core === undefined) {
    return;
  }
  const error = wrongState('Writer has been released');
  settle(writer, 'ready', { error });
  settle(writer, 'closed', { error });
  core.writer = undefined;
  writer.core = undefined;
}

class WritableStreamDefaultWriter {
  #writer;

  constructor(stream) {
    const core = coreOf(stream);
    if (core === undefined) {
      throw new ERR_INVALID_ARG_TYPE('stream', 'WritableStream', stream);
    }
    this.#writer = lock(core);
  }

  #run(work) {
    if (!(#writer in this)) {
      return PromiseReject(new ERR_INVALID_THIS('WritableStreamDefaultWriter'));
    }
    const { core } = this.#writer;
    return core === undefined ? PromiseReject(wrongState('Writer is not bound to a WritableStream')) : work(core);
  }

  get closed() {
    return #writer in this ? this.#writer.closed.promise : PromiseReject(new ERR_INVALID_THIS('WritableStreamDefaultWriter'));
  }

  get desiredSize() {
    const { core } = this.#writer;
    if (core === undefined) {
      throw wrongState('Writer is not bound to a WritableStream');
    }
    return desiredSize(core);
  }

  get ready() {
    return #writer in this ? this.#writer.ready.promise : PromiseReject(new ERR_INVALID_THIS('WritableStreamDefaultWriter'));
  }

  abort(reason = undefined) {
    return this.#run((core) => abortCore(core, reason));
  }

  close() {
    return this.#run(closeCore);
  }

  releaseLock() {
    unlock(this.#writer);
  }

  write(chunk = undefined) {
    return this.#run((core) => writeCore(core, chunk));
  }
}
finish(WritableStreamDefaultWriter, 'WritableStreamDefaultWriter',
  ['closed', 'desiredSize', 'ready', 'abort', 'close', 'releaseLock', 'write']);

let coreOf;

class WritableStream {
  #core;

  constructor(sink = {}, strategy = { __proto__: null }) {
    if (sink === null || (typeof sink !== 'object' && typeof sink !== 'function')) {
      throw new ERR_INVALID_ARG_TYPE('sink', 'Object', sink);
    }
    if (sink.type !== undefined) {
      throw new ERR_INVALID_ARG_VALUE.RangeError('type', sink.type);
    }
    const settings = dictionary(strategy, 'strategy');
    const core = makeCore();
    this.#core = core;
    const { AbortController } = require('internal/abort_controller');
    core.controller = {
      __proto__: null, sink, write: methodOf(sink, 'write'), close: methodOf(sink, 'close'), abort: methodOf(sink, 'abort'),
      hwm: highWaterMarkOf(settings, 1), size: sizeOf(settings), queue: [], total: 0, started: false,
      abortController: new AbortController(), object: undefined,
    };
    core.controller.object = new WritableStreamDefaultController(kOwn, core);
    setBackpressure(core, desiredSize(core) <= 0);
    const method = methodOf(sink, 'start');
    const result = method === undefined ? undefined : primordials.ReflectApply(method, sink, [core.controller.object]);
    then(PromiseResolve(result), () => {
      core.controller.started = true;
      advance(core);
    }, (error) => {
      core.controller.started = true;
      fail(core, error);
    });
  }

  static {
    coreOf = (stream) => (stream !== null && typeof stream === 'object' && #core in stream ? stream.#core : undefined);
  }

  get locked() {
    return isLocked(this);
  }

  abort(reason = undefined) {
    return onUnlocked(this, (core) => abortCore(core, reason));
  }

  close() {
    return onUnlocked(this, closeCore);
  }

  getWriter() {
    if (coreOf(this) === undefined) {
      throw new ERR_INVALID_THIS('WritableStream');
    }
    return new WritableStreamDefaultWriter(this);
  }
}
finish(WritableStream, 'WritableStream', ['locked', 'abort', 'close', 'getWriter']);

function isLocked(stream) {
  const core = coreOf(stream);
  if (core === undefined) {
    throw new ERR_INVALID_THIS('WritableStream');
  }
  return core.writer !== undefined;
}

function onUnlocked(stream, work) {
  const core = coreOf(stream);
  if (core === undefined) {
    return PromiseReject(new ERR_INVALID_THIS('WritableStream'));
  }
  return core.writer === undefined ? work(core) : PromiseReject(wrongState('WritableStream is locked'));
}

module.exports = {
  WritableStream, WritableStreamDefaultController, WritableStreamDefaultWriter, abortCore, closeCore, closing,
  desiredSize, errorWritable: fail, isWritable: (value) => coreOf(value) !== undefined, isWritableLocked: isLocked, lock, unlock,
  writableCore: (stream) => coreOf(stream), writeCore,
};
