// Async iteration, Readable.from, the array-like operators and consumers.
import { Readable, PassThrough, isReadable, isErrored, isDisturbed, Writable, Stream, getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream';
import * as consumers from 'node:stream/consumers';
const log = (...a) => console.log(...a);
const tryIt = async (f) => { try { log(await f()); } catch (e) { log(e.name, e.code, e.message); } };
const r = Readable.from(['a', 'b', 'c']); for await (const x of r) log(x); log(r.destroyed, r.readableEnded);
const b = Readable.from([1, 2, 3]); for await (const x of b) { log(x); break; } log(b.destroyed);
const k = Readable.from([1, 2, 3]); for await (const x of k.iterator({ destroyOnReturn: false })) { log(x); break; } log(k.destroyed); log(await k.toArray());
const t = new Readable({ read() {} }); setImmediate(() => t.destroy(new Error('mid'))); await tryIt(async () => { for await (const x of t); });
const u = new Readable({ read() {} }); setImmediate(() => u.destroy()); await tryIt(async () => { for await (const x of u); });
await tryIt(async () => { const s = Readable.from([1, 2]); for await (const x of s) throw new Error('body'); });
async function* gen() { try { yield 'g1'; yield 'g2'; yield 'g3'; } finally { log('cleaned'); } }
for await (const x of Readable.from(gen())) { log(x); break; }
await tryIt(() => Readable.from(gen()).toArray()); await tryIt(() => Readable.from([Promise.resolve(1), 2, Promise.resolve(3)]).toArray());
await tryIt(() => Readable.from([1, null, 2]).toArray()); await tryIt(() => Readable.from([1, Promise.reject(new Error('rej'))]).toArray());
await tryIt(() => Readable.from(5)); await tryIt(() => Readable.from('str').toArray()); await tryIt(() => Readable.from(Buffer.from('buf')).toArray()); await tryIt(() => Readable.from(new Map([[1, 2]])).toArray());
const nums = () => Readable.from([1, 2, 3, 4, 5]);
await tryIt(() => nums().map((x) => x * 2).toArray()); await tryIt(() => nums().filter(async (x) => x % 2).toArray()); await tryIt(() => nums().take(2).toArray()); await tryIt(() => nums().drop(3).toArray());
await tryIt(() => nums().flatMap((x) => [x, x]).toArray()); await tryIt(() => nums().reduce((a, x) => a + x)); await tryIt(() => nums().reduce((a, x) => a + x, 10)); await tryIt(() => Readable.from([]).reduce((a, x) => a)); await tryIt(() => Readable.from([]).reduce((a, x) => a, 0));
await tryIt(() => nums().some((x) => x > 3)); await tryIt(() => nums().every((x) => x > 3)); await tryIt(() => nums().find((x) => x > 3)); await tryIt(() => nums().find((x) => x > 30)); await tryIt(() => nums().forEach((x) => log('each', x)));
await tryIt(() => nums().map(async (x) => { await new Promise((r) => setTimeout(r, 6 - x)); return x; }, { concurrency: 3 }).toArray());
await tryIt(() => nums().map((x) => { if (x === 3) throw new Error('three'); return x; }).toArray()); await tryIt(() => nums().map('x')); await tryIt(() => nums().map((x) => x, { concurrency: 0 })); await tryIt(() => nums().take(-1)); await tryIt(() => nums().take('2').toArray()); await tryIt(() => nums().drop(NaN).toArray());
await tryIt(() => nums().toArray({ signal: AbortSignal.abort() })); await tryIt(() => nums().filter(1)); await tryIt(() => nums().toArray(1)); await tryIt(() => nums().forEach(1)); await tryIt(() => nums().reduce(1));
await tryIt(() => nums().map((x) => x + 1).filter((x) => x % 2).take(1).toArray());
const text = () => Readable.from([Buffer.from('{"a":'), Buffer.from([0xe2, 0x82]), Buffer.from([0xac]), Buffer.from('}')]);
await tryIt(() => consumers.text(text())); await tryIt(() => consumers.json(Readable.from(['[1,', '2]']))); await tryIt(() => consumers.json(text())); await tryIt(() => consumers.buffer(text())); await tryIt(async () => (await consumers.arrayBuffer(text())).byteLength); await tryIt(async () => (await consumers.blob(Readable.from(['bl', 'ob']))).size); await tryIt(() => consumers.text(Readable.from(['a', 'b'])));
log(isReadable(nums()), isErrored(t), isDisturbed(r), isDisturbed(nums()), isReadable(r), Stream.isDestroyed?.(r));
log(getDefaultHighWaterMark(false), getDefaultHighWaterMark(true)); await tryIt(() => setDefaultHighWaterMark(false, -1)); setDefaultHighWaterMark(true, 3); log(new Readable({ objectMode: true }).readableHighWaterMark);
log(Object.keys(await import('node:stream')).sort().join()); log(Object.getOwnPropertyNames(Readable.prototype).sort().join()); log(Object.getOwnPropertyNames(Writable.prototype).sort().join());
const { nop } = {}; await tryIt(() => new Readable({ highWaterMark: -1 })); await tryIt(() => new Readable({ highWaterMark: 'x' })); await tryIt(() => new Writable({ writableHighWaterMark: NaN }).writableHighWaterMark); await tryIt(() => new Readable({ encoding: 'bogus' })); await tryIt(() => new Readable({ defaultEncoding: 'bogus' }));
const old = new Stream(); old.pause = () => log('pause'); old.resume = () => {}; const wrapped = new Readable().wrap(old); wrapped.on('data', (d) => log('wrapped', String(d))); wrapped.on('end', () => log('wrapped end')); old.emit('data', 'x'); old.emit('end'); await new Promise(setImmediate);
const p1 = new Stream(); const pt = new PassThrough(); p1.pipe(pt); p1.emit('data', 'legacy'); p1.emit('end'); log(await consumers.text(pt));
{ await using d = new Readable({ read() {} }); d.on('close', () => log('disposed')); }
