// Buffer under patched prototypes, with objects that change the memory while they are converted, and on memory that is gone.
'use strict';
const tell = (label, f) => {
  try { console.log(label, String(f())); } catch (e) { console.log(label, e.name, e.code, e.message); }
};
const detached = () => { const m = new ArrayBuffer(8); const b = Buffer.from(m); structuredClone(m, { transfer: [m] }); return b; };
for (const [label, f] of Object.entries({
  length: (b) => b.length, utf8: (b) => JSON.stringify(b.toString()), hex: (b) => JSON.stringify(b.toString('hex')),
  write: (b) => b.write('abc'), indexOf: (b) => b.indexOf('a'), empty: (b) => b.indexOf(''), byte: (b) => b.indexOf(1),
  last: (b) => b.lastIndexOf('a'), equals: (b) => b.equals(Buffer.alloc(0)), slice: (b) => b.slice(1).length,
  read: (b) => b.readUInt8(0), readDouble: (b) => b.readDoubleLE(), copy: (b) => b.copy(Buffer.alloc(3)),
  into: (b) => Buffer.from('abc').copy(b), compare: (b) => b.compare(Buffer.from('a')), json: (b) => JSON.stringify(b),
  swap: (b) => b.swap16().length, latin1Slice: (b) => JSON.stringify(b.latin1Slice(0, 0)), fillText: (b) => b.fill('ab').length,
})) tell(`detached ${label}`, () => f(detached()));
tell('detached from', () => { const m = new ArrayBuffer(8); structuredClone(m, { transfer: [m] }); return Buffer.from(m); });

const resizable = (size, max, offset, length) => {
  const memory = new ArrayBuffer(size, { maxByteLength: max });
  return [memory, Buffer.from(memory, offset, length)];
};
tell('grown', () => { const [m, b] = resizable(4, 16); m.resize(12); return b.length; });
tell('shrunk', () => { const [m, b] = resizable(8, 16, 2, 6); m.resize(4); return `${b.length} ${JSON.stringify(b.toString('hex'))} ${b.write('abc')} ${b.indexOf('')}`; });
tell('shrunk read', () => { const [m, b] = resizable(8, 16, 2, 6); m.resize(4); return b.readUInt16LE(0); });
tell('shrunk write', () => { const [m, b] = resizable(8, 16, 2, 6); m.resize(4); return b.writeUInt16LE(1, 0); });
tell('shrunk fill', () => { const [m, b] = resizable(8, 16); m.resize(4); return b.fill('ab').toString(); });

// A conversion that detaches the memory in the middle of the call.
const cutting = () => {
  const memory = new ArrayBuffer(16);
  const buffer = Buffer.from(memory);
  return [buffer, { valueOf() { if (!memory.detached) structuredClone(memory, { transfer: [memory] }); return 2; } }];
};
tell('cut slice', () => { const [b, n] = cutting(); return JSON.stringify(b.toString('latin1', 0, n)); });
tell('cut copy', () => { const [b, n] = cutting(); return Buffer.from('abcdef').copy(b, n); });
tell('cut fill', () => { const [b, n] = cutting(); return b.fill(n).length; });
tell('cut index', () => { const [b, n] = cutting(); return b.indexOf('', n); });
tell('cut subarray', () => { const [b, n] = cutting(); return b.subarray(n).length; });

for (const size of [2 ** 53, 2 ** 52, -1, NaN, '5', null, 1.5, {}, 5n, Infinity]) {
  tell(`alloc ${String(size)}`, () => Buffer.alloc(size).length);
  tell(`allocUnsafe ${String(size)}`, () => Buffer.allocUnsafe(size).length);
}
tell('huge array-like', () => Buffer.from({ length: 2 ** 40 }).length);
tell('negative array-like', () => Buffer.from({ length: -5 }).length);
tell('array-like', () => Buffer.from({ length: 3, 0: 65, 1: '66', 2: 321 }).toString('hex'));
tell('throwing getter', () => Buffer.from({ get length() { throw new RangeError('mine'); } }));
tell('proxy', () => Buffer.from(new Proxy([1, 2], {})).toString('hex'));
tell('valueOf', () => Buffer.from({ valueOf: () => 'text' }).toString());
tell('self valueOf', () => { const o = {}; o.valueOf = () => o; return Buffer.from(o); });
tell('toPrimitive', () => Buffer.from({ [Symbol.toPrimitive]: () => 'prim' }).toString());

class Sub extends Uint8Array { static get [Symbol.species]() { throw new Error('species'); } }
tell('species', () => Buffer.from(new Sub([1, 2, 3])).toString('hex'));
tell('concat species', () => Buffer.concat([new Sub([1, 2, 3])]).toString('hex'));

const patched = ['String.prototype.charCodeAt', 'String.prototype.toLowerCase', 'Array.prototype.push', 'Uint8Array.prototype.set', 'Math.trunc'];
const saved = [];
for (const path of patched) {
  const [owner, ...rest] = path.split('.');
  const target = rest.length === 2 ? globalThis[owner].prototype : globalThis[owner];
  const key = rest[rest.length - 1];
  saved.push([target, key, target[key]]);
}
const typed = Object.getPrototypeOf(Uint8Array.prototype);
for (const key of ['set', 'fill', 'subarray', 'slice']) saved.push([typed, key, typed[key]]);
saved.push([Array.prototype, Symbol.iterator, Array.prototype[Symbol.iterator]]);
saved.push([Function.prototype, 'call', Function.prototype.call], [Function.prototype, 'apply', Function.prototype.apply]);
const results = [];
for (let i = 0; i < saved.length; i++) saved[i][0][saved[i][1]] = function() { throw new Error('patched'); };
try {
  results[0] = Buffer.from('aGk', 'BASE64').toString();
  results[1] = Buffer.concat([Buffer.from('a'), Buffer.from([98])]).toString('hex');
  results[2] = Buffer.alloc(4, 'xy').subarray(1, 3).toString('latin1');
  results[3] = Buffer.from('hay needle hay').indexOf('needle');
  results[4] = Buffer.from({ length: 2, 0: 1, 1: 2 }).toString('hex');
  results[5] = Buffer.from('abc').toJSON().data.length;
  results[6] = `${Buffer.from([1, 2, 3, 4]).readUInt32BE(0)} ${Buffer.alloc(8).writeDoubleLE(1.5)}`;
} catch (error) {
  results[7] = error.message;
}
for (let i = 0; i < saved.length; i++) saved[i][0][saved[i][1]] = saved[i][2];
console.log('patched', JSON.stringify(results));
