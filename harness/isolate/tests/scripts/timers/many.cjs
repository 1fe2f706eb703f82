// Many timers, many durations, clearing inside callbacks.
const order = [];
for (let d = 60; d > 0; d -= 3) for (let k = 0; k < 5; k++) setTimeout(() => order.push(`${d}.${k}`), d * 3);
setTimeout(() => console.log(order.length, order.slice(0, 12).join(), order.slice(-3).join()), 2000);
const a = setTimeout(() => { clearTimeout(b); console.log('a'); }, 5);
const b = setTimeout(() => console.log('never'), 5);
const c = setTimeout(() => console.log('c'), 5);
const x = setImmediate(() => { clearImmediate(y); console.log('x'); });
const y = setImmediate(() => console.log('never'));
setImmediate(() => console.log('z'));
let depth = 0;
(function tick() { if (++depth < 5000) process.nextTick(tick); else console.log('ticks', depth); })();
let count = 0;
for (let i = 0; i < 20000; i++) { const t = setTimeout(() => {}, 1e6); clearTimeout(t); count++; }
console.log(count);
for (let i = 0; i < 3000; i++) setImmediate(() => { if (i === 2999) console.log('immediates', i); });
(async () => { for (let i = 0; i < 2000; i++) await new Promise(setImmediate); console.log('turns'); })();
