// createReadStream: events, ranges, encodings, errors, descriptors.
const fs = require('fs');
const log = (...a) => console.log(...a);
const watch = (n, s) => { for (const e of ['open', 'ready', 'data', 'end', 'close', 'error']) s.on(e, (v) => log(n, e, v instanceof Error ? `${v.code} ${v.message}` : e === 'open' ? typeof v : v === undefined ? '' : JSON.stringify(String(v)))); return s; };
const t = (f) => { try { log(f()); } catch (e) { log(e.name, e.code, e.message); } };
const cases = [
  () => watch('whole', fs.createReadStream('/data/a.txt')), () => watch('utf8', fs.createReadStream('/data/utf8.txt', 'utf8')), () => watch('small', fs.createReadStream('/data/utf8.txt', { encoding: 'utf8', highWaterMark: 2 })),
  () => watch('range', fs.createReadStream('/data/a.txt', { start: 2, end: 7 })), () => watch('start', fs.createReadStream('/data/a.txt', { start: 6 })), () => watch('end', fs.createReadStream('/data/a.txt', { end: 4 })), () => watch('beyond', fs.createReadStream('/data/a.txt', { start: 100 })), () => watch('empty', fs.createReadStream('/data/empty')),
  () => watch('nope', fs.createReadStream('/nope')), () => watch('dir', fs.createReadStream('/data')), () => watch('write', fs.createReadStream('/data/a.txt', { flags: 'w' })), () => watch('url', fs.createReadStream(new URL('file:///data/x.json'))),
  () => watch('fd', fs.createReadStream(null, { fd: fs.openSync('/data/a.txt'), start: 0 })), () => { const s = watch('destroy', fs.createReadStream('/data/a.txt')); s.once('open', () => s.destroy()); return s; }, () => { const s = watch('destroy-error', fs.createReadStream('/data/a.txt')); s.destroy(new Error('why')); return s; },
  () => { const s = watch('close', fs.createReadStream('/data/a.txt')); s.close((e) => log('close cb', e?.code)); return s; }, () => { const ac = new AbortController(); const s = watch('abort', fs.createReadStream('/data/a.txt', { signal: ac.signal })); ac.abort(); return s; }, () => { const s = fs.createReadStream('/data/a.txt', { autoClose: false }); watch('noauto', s); s.on('end', () => setImmediate(() => { log(typeof s.fd, s.destroyed, s.autoClose); s.destroy(); })); return s; },
  () => { const s = new fs.ReadStream('/data/a.txt', { emitClose: false }); watch('noemit', s); s.on('end', () => setTimeout(() => s.emit('close'), 3)); return s; },
];
for (const o of [{ start: 5, end: 1 }, { start: 'a' }, { start: -1 }, { end: 'x' }, { end: -1 }, { highWaterMark: -1 }, { encoding: 'bogus' }, { fd: 'x' }, { flags: 'bogus', x: 1 }, 1, { fs: { open: 1 } }]) t(() => { const s = fs.createReadStream('/data/a.txt', o); s.on('error', (e) => log('late', e.code)); s.destroy(); return 'made'; });
t(() => fs.createReadStream({})); t(() => fs.createReadStream('a\0'));
const s = fs.createReadStream('/data/a.txt'); log(s.path, s.fd, s.flags, s.mode, s.start, s.end, s.pos, s.bytesRead, s.pending, s.autoClose, s.constructor.name, s instanceof fs.ReadStream, fs.ReadStream('/data/a.txt').destroy() instanceof fs.ReadStream); s.destroy();
(function next() { const c = cases.shift(); if (!c) return; log('---'); const st = c(); st.on('close', () => { log('bytes', st.bytesRead, st.fd); setTimeout(next, 2); }); })();
fs.createReadStream('/data/a.txt').pipe(new (require('stream').PassThrough)()).on('data', (d) => {}).on('end', () => {});
