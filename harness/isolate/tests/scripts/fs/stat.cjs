// stat and its kin, access, realpath, readlink, statfs.
const fs = require('fs');
const t = (f) => { try { console.log(f()); } catch (e) { console.log(e.name, e.code, e.message, e.errno, e.syscall, e.path); } };
const kinds = (s) => ['isFile', 'isDirectory', 'isSymbolicLink', 'isFIFO', 'isSocket', 'isBlockDevice', 'isCharacterDevice'].filter((k) => s[k]()).join() + ` ${s.size}` + (s.isFile() ? ` ${(s.mode & 0o777).toString(8)}` : '');
for (const p of ['/data/a.txt', '/data/link', '/data/dirlink', '/data/run.sh', '/data/empty', new URL('file:///data/a.txt'), Buffer.from('/data')]) { t(() => kinds(fs.statSync(p)).replace(/Directory \d+/, 'Directory')); t(() => kinds(fs.lstatSync(p)).replace(/Directory \d+/, 'Directory')); }
for (const p of ['/nope', '', '/data/broken', '/data/loop1', '/data/a.txt/x', '/data/a.txt/', 'a\0', {}, 1]) { t(() => fs.statSync(p)); t(() => fs.statSync(p, { throwIfNoEntry: false })); }
t(() => kinds(fs.lstatSync('/data/broken'))); t(() => kinds(fs.lstatSync('/data/loop1')));
const s = fs.statSync('/data/a.txt'); console.log(Object.keys(s).join(), s.constructor.name, s instanceof fs.Stats, s.atime instanceof Date, s.mtime.getTime() === Math.round(s.mtimeMs), Object.keys(s).length, s.uid, s.gid, s.rdev, s.blksize, s.blocks >= 0);
const b = fs.statSync('/data/a.txt', { bigint: true }); console.log(Object.keys(b).join(), b.constructor.name, typeof b.size, b.size, b.isFile(), b.isDirectory(), b.mtimeNs / 1000000n === b.mtimeMs, b.mtime instanceof Date, b instanceof fs.Stats);
console.log(fs.statSync('/data/a.txt').ino === fs.statSync('/data/link').ino, fs.statSync('/data/a.txt').ino === fs.statSync('/data/x.json').ino);
for (const m of [undefined, fs.constants.F_OK, fs.constants.R_OK, fs.constants.W_OK, fs.constants.X_OK, 7, 8, -1, 'x', 1.5, null]) { t(() => fs.accessSync('/data/a.txt', m)); }
t(() => fs.accessSync('/data/run.sh', fs.constants.X_OK)); t(() => fs.accessSync('/data', fs.constants.X_OK)); t(() => fs.accessSync('/data/broken')); t(() => fs.accessSync('/nope', fs.constants.W_OK));
for (const p of ['/data/link', '/data/dirlink/s.txt', '/data/./sub/../link', 'data/link', '/', '.', '/data/absolute', '/nope/x', '/data/broken', '/data/loop1', '/data/a.txt/x', '', 'a\0']) { t(() => fs.realpathSync(p)); t(() => fs.realpathSync.native(p)); }
t(() => fs.realpathSync('/data/link', 'buffer')); t(() => fs.realpathSync('/data/link', { encoding: 'hex' }));
for (const p of ['/data/link', '/data/broken', '/data/absolute', '/data/loop1', '/data/a.txt', '/data', '/nope']) t(() => fs.readlinkSync(p)); t(() => fs.readlinkSync('/data/link', 'buffer'));
t(() => Object.keys(fs.statfsSync('/')).join()); t(() => fs.statfsSync('/nope')); t(() => typeof fs.statfsSync('/', { bigint: true }).type);
(async () => {
  const P = fs.promises;
  const tp = async (f) => { try { console.log(await f()); } catch (e) { console.log(e.name, e.code, e.message, e.errno, e.syscall, e.path); } };
  await tp(async () => kinds(await P.stat('/data/a.txt'))); await tp(async () => kinds(await P.lstat('/data/link'))); await tp(() => P.stat('/nope')); await tp(() => P.access('/data')); await tp(() => P.access('/nope')); await tp(() => P.access('/data/a.txt', fs.constants.W_OK)); await tp(() => P.realpath('/data/link')); await tp(() => P.realpath('/nope')); await tp(() => P.readlink('/data/link')); await tp(() => P.stat({}));
  const call = (f, ...args) => new Promise((done) => f(...args, (...given) => { console.log(...given.map((g) => (typeof g?.isFile === 'function' ? kinds(g) : g))); done(); }));
  await call(fs.stat, '/nope'); await call(fs.stat, '/data/a.txt'); await call(fs.lstat, '/data/link', { bigint: true }); await call(fs.access, '/data'); await call(fs.realpath, '/data/link'); await call(fs.realpath.native, '/data/link'); await call(fs.readlink, '/data/link'); await call(fs.exists, '/data/a.txt');
})();
