const strip = (t) => String(t).replaceAll(__dirname === '/' ? '\0' : __dirname, '');
console.log(require('./lib/d.mjs').__esModule, Object.keys(require('./lib/d.mjs')), require('./lib/d.mjs') === require('./lib/d.mjs'), require('./lib/me.mjs'), Object.keys(require('./lib/live.mjs')));
for (const id of ['./lib/tla.mjs', './lib/rc.mjs', './lib/throws.mjs', './lib/bad.mjs', './lib/named2.mjs', './lib/ambiguous.js']) {
  try { console.log(require(id)) } catch (e) { console.log(id, e.name, e.code, strip(e.message)) }
}
import('./lib/d.mjs').then(async (ns) => {
  console.log(Object.keys(ns), ns.__esModule);
  console.log((await import('./lib/counter.js')).default === require('./lib/counter.js'));
  console.log(await import('./lib/nope.mjs').catch((e) => e.code), await eval('import("./lib/live.mjs")').then((m) => m.live), await new Function('return import("./lib/live.mjs")')().then((m) => m.live));
});
console.log('sync end');
