// Breaks one intrinsic at a time and prints whether the console, `util` and the rest still say the same (the expected lines are `ok`; Node itself fails some).
'use strict';
const util = require('util'); const EventEmitter = require('events'); const { AsyncLocalStorage } = require('async_hooks'); const assert = require('assert'); const path = require('path');
Error.stackTraceLimit = 0; console.log('start');
const values = [[1, 2, 3], { a: 1, b: { c: [] } }, new Map([[1, { a: 1 }]]), new Set([1]), 'text\n\'q\'', new Error('err', { cause: new TypeError('c') }), Symbol('s'), 10n, -0, /re/g, new Date(0), new Uint8Array(3), function f() {}, class A {}, new Proxy({ p: 1 }, {}), [, 1], Array.from({ length: 120 }, (_, i) => i), { ['__proto__']: 1 }, Object(1), new Map([[1, 2]]).keys()];
const proto = Object.getPrototypeOf; const owners = { Array, String, Map, Set, WeakMap, RegExp, Function, Number, Symbol, Date, Error, Promise, Boolean, BigInt, Uint8Array };
const targets = []; const add = (name, o, skip) => { const keys = Reflect.ownKeys(o); for (let i = 0; i < keys.length; i++) { const d = Object.getOwnPropertyDescriptor(o, keys[i]); if (typeof d.value === 'function' && d.configurable && keys[i] !== 'constructor' && keys[i] !== 'prepareStackTrace') targets[targets.length] = [name + '.' + String(keys[i]), o, keys[i], d]; } };
for (const k of Object.keys(owners)) add(k + '.prototype', owners[k].prototype); for (const k of ['Object', 'Array', 'String', 'Number', 'Symbol', 'Promise', 'Error']) add(k, globalThis[k]); add('Object.prototype', Object.prototype); add('TypedArray.prototype', proto(Uint8Array.prototype)); add('Reflect', Reflect); add('JSON', JSON); add('Math', Math); add('ArrayIterator', proto([][Symbol.iterator]())); add('MapIterator', proto(new Map().keys())); add('SetIterator', proto(new Set().keys())); add('StringIterator', proto(''[Symbol.iterator]()));
const stringify = JSON.stringify; const define = Object.defineProperty; const deepA = { a: [1, new Map([[1, 2]])] }, deepB = { a: [1, new Map([[1, 2]])] }; let out = ''; const { log } = console;
function work() {
  const write = process.stdout.write; process.stdout.write = (s) => { out += s; return true; };
  try {
    for (let i = 0; i < values.length; i++) console.log(values[i], i);
    console.log('%s %d %i %f %j %o %O %s', 'a', 1, 2, 3, [4], { a: 1 }, { b: 2 }, { c: 3 }); console.group('g'); console.log('in\ngroup'); console.groupEnd(); console.assert(false, 'x'); console.table([{ a: 1 }, { a: 2 }]); console.dir({ a: 1 });
    const e = new EventEmitter(); e.on('x', (a) => console.log('emitted', a)); e.once('x', () => console.log('once')); e.prependListener('x', () => console.log('first')); e.emit('x', 1); e.on('y', work); e.off('y', work);
    const als = new AsyncLocalStorage(); als.run({ v: 1 }, () => console.log(als.getStore())); const ac = new AbortController(); ac.signal.addEventListener('abort', () => console.log('aborted')); ac.abort('r');
    try { util.promisify(1); } catch (err) { console.log(err.code, err.message); } console.log(util.format('%s', new Error('fe')), util.inspect({ a: { b: 1 } }, { compact: false, sorted: true, showHidden: true, colors: true })); console.log(structuredClone({ a: [1, { b: 2 }] }), util.isDeepStrictEqual(deepA, deepB)); try { assert.deepStrictEqual({ a: [1] }, { a: [2] }); } catch (err) { console.log(err.message); } new URL('http://a/b?c').searchParams.get('c'); console.log(path.resolve('/a', '../b'), Buffer.from('héllo').toString('hex'));
  } finally { process.stdout.write = write; }
}
work(); work(); out = ''; work(); const expected = out; let oks = 0;
for (let i = 0; i < targets.length; i++) {
  const [name, o, k, d] = targets[i]; out = ''; let error; let inside = false;
  define(o, k, { value: function() { throw new RangeError('patched ' + name); }, configurable: true, writable: true, enumerable: false });
  try { work(); } catch (e) { error = e; }
  define(o, k, d); if (error) log('broke', name, error.message); else if (out !== expected) log('differs', name, out.length, expected.length); else oks++;
}
log(oks === targets.length ? 'all ok' : 'not all ok');
