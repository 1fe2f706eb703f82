// Symbolic links that point above the root, at absolute paths and back up: all of them stay inside.
const fs = require('fs');
const t = (n, f) => { try { console.log(n, String(f())); } catch (e) { console.log(n, e.code, e.message); } };
const base = '/data/sub';
for (const l of ['up', 'home', 'up/up', 'up/sub/up/a.txt', 'home/a.txt', 'home/sub/home/x.json', 'up/../../../../data/a.txt', 'home/../../etc/passwd', 'up/link', 'home/dirlink/s.txt'])
  for (const [n, f] of [['read', (p) => fs.readFileSync(p, 'utf8').length], ['stat', (p) => fs.statSync(p).isDirectory()], ['lstat', (p) => fs.lstatSync(p).isSymbolicLink()], ['readlink', fs.readlinkSync], ['realpath', fs.realpathSync], ['native', fs.realpathSync.native], ['exists', fs.existsSync], ['access', fs.accessSync], ['open', (p) => { const fd = fs.openSync(p); fs.closeSync(fd); return 'opened'; }]])
    t(`${n} ${l}`, () => f(`${base}/${l}`));
t('readdir', () => fs.readdirSync(`${base}/up`).length > 5); t('readdir home', () => fs.readdirSync(`${base}/home/sub/home/many`)); t('opendir', () => fs.opendirSync(`${base}/home/many`).readSync() !== null);
t('chdir', () => { process.chdir(`${base}/home`); return process.cwd(); }); t('relative', () => fs.readFileSync('a.txt', 'utf8').length); t('above', () => fs.readFileSync('../../../../data/a.txt', 'utf8').length); t('require', () => require(`${base}/home/x.json`).x);
