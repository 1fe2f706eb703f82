// An error in a tick, timer, microtask or immediate that 'uncaughtException' takes: the rest goes on in Node's order.
process.on('uncaughtException', (error, origin) => console.log('uncaught', error.code ?? error, origin));
process.nextTick(() => { throw 1; });
process.nextTick(() => console.log('tick 2'));
Promise.resolve().then(() => console.log('microtask'));
queueMicrotask(() => { throw 3; });
setTimeout(() => { console.log('timeout 1'); throw 2; }, 1);
setTimeout(() => console.log('timeout 2'), 1);
setTimeout(() => {
  setImmediate(() => { console.log('immediate 1'); process.nextTick(() => console.log('tick of immediate')); throw 4; });
  setImmediate(() => console.log('immediate 2'));
}, 200);
setTimeout(() => { Promise.reject(5); process.nextTick(() => console.log('tick after reject')); }, 400);
setTimeout(() => console.log('end'), 600);
const end = Date.now() + 5; while (Date.now() < end);
