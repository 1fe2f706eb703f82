import def, { named, later } from './lib/babel.cjs';
import * as ns from './lib/babel.cjs';
import data from './lib/json.json' with { type: 'json' };
import { join } from 'node:path';
import path from 'path';
import dual from 'dual';
import { live, bump } from './lib/live.mjs';
import './lib/order1.mjs';
import { default as cyc } from './lib/cycle-a.mjs';
console.log(def, named, later, Object.keys(ns), ns['module.exports'] === def);
console.log(data, typeof join, path.join === join, dual);
console.log(live); bump(); console.log(live);
console.log(cyc);
console.log(Object.keys(import.meta), Object.getPrototypeOf(import.meta), import.meta.main, import.meta.url.split('/').pop(), import.meta.filename.split('/').pop());
console.log(import.meta.resolve('./x.mjs').split('/').pop(), import.meta.resolve('path'), import.meta.resolve('dual').split('/').slice(-2));
const strip = (t) => String(t).replaceAll(import.meta.dirname === '/' ? '\0' : import.meta.dirname, '').replaceAll('file:///', 'file:///').replaceAll(import.meta.dirname === '/' ? 'file:///' : 'file:///', 'file:///');
const tries = {
  missing: () => import('./nope.mjs'), bare: () => import('nope'), hidden: () => import('dual/hidden'), dir: () => import('./lib'), scheme: () => import('http://x/y'),
  nojson: () => import('./lib/json.json'), badtype: () => import('./lib/json.json', { with: { type: 'css' } }), notjson: () => import('./lib/live.mjs', { with: { type: 'json' } }), key: () => import('./lib/live.mjs', { with: { foo: 'bar' } }),
  badjson: () => import('./lib/bad.json', { with: { type: 'json' } }), ext: () => import('./lib/t.txt'), syntax: () => import('./lib/bad.mjs'), builtin: () => import('node:nope'), throws: () => import('./lib/throws.mjs'), named: () => import('./lib/named.mjs'), named2: () => import('./lib/named2.mjs'),
};
for (const [name, f] of Object.entries(tries)) {
  try { console.log(name, await f()); } catch (e) { console.log(name, e.name, e.code, strip(e.message)); }
}
const same = async (s) => { const r = []; for (let i = 0; i < 2; i++) { try { await import(s) } catch (e) { r.push(e) } } return r[0] === r[1]; };
console.log(await same('./lib/bad.mjs'), await same('./lib/throws.mjs'));
console.log((await import('./lib/live.mjs')).live, (await import('./lib/live.mjs?x')).live, (await import('./lib/live.mjs?x#y')).live);
console.log((await import('data:text/javascript,export default 7')).default, (await import('data:application/json,{"a":1}', { with: { type: 'json' } })).default);
console.log((await import('./lib/prim.js')).default, (await import('./lib/nul.js')).default, Object.keys(await import('./lib/reassign.js')));
console.log((await import('./lib/ambiguous.js')).default, (await import('./lib/tla.mjs')).value);
console.log(typeof require, typeof module, this);
