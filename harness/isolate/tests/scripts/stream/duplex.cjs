// Duplex, Transform, PassThrough and pipes.
const { Duplex, Transform, PassThrough, Readable, Writable } = require('stream');
const log = (...a) => console.log(...a);
const watch = (name, s) => { for (const e of ['data', 'end', 'prefinish', 'finish', 'close', 'error', 'pipe', 'unpipe', 'drain']) s.on(e, (v) => log(name, e, v instanceof Error ? v.code ?? v.message : e === 'data' ? String(v) : '')); return s; };
const cases = [
  (done) => { const s = watch('duplex', new Duplex({ read() { this.push('r'); this.push(null); }, write(c, e, f) { log('write', String(c)); f(); } })); s.end('w'); s.on('close', done); },
  (done) => { const s = watch('nohalf', new Duplex({ allowHalfOpen: false, read() { this.push(null); }, write(c, e, f) { f(); } })); s.on('close', done); },
  (done) => { const s = watch('half', new Duplex({ read() { this.push(null); }, write(c, e, f) { f(); } })); setImmediate(() => { log(s.readable, s.writable, s.destroyed); s.end(); }); s.on('close', done); },
  (done) => { const s = watch('readable-only', new Duplex({ writable: false, read() { this.push(null); } })); log(s.writable, s.readable); s.on('close', done); },
  (done) => { const s = watch('writable-only', new Duplex({ readable: false, write(c, e, f) { f(); } })); log(s.writable, s.readable); s.end('x'); s.on('close', done); },
  (done) => { const s = watch('upper', new Transform({ transform(c, e, f) { f(null, String(c).toUpperCase()); }, flush(f) { this.push('!'); f(); } })); s.write('a'); s.write('b'); s.end('c'); s.on('close', done); },
  (done) => { const s = watch('flush-data', new Transform({ transform(c, e, f) { this.push(c); this.push(c); f(); }, flush(f) { setImmediate(f, null, 'end'); } })); s.end('x'); s.on('close', done); },
  (done) => { const s = watch('transform-error', new Transform({ transform(c, e, f) { f(new Error('no')); } })); s.write('a', (e) => log('cb', e?.message)); s.end(); s.on('close', done); },
  (done) => { const s = watch('flush-error', new Transform({ transform(c, e, f) { f(); }, flush(f) { f(new Error('flush')); } })); s.end('a'); s.on('close', done); },
  (done) => { const s = watch('notransform', new Transform()); try { s.write('x'); } catch (e) { log(e.code); } done(); },
  (done) => { const s = watch('pass', new PassThrough()); Readable.from(['a', 'b']).pipe(s); s.on('close', done); },
  (done) => { const s = new Transform({ objectMode: true, transform(c, e, f) { f(null, c.n ? { n: c.n * 2 } : undefined); } }); s.on('data', (d) => log(d)); s.write({ n: 1 }); s.write({}); s.end({ n: 3 }); s.on('close', done); },
  (done) => { const s = new Transform({ readableObjectMode: true, writableHighWaterMark: 5, readableHighWaterMark: 1, transform(c, e, f) { f(null, { len: c.length }); } }); log(s.writableHighWaterMark, s.readableHighWaterMark, s.readableObjectMode, s.writableObjectMode); log(s.write('abc'), s.write('de'), s.write('f')); setImmediate(() => { s.on('data', (d) => log(d)); s.end(); s.on('close', done); }); },
  (done) => { const a = watch('src', Readable.from(['1', '2', '3'])); const b = new Writable({ highWaterMark: 1, objectMode: true, write(c, e, f) { log('slow', c); setTimeout(f, 1); } }); watch('dst', b); a.pipe(b); b.on('close', done); },
  (done) => { const a = new Readable({ read() {} }); const b = watch('b', new PassThrough()); const c = watch('c', new PassThrough()); a.pipe(b); a.pipe(c, { end: false }); a.push('x'); setImmediate(() => { a.unpipe(b); a.push('y'); setImmediate(() => { a.push(null); a.on('end', () => setImmediate(() => { log(b.writableEnded, c.writableEnded); done(); })); }); }); },
  (done) => { const a = new Readable({ read() {} }); const b = watch('errs', new Writable({ write(c, e, f) { f(new Error('sink')); } })); a.pipe(b); a.push('x'); b.on('close', () => { log(a.destroyed, a.readableFlowing, a._readableState.pipes.length); done(); }); },
  (done) => { const a = watch('asrc', new Readable({ read() {} })); const b = watch('adst', new PassThrough()); a.pipe(b); a.destroy(new Error('source')); setTimeout(() => { log(b.destroyed, b.writableEnded); done(); }, 3); },
  (done) => { const s = watch('zero', new Transform({ readableHighWaterMark: 0, transform(c, e, f) { log('t', String(c)); f(null, c); } })); s.write('q'); s.end(); s.on('close', done); },
  (done) => { const t = new Transform({ final(f) { log('own final'); f(); }, transform(c, e, f) { f(null, c); }, flush(f) { log('flush'); f(); } }); watch('final', t); t.end('z'); t.on('close', done); },
];
(function next() { const c = cases.shift(); if (c) { log('---'); c(() => setTimeout(next, 3)); } })();
