// pipeline and finished, in their callback and promise forms.
import { pipeline, finished, Readable, Writable, Transform, PassThrough, Duplex, compose, addAbortSignal } from 'node:stream';
import * as P from 'node:stream/promises';
const log = (...a) => console.log(...a);
const name = (e) => (e ? e.code ?? e.message : e);
const sink = (o) => new Writable({ objectMode: true, write(c, e, f) { log('sink', String(c)); f(); }, ...o });
const upper = () => new Transform({ objectMode: true, transform(c, e, f) { f(null, String(c).toUpperCase()); } });
const p = (...s) => new Promise((r) => pipeline(...s, (e, v) => { log('done', name(e), v, s.map((x) => x.destroyed).join()); setImmediate(r); }));
await p(Readable.from(['a', 'b']), upper(), sink());
await p(['x', 'y'], upper, async (src) => { let n = 0; for await (const c of [].concat(src)) n++; return n; }).catch((e) => log(e.message));
await p(['x', 'y'], async function* (src) { for await (const c of src) yield c + c; }, sink());
await p(function* () { yield 1; yield 2; }, async function (src) { let t = 0; for await (const c of src) t += c; return t; });
await p(async function* () { yield 'q'; throw new Error('gen'); }, sink());
await p(Readable.from(['a']), new Transform({ objectMode: true, transform(c, e, f) { f(new Error('mid')); } }), sink());
await p(Readable.from(['a']), sink({ write(c, e, f) { f(new Error('sinkerr')); } }));
const broken = new Readable({ read() {} }); setTimeout(() => broken.destroy(new Error('src')), 2);
await p(broken, upper(), sink());
const early = new Readable({ read() {} }); setTimeout(() => early.destroy(), 2);
await p(early, sink());
const closing = new PassThrough(); setTimeout(() => closing.destroy(), 2);
await p(new Readable({ read() {} }), closing);
for (const f of [() => pipeline(), () => pipeline(Readable.from([])), () => pipeline(Readable.from([]), () => {}), () => pipeline(Readable.from([]), sink()), () => pipeline({}, sink(), () => {})]) try { f(); log('fine'); } catch (e) { log(e.code, e.message.split('\n')[0]); }
log(await P.pipeline([1, 2, 3], async (s) => { const r = []; for await (const x of s) r.push(x * 2); return r; }));
try { await P.pipeline(Readable.from([1]), async function* (s) { throw new TypeError('in gen'); }, sink()); } catch (e) { log(e.name, e.message); }
const ac = new AbortController(); setTimeout(() => ac.abort(), 2);
try { await P.pipeline(new Readable({ read() {} }), sink(), { signal: ac.signal }); } catch (e) { log(e.name, e.code, e.cause?.name); }
const open = new PassThrough(); await P.pipeline(['keep'], open, { end: false }); log(open.writableEnded, open.destroyed, String(open.read()));
// finished
const fin = (s, o) => new Promise((r) => finished(s, o ?? {}, (e) => r(name(e))));
const r1 = Readable.from([]); r1.resume(); log(await fin(r1), r1.destroyed);
const r2 = new Readable({ read() {} }); setImmediate(() => r2.destroy()); log(await fin(r2));
const r3 = new Readable({ read() {} }); setImmediate(() => r3.destroy(new Error('e3'))); r3.on('error', () => {}); log(await fin(r3)); log(await fin(r3));
const w1 = sink(); w1.end(); log(await fin(w1)); log(await fin(w1));
const d1 = new PassThrough(); d1.end('x'); log(await fin(d1, { readable: false })); d1.resume(); log(await fin(d1));
try { await P.finished(r3); } catch (e) { log('P', e.message); }
const ac3 = new AbortController(); const never = new PassThrough(); const pf = P.finished(never, { signal: ac3.signal }); ac3.abort(); try { await pf; } catch (e) { log(e.name, never.destroyed, never.listenerCount('end')); }
try { finished({}, () => {}); } catch (e) { log(e.code); } try { finished(w1); } catch (e) { log(e.code); }
const aborted = addAbortSignal(AbortSignal.abort('now'), new PassThrough()); aborted.on('error', (e) => log('aborted', e.name, e.cause)); await new Promise(setImmediate);
// compose and Duplex.from
const c = compose(upper(), async function* (s) { for await (const x of s) yield `<${x}>`; });
c.end('hey'); for await (const x of c) log('composed', x);
for await (const x of Readable.from(['1', '2']).compose(upper())) log(String(x));
log(await Duplex.from('text').toArray(), await Duplex.from(['i', 't']).toArray(), await Duplex.from(Promise.resolve('p')).toArray());
const gen = Duplex.from(async function* (s) { for await (const x of s) yield String(x) + '!'; }); gen.end('g'); log(await gen.toArray());
const acc = Duplex.from(async function (s) { for await (const x of s) log('acc', String(x)); }); acc.end('in'); log(await fin(acc), acc.readable);
const pair = Duplex.from({ readable: Readable.from(['R']), writable: sink() }); pair.end('W'); log((await pair.toArray()).map(String));
try { Duplex.from(1); } catch (e) { log(e.code); } try { compose(); } catch (e) { log(e.code); }
