// Everything that would change the file system fails as on a read-only one.
const fs = require('fs');
const hide = (s) => s && s.replace(/t-\w{6}/, 't-RANDOM');
const show = (e) => console.log(e.name, e.code, hide(e.message), e.errno, e.syscall, hide(e.path), e.dest);
const t = (name, f) => { try { console.log(name, f()); } catch (e) { process.stdout.write(name + ' '); show(e); } };
const F = '/data/a.txt', N = '/data/new', G = '/nope/x';
const calls = { writeFile: [[F, 'x'], [N, 'x'], [G, 'x'], ['/data', 'x'], [N, {}], [N, 1], [N], [{}, 'x']], appendFile: [[F, 'x'], [N, 'x'], [G, 'x']], mkdir: [[N], ['/data'], [F], [G], [F + '/x'], ['/data', { recursive: true }], [F, { recursive: true }], ['/data/sub/deeper', { recursive: true }], [N, 'zz']], mkdtemp: [['/data/t-'], ['/nope/t-'], [1]], rmdir: [['/data/sub'], [N], [G]], unlink: [[F], [N], [G], ['/data/link']], rename: [[F, N], [N, F], [G, N], [F, G]], copyFile: [[F, N], [G, N], [F, G]], link: [[F, N], [G, N], [F, '/data/x.json']], symlink: [['t', N], ['t', F], ['t', G]], chmod: [[F, 0o600], [N, 0o600], [F, 'zz'], ['/data/broken', 0o600]], chown: [[F, 0, 0], [N, 0, 0], [F, 'x', 0]], lchown: [[F, 0, 0], [N, 0, 0]], utimes: [[F, 1, 1], [N, 1, 1], [F, 'x', 1], [F, new Date(0), '5']], lutimes: [[F, 1, 1], ['/data/broken', 1, 1]], truncate: [[F], [F, 3], [N], ['/data']] };
for (const k of Object.keys(calls)) for (const a of calls[k]) t(`${k}Sync`, () => fs[`${k}Sync`](...a));
t('rm', () => fs.rmSync(N, { force: true })); t('rm', () => fs.rmSync(G)); t('rm', () => fs.rmSync('/data', {})); t('rm', () => fs.rmSync(F, { force: 1 })); t('rm', () => fs.rmSync(1)); t('cp', () => fs.cpSync(G, N)); t('lchmod', () => fs.lchmodSync);
(async () => {
  for (const k of Object.keys(calls)) for (const a of calls[k]) { await new Promise((r) => { try { fs[k](...a, (e, v) => { process.stdout.write(`${k} cb `); if (e) { show(e); console.log(e.stack.split('\n').length); } else console.log(v); r(); }); } catch (e) { process.stdout.write(`${k} thrown `); show(e); r(); } }); }
  for (const k of Object.keys(calls)) for (const a of calls[k]) { process.stdout.write(`${k} promise `); try { console.log(await fs.promises[k](...a)); } catch (e) { show(e); } }
  const w = fs.createWriteStream(N); w.on('error', (e) => { show(e); console.log(w.destroyed, w.fd, w.pending, w.bytesWritten); }); w.on('open', () => console.log('never')); w.on('finish', () => console.log('never')); w.on('close', () => console.log('closed')); w.write('x', (e) => console.log('write cb', e.code)); w.end((e) => console.log('end cb', e.code));
  await new Promise((r) => w.on('close', r));
  const data = fs.readFileSync(F, 'utf8'); console.log(data === 'hello\nworld\n', fs.existsSync(N));
})();
