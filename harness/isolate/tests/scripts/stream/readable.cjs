// Readable: modes, events in order, read sizes, unshift, encodings.
const { Readable } = require('stream');
const log = (...a) => console.log(...a);
const EVENTS = ['readable', 'data', 'end', 'close', 'error', 'pause', 'resume'];
const watch = (name, s, events = EVENTS) => { for (const e of events) s.on(e, (v) => log(name, e, v instanceof Error ? v.code ?? v.message : v === undefined ? '' : String(v))); return s; };
const state = (s) => [s.readableFlowing, s.readableLength, s.readableEnded, s.destroyed, s.closed, s.readable, s.readableDidRead, s.readableAborted, s.errored?.message].join();
const cases = [
  (done) => { const s = watch('flow', new Readable({ read() {} }), ['data', 'end', 'close', 'pause', 'resume']); s.push('a'); s.push('b'); s.push(null); log(state(s)); s.on('close', () => { log(state(s)); done(); }); },
  (done) => { let n = 0; const s = watch('pull', new Readable({ highWaterMark: 4, read(size) { log('read', size, n); this.push(n++ < 5 ? `${n}${n}` : null); } }), ['end', 'close']);
    s.on('readable', () => { let c; log('readable', s.readableLength); while ((c = s.read()) !== null) log('got', String(c)); }); s.on('close', done); },
  (done) => { const s = new Readable({ read() {} }); s.push('hello world'); s.push(null); s.once('readable', () => { log(String(s.read(5)), String(s.read(0)), s.read(100), String(s.read(3)), String(s.read()), s.read()); s.on('end', () => log('end')); s.on('close', done); s.read(); }); },
  (done) => { const s = new Readable({ encoding: 'utf8', read() {} }); const b = Buffer.from('h\u00e9ll\u20ac\ud83d\ude00'); for (const x of b) s.push(Buffer.of(x)); s.push(null); s.on('data', (c) => log(JSON.stringify(c))); s.on('close', done); },
  (done) => { const s = new Readable({ objectMode: true, highWaterMark: 2, read() {} }); log(s.push({ a: 1 }), s.push(0), s.push(''), s.push(false), s.push(undefined), s.readableLength); s.push(null); s.on('data', (c) => log('obj', c)); s.on('close', done); },
  (done) => { const s = new Readable({ read() {} }); s.push('b'); s.unshift('a'); s.on('data', (c) => { log(String(c)); if (String(c) === 'ab' || String(c) === 'b') s.push(null); }); s.on('end', () => { try { s.unshift('x'); } catch (e) { log(e.code); } }); s.on('error', (e) => log('error', e.code)); s.on('close', done); },
  (done) => { const s = watch('after', new Readable({ read() {} }), ['error', 'close', 'end']); s.push(null); s.push('x'); log(state(s)); s.on('close', () => { log(state(s)); done(); }); },
  (done) => { const s = watch('bad', new Readable({ read() {} }), ['error', 'close']); log(s.push(1)); s.on('close', done); },
  (done) => { const s = watch('noread', new Readable(), ['error', 'close']); s.resume(); s.on('close', done); },
  (done) => { const s = watch('throws', new Readable({ read() { throw new Error('in read'); } }), ['error', 'close', 'end', 'data']); s.on('close', done); },
  (done) => { const s = watch('destroyed', new Readable({ read() {}, destroy(e, cb) { log('destroy', e?.message); setImmediate(cb, e); } })); s.push('lost'); s.destroy(new Error('why')); s.destroy(new Error('again')); log(state(s), s.push('x'), s.read()); s.on('close', () => { log(state(s)); done(); }); },
  (done) => { const s = watch('quiet', new Readable({ read() {}, emitClose: false }), ['close', 'error']); s.destroy(); setImmediate(() => { log(state(s)); done(); }); },
  (done) => { const s = watch('noauto', new Readable({ read() {}, autoDestroy: false }), ['end', 'close']); s.push('x'); s.push(null); s.resume(); setImmediate(() => { log(state(s)); done(); }); },
  (done) => { const s = watch('paused', new Readable({ read() {} }), ['pause', 'resume', 'data']); s.pause(); s.push('p'); log(s.isPaused(), s.readableFlowing); setImmediate(() => { s.resume(); log(s.isPaused()); setImmediate(() => { s.pause(); s.push('q'); s.push('r'); setImmediate(() => { log(s.readableLength); s.destroy(); s.on('close', done); }); }); }); },
  (done) => { const s = new Readable({ read() {} }); const f = (c) => log('once', String(c)); s.on('data', f); s.push('1'); setImmediate(() => { s.off('data', f); s.push('2'); setImmediate(() => { log(state(s)); s.on('readable', () => { const c = s.read(); log('r', c && String(c)); }); setImmediate(() => { s.push('3'); setImmediate(() => { s.removeAllListeners('readable'); setImmediate(() => { log(state(s)); done(); }); }); }); }); }); },
  (done) => { const s = watch('construct', new Readable({ construct(cb) { log('construct'); setImmediate(cb); }, read() { log('read'); this.push(null); } }), ['end', 'close']); s.resume(); log(state(s)); s.on('close', done); },
  (done) => { const s = watch('construct-error', new Readable({ construct(cb) { setImmediate(cb, new Error('cannot')); }, read() { log('never'); } }), ['error', 'close']); s.resume(); s.on('close', done); },
  (done) => { const s = watch('construct-destroy', new Readable({ construct(cb) { setImmediate(() => { log('constructed'); cb(); }); }, read() {}, destroy(e, cb) { log('destroy'); cb(e); } }), ['error', 'close']); s.destroy(); s.on('close', done); },
  (done) => { const s = new Readable({ read() {} }); s.setEncoding('hex'); s.push('ab'); s.push(Buffer.from([1, 2])); s.push('00ff', 'hex'); s.push(null); s.on('data', (c) => log(c)); s.on('close', done); },
  (done) => { const s = new Readable({ read() {} }); s.push('abc'); s.push('def'); s.push('ghi'); s.push(null); s.once('readable', () => { log(String(s.read(4)), String(s.read(4)), s.read(4), String(s.read(1))); s.resume(); s.on('close', done); }); },
];
(function next() { const c = cases.shift(); if (c) { log('---'); c(() => setTimeout(next, 2)); } })();
