// unhandledRejection, rejectionHandled and warnings.
process.on('unhandledRejection', (reason, promise) => {
  console.log('unhandled', reason instanceof Error ? reason.message : reason, promise instanceof Promise);
});
process.on('rejectionHandled', (promise) => console.log('handled late', promise instanceof Promise));
process.on('warning', (w) => console.log('warning', w.name, w.message, w.code, w.detail));
const late = Promise.reject(new Error('late'));
setTimeout(() => late.catch(() => console.log('caught late')), 200);
Promise.reject(1); Promise.reject(undefined); Promise.reject(Symbol.iterator);
const soon = Promise.reject(2); soon.catch(() => console.log('caught in time'));
(async () => { throw new TypeError('async'); })();
new Promise((_, reject) => reject('executor'));
process.nextTick(() => Promise.reject('from tick'));
setImmediate(() => { Promise.reject('from immediate'); process.nextTick(() => console.log('tick')); });
Promise.all([Promise.reject('in all'), 1]).catch((e) => console.log('all', e));
process.emitWarning('plain'); process.emitWarning('typed', 'MyWarning', 'CODE1'); process.emitWarning(new RangeError('as error'));
process.emitWarning('opts', { type: 'T', code: 'C', detail: 'D' }); process.emitWarning('dep', 'DeprecationWarning', 'DEP0');
