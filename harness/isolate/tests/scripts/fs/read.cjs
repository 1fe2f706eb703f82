// Reading files: every form of path, encoding and flag; sync, callback and promise agree.
const fs = require('fs');
const t = (f) => { try { const v = f(); console.log(typeof v === 'string' ? JSON.stringify(v) : v); } catch (e) { console.log(e.name, e.code, e.message, e.errno, e.syscall, e.path); } };
for (const p of ['/data/a.txt', 'data/a.txt', './data/../data/a.txt', '/data/link', '/data/absolute', '/data/dirlink/s.txt', '/data//sub///s.txt', '/../../data/a.txt', '/data/sub/../a.txt', '/data/dirlink/../a.txt', Buffer.from('/data/a.txt'), new URL('file:///data/a.txt'), new URL('file:///data/we%20ird%2520name'), new Uint8Array(Buffer.from('data/x.json'))])
  t(() => fs.readFileSync(p, 'utf8'));
for (const e of [undefined, null, 'utf8', 'utf-8', 'UTF8', 'latin1', 'hex', 'base64', 'base64url', 'ascii', 'utf16le', 'ucs2', 'binary', 'buffer', { encoding: 'utf8' }, { encoding: null }, {}, { encoding: 'utf8', flag: 'r' }, { flag: 'rs' }, { flag: fs.constants.O_RDONLY }])
  t(() => fs.readFileSync('/data/utf8.txt', e));
t(() => fs.readFileSync('/data/bad.bin', 'utf8')); t(() => fs.readFileSync('/data/empty')); t(() => fs.readFileSync('/data/empty', 'utf8'));
for (const p of ['/nope', '', '/data', '/data/broken', '/data/loop1', '/data/a.txt/', '/data/a.txt/x', '/data/nope/../a.txt', '/etc/passwd', '../../../etc/passwd', '/data/%61.txt', '/data\\a.txt', '..\\..\\etc', '/'.repeat(3), 'a\0b', Buffer.from('a\0b'), new URL('file:///a%00b'), new URL('http://x/'), new URL('file://host/x'), new URL('file:///a%2fb'), {}, null, undefined, true, [], () => {}, 1.5, -1, 99999, 'x'.repeat(5000), ('d/').repeat(3000)])
  t(() => fs.readFileSync(p, 'utf8').slice(0, 10));
for (const o of ['bogus', 1, true, { encoding: 'bogus' }, { flag: 'bogus' }, { flag: 'w' }, { flag: 'wx' }, { flag: 'a' }, { flag: 'r+' }, { flag: 'ax' }, { signal: 1 }]) t(() => fs.readFileSync('/data/a.txt', o));
console.log(fs.existsSync('/data/a.txt'), fs.existsSync('/nope'), fs.existsSync(''), fs.existsSync('/data/broken'), fs.existsSync('/data/loop1'), fs.existsSync('a\0'), fs.existsSync(new URL('file:///data')));
const out = [];
const say = (n) => (e, v) => { out.push([n, e ? e.message : String(v)]); };
fs.readFile('/data/a.txt', 'utf8', say('cb')); fs.readFile('/nope', say('nope')); fs.readFile('/data', say('dir')); fs.readFile('/data/x.json', { encoding: 'utf8' }, say('opt'));
fs.exists('/data', (v) => out.push(['exists', v]));
(async () => {
  const P = fs.promises;
  console.log(JSON.stringify(await P.readFile('/data/a.txt', 'utf8')), await P.readFile('/data/x.json'), (await P.readFile(new URL('file:///data/utf8.txt'), { encoding: 'utf8' })).length);
  for (const p of ['/nope', '/data', {}, 'a\0b']) try { await P.readFile(p); } catch (e) { console.log(e.name, e.code, e.message); }
  try { await P.readFile('/data/a.txt', { signal: AbortSignal.abort() }); } catch (e) { console.log(e.name, e.code); }
  await new Promise((r) => setTimeout(r, 20));
  for (const l of out.sort()) console.log(l.join(' '));
  fs.readFile('/nope', (e) => { console.log(e); console.log(e.stack.split('\n').length); });
})();
for (const f of [() => fs.readFile('/data/a.txt'), () => fs.readFile('/data/a.txt', 'utf8', 1), () => fs.stat('/data'), () => fs.readFile({}, () => {}), () => fs.open('/data/a.txt')]) t(f);
