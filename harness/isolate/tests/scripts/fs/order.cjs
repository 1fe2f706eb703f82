// File callbacks against timers, immediates and promises.
const fs = require('fs');
fs.stat('/data/a.txt', () => {
  console.log('stat');
  setTimeout(() => console.log('timeout in poll'), 0);
  setImmediate(() => console.log('immediate in poll'));
  process.nextTick(() => console.log('tick in poll'));
  Promise.resolve().then(() => console.log('microtask in poll'));
});
process.nextTick(() => console.log('tick'));
console.log('main');
setTimeout(() => {
  (async () => { console.log('a'); await fs.promises.stat('/data/a.txt'); console.log('b'); await fs.promises.stat('/data'); console.log('c'); })();
  fs.readFile('/data/a.txt', () => { console.log('readFile'); });
}, 20);
