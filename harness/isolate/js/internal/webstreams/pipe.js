// Pipes a readable stream into a writable one, with the errors, ends and aborts of both as the Streams Standard has them.
'use strict';

const { PromiseResolve, PromisePrototypeThen } = primordials;

const { validateAbortSignal } = require('internal/validators');
const { deferred, then, wrongState } = require('internal/webstreams/shared');
const readable = require('internal/webstreams/readable');
const writable = require('internal/webstreams/writable');

function pipe(source, destination, { preventClose, preventAbort, preventCancel, signal }) {
  if (signal !== undefined) {
    validateAbortSignal(signal, 'options.signal');
  }
  const from = readable.coreOf(source);
  const to = writable.writableCore(destination);
  const reader = readable.lock(from);
  const writer = writable.lock(to);
  from.disturbed = true;
  const done = deferred();
  let over = false;
  let lastWrite = PromiseResolve(undefined);

  const finalize = (failure) => {
    writable.unlock(writer);
    readable.unlock(reader);
    signal?.removeEventListener('abort', onAbort);
    if (failure === undefined) {
      done.resolve(undefined);
    } else {
      done.reject(failure.error);
    }
  };
  // Writes that were begun come to their end before anything else happens.
  const shutDown = (work, failure) => {
    if (over) {
      return;
    }
    over = true;
    const act = () => then(work === undefined ? PromiseResolve(undefined) : work(),
      () => finalize(failure), (error) => finalize({ error }));
    if (to.state === 'writable' && !writable.closing(to)) {
      then(lastWrite, act, act);
    } else {
      act();
    }
  };
  const onAbort = () => {
    const error = signal.reason;
    shutDown(() => {
      const both = [];
      if (!preventAbort && to.state === 'writable') {
        primordials.ArrayPrototypePush(both, writable.abortCore(to, error));
      }
      if (!preventCancel && from.state === 'readable') {
        primordials.ArrayPrototypePush(both, readable.cancelCore(from, error));
      }
      return primordials.SafePromiseAll(both);
    }, { error });
  };
  if (signal?.aborted) {
    onAbort();
    return done.promise;
  }
  signal?.addEventListener('abort', onAbort);

  then(reader.closed.promise, () => {
    shutDown(preventClose ? undefined : () => (writable.closing(to) || to.state === 'closed' ? PromiseResolve(undefined)
      : to.state === 'errored' ? primordials.PromiseReject(to.error) : writable.closeCore(to)), undefined);
  }, (error) => shutDown(preventAbort ? undefined : () => writable.abortCore(to, error), { error }));
  then(writer.closed.promise, () => {
    const error = wrongState('Destination WritableStream is closed');
    shutDown(preventCancel ? undefined : () => readable.cancelCore(from, error), { error });
  }, (error) => shutDown(preventCancel ? undefined : () => readable.cancelCore(from, error), { error }));

  const step = () => {
    if (over) {
      return;
    }
    then(writer.ready.promise, () => {
      if (over || from.state !== 'readable') {
        return;
      }
      readable.readFrom(from, {
        __proto__: null,
        give(chunk) {
          if (writer.core !== undefined) {
            lastWrite = writable.writeCore(to, chunk);
          }
          PromisePrototypeThen(PromiseResolve(undefined), step);
        },
        close() {},
        fail() {},
      });
    });
  };
  step();
  return done.promise;
}

module.exports = { pipe };
