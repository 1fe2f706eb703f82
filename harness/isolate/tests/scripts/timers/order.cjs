// The order of ticks, microtasks, timers and immediates.
const order = [];
const log = (what) => console.log(what);
// What waits for time starts after what must come before it: on a busy machine a few milliseconds pass between two turns.
let ended;
const immediates = new Promise((resolve) => (ended = resolve));
setTimeout(() => log('timeout 1'), 1);
setImmediate(() => {
  log('immediate 1');
  process.nextTick(() => log('tick in immediate 1'));
  Promise.resolve().then(() => log('microtask in immediate 1'));
  setImmediate(() => {
    log('immediate of immediate');
    ended();
  });
});
setImmediate(() => log('immediate 2'));
process.nextTick(() => {
  log('tick 1');
  process.nextTick(() => log('tick of tick'));
  Promise.resolve().then(() => log('microtask of tick'));
});
process.nextTick((...args) => log(`tick with ${args}`), 1, 2, 3);
Promise.resolve().then(() => {
  log('microtask 1');
  process.nextTick(() => log('tick of microtask'));
  queueMicrotask(() => log('microtask of microtask'));
});
queueMicrotask(() => log('queued microtask'));
(async () => {
  log('async start');
  await null;
  log('async after await');
  await immediates;
  await new Promise((resolve) => setTimeout(resolve, 5));
  log('async after timeout');
  await new Promise((resolve) => setImmediate(resolve));
  log('async after immediate');
  setTimeout(() => {
    log('timeout A');
    Promise.resolve().then(() => log('microtask A'));
    process.nextTick(() => log('tick A'));
  }, 20);
  setTimeout(() => log('timeout B'), 20);
})();
log('main end');
// So that the timers of 1 ms are due when the loop starts.
const end = Date.now() + 5;
while (Date.now() < end);
