// Timeout and Immediate objects: ref, unref, refresh, close, numbers, disposal, clearing by anything.
const util = require('util');
const t = setTimeout(() => console.log('never'), 1e6);
console.log(t.hasRef(), t.unref() === t, t.hasRef(), t.ref() === t, t.hasRef());
console.log(Object.keys(t).join(), typeof +t, +t > 0, `${t}` === String(+t));
clearTimeout(+t);
console.log(t._destroyed, t.hasRef(), t._onTimeout);
const s = setTimeout(() => console.log('never'), 1e6);
clearTimeout(`${+s}`);
console.log(s._destroyed);
for (const x of [undefined, null, {}, 0, '', 'x', NaN, Symbol.iterator === 1, [], () => {}]) {
  clearTimeout(x); clearInterval(x); clearImmediate(x);
}
let n = 0;
const i = setInterval(() => {
  n++;
  if (n === 3) clearInterval(i);
}, 2);
const imm = setImmediate(() => console.log('never'));
console.log(imm.hasRef(), imm.unref() === imm, imm.hasRef(), imm.ref() === imm);
clearImmediate(imm);
console.log(imm._destroyed, imm.hasRef(), Object.keys(imm).join());
{
  const d = setTimeout(() => console.log('never'), 1);
  d[Symbol.dispose]();
  const e = setImmediate(() => console.log('never'));
  e[Symbol.dispose]();
  console.log(d._destroyed, e._destroyed);
}
let refreshed = 0;
const r = setTimeout(() => {
  refreshed++;
  if (refreshed < 3) r.refresh();
}, 3);
setTimeout(() => {
  const closed = setTimeout(() => console.log('never'), 1);
  console.log(closed.close() === closed, closed._destroyed, n, refreshed);
}, 400);
setTimeout(() => console.log('unref never'), 1e6).unref();
for (const f of [setTimeout, setInterval, setImmediate, process.nextTick, queueMicrotask]) {
  for (const bad of [undefined, null, 'code', 1, {}]) {
    try { f(bad); } catch (e) { console.log(f.name, e.code, e.message); }
  }
}
console.log(setTimeout.name, setTimeout.length, setInterval.length, setImmediate.length, clearTimeout.length,
  queueMicrotask.length, process.nextTick.length);
console.log(Object.keys(require('timers')).join(), Object.keys(require('timers/promises')).join());
console.log(util.inspect(setImmediate(() => {}, 'arg'), { depth: 0 }).replace(/\d+/g, 'N'));
console.log(util.inspect(setTimeout(() => {}, 1), { depth: 0 }).replace(/\d+/g, 'N'));
console.log(require('timers').setTimeout === setTimeout, require('timers').promises === require('timers/promises'));
