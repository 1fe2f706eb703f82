// readdir in all its forms, and Dir.
const fs = require('fs');
const t = (f) => { try { console.log(f()); } catch (e) { console.log(e.name, e.code, e.message, e.errno, e.syscall, e.path); } };
t(() => fs.readdirSync('/data').join()); t(() => fs.readdirSync('data/sub/').join()); t(() => fs.readdirSync('/data/dirlink').join()); t(() => fs.readdirSync(Buffer.from('/data/many')).join()); t(() => fs.readdirSync(new URL('file:///data/many')).join());
t(() => fs.readdirSync('/data/many', 'buffer')); t(() => fs.readdirSync('/data/many', 'hex').join()); t(() => fs.readdirSync('/data/many', { encoding: 'base64' }).join());
t(() => fs.readdirSync('/data', { withFileTypes: true }).map((d) => `${d.name}:${['isFile', 'isDirectory', 'isSymbolicLink'].filter((k) => d[k]())}:${d.parentPath}`).join()); t(() => fs.readdirSync('/data/sub', { withFileTypes: true }));
t(() => fs.readdirSync('/data/tree', { recursive: true }).join()); t(() => fs.readdirSync('data/tree', { recursive: true, withFileTypes: true }).map((d) => `${d.parentPath}|${d.name}`).join()); t(() => fs.readdirSync('/data/many', { withFileTypes: true, encoding: 'buffer' })[0].name);
for (const p of ['/nope', '/data/a.txt', '', '/data/broken', '/data/loop1', 'a\0', {}]) t(() => fs.readdirSync(p)); t(() => fs.readdirSync('/data', { encoding: 'bogus' })); t(() => fs.readdirSync('/data', { recursive: 1 }));
const d = fs.opendirSync('/data/many'); console.log(d.path, d.constructor.name, d instanceof fs.Dir); const names = []; let e; while ((e = d.readSync()) !== null) names.push(e.name); console.log(names.sort().join()); d.closeSync(); t(() => d.readSync()); t(() => d.closeSync()); t(() => fs.opendirSync('/nope')); t(() => fs.opendirSync('/data/a.txt')); t(() => new fs.Dir());
(async () => {
  const P = fs.promises; const tp = async (f) => { try { console.log(await f()); } catch (e) { console.log(e.name, e.code, e.message, e.errno, e.syscall, e.path); } };
  await tp(async () => (await P.readdir('/data/tree', { recursive: true })).join()); await tp(async () => (await P.readdir('/data/tree', { recursive: true, withFileTypes: true })).map((x) => `${x.parentPath}|${x.name}`).join()); await tp(() => P.readdir('/nope')); await tp(() => P.readdir('/data/many')); await tp(() => P.opendir('/nope'));
  const all = []; for await (const x of await P.opendir('/data/many')) all.push(x.name); console.log(all.sort().join());
  const o = await P.opendir('/data/many'); await o.close(); await tp(() => o.read()); await tp(() => o.close());
  fs.readdir('/data/many', (e, l) => { console.log(e, l.join()); fs.readdir('/nope', (e) => { console.log(e.message); fs.readdir('/data/sub', { withFileTypes: true }, (e, l) => { console.log(l); fs.opendir('/data/sub', (e, x) => { console.log(e, x.path); x.close(() => console.log('closed')); }); }); }); });
})();
console.log(fs.Dirent.name, Object.getOwnPropertyNames(fs.Dirent.prototype).join());
