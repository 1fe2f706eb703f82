// Links that point out of the package are refused, whatever is done with them: written by hand, since a real root has no outside.
const fs = require('fs');
const path = require('path');
const t = (n, f) => { try { console.log(n, String(f())); } catch (e) { console.log(n, e.code, e.message); } };
for (const l of ['leave', 'proc', 'leave/..', 'proc/etc/passwd']) {
  const p = path.posix.join('/data/sub') + `/${l}`;
  for (const [n, f] of [['read', fs.readFileSync], ['stat', fs.statSync], ['realpath', fs.realpathSync.native], ['exists', fs.existsSync],
    ['access', fs.accessSync], ['open', fs.openSync], ['readdir', fs.readdirSync], ['opendir', fs.opendirSync]]) t(`${n} ${l}`, () => f(p));
}
t('readlink', () => fs.readlinkSync('/data/sub/leave'));
t('require', () => require('/data/sub/leave'));
fs.createReadStream('/data/sub/leave').on('error', (e) => console.log('stream', e.code));
fs.promises.readFile('/data/sub/proc').catch((e) => console.log('promise', e.code));
