// timers/promises, promisified timers, aborts and the scheduler.
import { setTimeout as sleep, setImmediate as immediate, setInterval as every, scheduler } from 'node:timers/promises';
import util from 'node:util';
console.log(await sleep(2, 'value'), await immediate('now'), await util.promisify(setTimeout)(1, 'promisified'),
  await util.promisify(setImmediate)('p2'));
let n = 0;
for await (const v of every(1, 'tick')) { console.log(v, ++n); if (n === 3) break; }
const bad = [() => sleep('x'), () => sleep(1, 1, null), () => sleep(1, 1, 'x'), () => sleep(1, 1, { signal: 1 }), () => sleep(1, 1, { ref: 1 }),
  () => immediate(1, { signal: {} }), () => every('x').next(), () => scheduler.wait('x'), () => new scheduler.constructor()];
for (const f of bad) try { await f(); console.log('fine'); } catch (e) { console.log(e.name, e.code, e.message); }
const ac = new AbortController();
const p = sleep(1e6, 1, { signal: ac.signal });
ac.abort(new Error('why'));
try { await p; } catch (e) { console.log(e.name, e.code, e.message, e.cause.message); }
try { await sleep(1, 1, { signal: AbortSignal.abort('reason') }); } catch (e) { console.log(e.name, e.cause); }
try { await immediate(1, { signal: AbortSignal.abort() }); } catch (e) { console.log(e.name, e.cause.name); }
const ac2 = new AbortController();
setTimeout(() => ac2.abort(), 5);
let k = 0;
try { for await (const v of every(1, 0, { signal: ac2.signal })) { k++; } } catch (e) { console.log(e.name, k > 0); }
await scheduler.wait(1); await scheduler.yield();
console.log(util.inspect(scheduler), typeof (await sleep(1)));
sleep(1e6, 1, { ref: false });
