// What is read of a ReadableStream by more than a reader: iteration, tee, and the streams made of iterables.
'use strict';

const {
  AsyncIteratorPrototype, ObjectSetPrototypeOf, Promise, PromiseResolve, SymbolAsyncIterator, SymbolIterator, TypeError,
} = primordials;

const {
  lock, coreOf, readFrom, unlock, cancelCore, enqueue, closeReadable: requestClose, errorCore, makeReadable,
} = require('internal/webstreams/readable');
const { deferred, then, wrongState } = require('internal/webstreams/shared');

function iterate(stream, preventCancel) {
  const reader = lock(coreOf(stream));
  let ongoing = PromiseResolve(undefined);
  let finished = false;
  const step = () => {
    if (finished) {
      return PromiseResolve({ value: undefined, done: true });
    }
    return new Promise((resolve, reject) => readFrom(reader.core, {
      __proto__: null,
      give: (value) => resolve({ value, done: false }),
      close() {
        finished = true;
        unlock(reader);
        resolve({ value: undefined, done: true });
      },
      fail(error) {
        finished = true;
        unlock(reader);
        reject(error);
      },
    }));
  };
  const queued = (work) => {
    ongoing = primordials.PromisePrototypeThen(ongoing, work, work);
    return ongoing;
  };
  return ObjectSetPrototypeOf({
    next() {
      return queued(step);
    },
    return(value) {
      return queued(() => {
        if (finished) {
          return { value, done: true };
        }
        finished = true;
        const done = preventCancel ? PromiseResolve(undefined) : cancelCore(reader.core, value);
        unlock(reader);
        return primordials.PromisePrototypeThen(done, () => ({ value, done: true }));
      });
    },
  }, AsyncIteratorPrototype);
}

function fromIterable(iterable) {
  const method = iterable?.[SymbolAsyncIterator] ?? iterable?.[SymbolIterator];
  if (typeof method !== 'function') {
    throw new TypeError(`${primordials.String(iterable)} is not iterable`);
  }
  const iterator = primordials.ReflectApply(method, iterable, []);
  const made = makeReadable({
    hwm: 0,
    async pull() {
      const result = await iterator.next();
      if (result === null || typeof result !== 'object') {
        throw wrongState('The promise returned by the iterator.next() method must fulfill with an object');
      }
      if (result.done) {
        requestClose(made.controller);
      } else {
        enqueue(made.controller, await result.value);
      }
    },
    async cancel(reason) {
      await iterator.return?.(reason);
    },
  });
  return made.stream;
}

function tee(stream) {
  const reader = lock(coreOf(stream));
  const done = deferred();
  const branches = [];
  const canceled = [false, false];
  const reasons = [undefined, undefined];
  let reading = false;
  let again = false;
  const pull = () => {
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    readFrom(reader.core, {
      __proto__: null,
      give(chunk) {
        primordials.PromisePrototypeThen(PromiseResolve(undefined), () => {
          again = false;
          for (let i = 0; i < 2; i++) {
            if (!canceled[i]) {
              enqueue(branches[i].controller, chunk);
            }
          }
          reading = false;
          if (again) {
            pull();
          }
        });
      },
      close() {
        reading = false;
        for (let i = 0; i < 2; i++) {
          if (!canceled[i]) {
            requestClose(branches[i].controller);
          }
        }
        done.resolve(undefined);
      },
      fail() {
        reading = false;
      },
    });
  };
  for (let i = 0; i < 2; i++) {
    branches[i] = makeReadable({
      pull,
      cancel(reason) {
        canceled[i] = true;
        reasons[i] = reason;
        if (canceled[1 - i]) {
          done.resolve(cancelCore(reader.core, reasons));
        }
        return done.promise;
      },
    });
  }
  then(reader.closed.promise, undefined, (error) => {
    errorCore(branches[0].controller.core, error);
    errorCore(branches[1].controller.core, error);
    done.resolve(undefined);
  });
  return [branches[0].stream, branches[1].stream];
}

module.exports = { fromIterable, iterate, tee };
