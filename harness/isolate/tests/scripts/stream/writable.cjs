// Writable: back pressure, cork, writev, final, end and destroy in order.
const { Writable } = require('stream');
const log = (...a) => console.log(...a);
const watch = (name, s) => { for (const e of ['drain', 'prefinish', 'finish', 'close', 'error', 'pipe', 'unpipe']) s.on(e, (v) => log(name, e, v instanceof Error ? v.code ?? v.message : '')); return s; };
const state = (s) => [s.writable, s.writableEnded, s.writableFinished, s.writableLength, s.writableNeedDrain, s.writableCorked, s.destroyed, s.closed, s.errored?.message, s.writableAborted].join();
const cb = (n) => (e) => log('cb', n, e === null ? 'null' : e?.code ?? e?.message ?? e);
const sync = { write(c, e, f) { log('write', String(c), e); f(); } };
const slow = { write(c, e, f) { log('write', String(c), e); setImmediate(f); } };
const cases = [
  (done) => { const s = watch('sync', new Writable(sync)); log(s.write('a', cb(1)), s.write('b'), state(s)); s.end('c', cb('end')); log(state(s)); s.on('close', () => { log(state(s)); done(); }); },
  (done) => { const s = watch('slow', new Writable({ highWaterMark: 3, ...slow })); log(s.write('a', cb(1)), s.write('bb', cb(2)), s.write('ccc', cb(3)), state(s)); s.once('drain', () => { s.end(cb('end')); log(state(s)); }); s.on('close', done); },
  (done) => { const s = watch('cork', new Writable({ writev(list, f) { log('writev', list.map((x) => String(x.chunk) + x.encoding).join(), list.allBuffers); f(); } })); s.cork(); s.cork(); s.write('1', cb(1)); s.write('2', cb(2)); s.uncork(); log(state(s)); s.uncork(); s.write('3'); s.cork(); s.write('4'); s.end(); s.on('close', done); },
  (done) => { const s = watch('final', new Writable({ ...sync, final(f) { log('final', state(this)); setImmediate(f); } })); s.end('x', cb('end')); s.on('close', done); },
  (done) => { const s = watch('final-error', new Writable({ ...sync, final(f) { f(new Error('no')); } })); s.end('x', cb('end')); s.on('close', done); },
  (done) => { const s = watch('final-twice', new Writable({ ...sync, final(f) { f(); f(); } })); s.end(); s.on('close', done); },
  (done) => { const s = watch('error-sync', new Writable({ write(c, e, f) { f(new Error('bad')); } })); log(s.write('a', cb(1)), s.write('b', cb(2))); log(state(s)); s.on('close', () => { log(state(s)); done(); }); },
  (done) => { const s = watch('error-async', new Writable({ write(c, e, f) { setImmediate(f, new Error('bad')); } })); log(s.write('a', cb(1)), s.write('b', cb(2)), s.write('c', cb(3))); s.end(cb('end')); s.on('close', () => { log(state(s)); done(); }); },
  (done) => { const s = watch('after-end', new Writable(sync)); s.end(); log(s.write('x', cb('late'))); s.end(cb('again')); s.on('close', () => { s.end(cb('third')); s.write('y', cb('dead')); setImmediate(done); }); },
  (done) => { const s = watch('destroy', new Writable({ ...slow, destroy(e, f) { log('destroy', e?.message); f(e); } })); s.write('a', cb(1)); s.write('b', cb(2)); s.end(cb('end')); s.destroy(new Error('why')); log(state(s)); s.on('close', () => setTimeout(done, 5)); },
  (done) => { const s = watch('destroy-quiet', new Writable(slow)); s.write('a', cb(1)); s.write('b', cb(2)); s.destroy(); log(s.write('c', cb(3)), state(s)); s.on('close', () => setTimeout(done, 5)); },
  (done) => { const s = new Writable(sync); for (const bad of [null, undefined, 1, {}, [], true]) try { log(s.write(bad)); } catch (e) { log(e.code, e.message); } try { s.write('x', 'bogus'); } catch (e) { log(e.code, e.message); } try { s.setDefaultEncoding('bogus'); } catch (e) { log(e.code); } s.setDefaultEncoding('latin1'); s.write('\u00e9'); s.write(new Uint16Array([65, 66])); s.write(new DataView(new ArrayBuffer(1))); done(); },
  (done) => { const s = watch('object', new Writable({ objectMode: true, highWaterMark: 2, write(c, e, f) { log('write', c, e); f(); } })); log(s.write({ a: 1 }), s.write(0), s.write('t'), s.write(undefined), s.write('u', 'hex')); try { s.write(null); } catch (e) { log(e.code); } s.end(); s.on('close', done); },
  (done) => { const s = watch('strings', new Writable({ decodeStrings: false, write(c, e, f) { log(typeof c, c, e); f(); } })); s.write('a'); s.write('61', 'hex'); s.write(Buffer.from('b')); s.end(); s.on('close', done); },
  (done) => { const s = watch('nowrite', new Writable()); try { s.write('x'); } catch (e) { log(e.code); } done(); },
  (done) => { const s = watch('throws', new Writable({ write() { throw new Error('in write'); } })); try { s.write('x'); } catch (e) { log('thrown', e.message); } done(); },
  (done) => { const s = watch('twice', new Writable({ write(c, e, f) { f(); f(); } })); s.write('x'); s.on('close', done); },
  (done) => { const s = watch('construct', new Writable({ construct(f) { setImmediate(() => { log('constructed'); f(); }); }, ...sync, final(f) { log('final'); f(); } })); log(s.write('a', cb(1)), s.write('b')); s.end('c'); s.on('close', done); },
  (done) => { const s = watch('pipe', new Writable(sync)); s.pipe(s); s.on('close', done); },
  (done) => { const s = watch('noauto', new Writable({ autoDestroy: false, ...sync })); s.end('x'); setTimeout(() => { log(state(s)); done(); }, 3); },
  (done) => { const s = watch('many', new Writable({ highWaterMark: 10, write(c, e, f) { setImmediate(f); } })); let n = 0; (function go() { while (n < 50) { n++; if (!s.write('xyz', n % 10 === 0 ? cb(n) : undefined)) { s.once('drain', go); return; } } s.end(); })(); s.on('close', done); },
  (done) => { const C = class extends Writable { _write(c, e, f) { log('class', String(c)); f(); } }; const s = C; const i = new s(); log(i instanceof Writable, i instanceof require('stream'), {} instanceof Writable, new (require('stream').Duplex)() instanceof Writable); i.end('z'); i.on('close', done); },
  (done) => { const ac = new AbortController(); const s = watch('signal', new Writable({ signal: ac.signal, ...slow })); s.write('a', cb(1)); ac.abort(); log(state(s)); s.on('close', () => setTimeout(done, 3)); },
];
(function next() { const c = cases.shift(); if (c) { log('---'); c(() => setTimeout(next, 2)); } })();
