// Buffer's statics, its inspection, transcoding, Blob and File: results and refusals.
'use strict';
const buffer = require('buffer');
const { inspect } = require('util');
const { Blob, File, transcode } = buffer;
const tell = (label, f) => {
  try { const v = f(); console.log(label, typeof v === 'string' ? JSON.stringify(v) : inspect(v)); } catch (e) { console.log(label, e.name, e.code, e.message, e.stack.split('\n')[0]); }
};
tell('exports', () => Object.keys(buffer).join());
tell('statics', () => Object.keys(Buffer).join());
tell('prototype', () => Object.keys(Buffer.prototype).sort().join());
tell('constants', () => [buffer.constants, buffer.kMaxLength, buffer.kStringMaxLength, buffer.INSPECT_MAX_BYTES, Buffer.poolSize]);
tell('inspect', () => { const b = Buffer.from('abc'); b.foo = 1; b[Symbol('x')] = { deep: [1] }; return b; });
tell('inspect', () => [Buffer.alloc(0), Buffer.alloc(51), Buffer.alloc(60)]);
tell('inspect hidden', () => { const b = Buffer.alloc(1); Object.defineProperty(b, 'h', { value: 1 }); return inspect(b, { showHidden: true }); });
tell('inspect class', () => { class Mine extends Uint8Array {} const b = Buffer.alloc(1); b.constructor = Mine; return b; });
const texts = Buffer.from('a\u00e9\u20ac\u{1f600}');
for (const from of ['utf8', 'latin1', 'ascii', 'ucs2', 'binary', 'hex', null]) for (const to of ['utf8', 'latin1', 'ascii', 'ucs2', 'hex', 'UTF-16LE']) tell(`${from} to ${to}`, () => transcode(texts, from, to).toString('hex'));
for (const [list, from, to] of [[[0xff, 0x41, 0xe2, 0x82], 'utf8', 'latin1'], [[0xff, 0x41], 'utf8', 'ucs2'], [[0xff, 0x41], 'utf8', 'utf8'], [[0, 0xd8, 0x41, 0], 'ucs2', 'utf8'], [[0, 0xd8, 0x41, 0], 'ucs2', 'latin1'], [[0, 0xd8, 0x41, 0], 'ucs2', 'ucs2'], [[0x41, 0, 0x42], 'ucs2', 'utf8']]) tell(`${list} ${from} ${to}`, () => transcode(Buffer.from(list), from, to).toString('hex'));
tell('transcode', () => transcode('x', 'utf8', 'ucs2'));
for (const f of [() => buffer.isUtf8('x'), () => buffer.isUtf8(Buffer.from([0xff])), () => buffer.isAscii(new Uint16Array([1, 2])), () => buffer.isAscii(new ArrayBuffer(2)), () => Buffer.compare('a', Buffer.alloc(1)), () => Buffer.concat(1), () => Buffer.concat([1]), () => Buffer.concat([Buffer.from('a')], -1), () => Buffer.concat([Buffer.from('a')], 3), () => Buffer.byteLength(5), () => Buffer.byteLength(new ArrayBuffer(3)), () => Buffer.of(1, 257, '3', 'x'), () => Buffer.from(null), () => Buffer.from(5), () => Buffer.from('a', 'nope'), () => Buffer.from(new ArrayBuffer(4), 5), () => Buffer.from(new ArrayBuffer(4), 1, 9), () => Buffer.from(new ArrayBuffer(4), 'x', 'y'), () => Buffer.from(new String('boxed')), () => Buffer.from({ type: 'Buffer', data: [1, 2] }), () => Buffer.from(JSON.parse(JSON.stringify(Buffer.from('json')))), () => Buffer.isBuffer(new Uint8Array(1)), () => Buffer.isEncoding('UTF-8'), () => Buffer.copyBytesFrom('x'), () => Buffer.from('abc').equals('abc'), () => Buffer.from('abc').copy({}), () => Buffer.alloc(3).swap16(), () => Buffer.alloc(8).swap64().length, () => Buffer.from('a') instanceof Uint8Array, () => Buffer.from('abc').map((x) => x + 1), () => Buffer.alloc(5).fill('zz', 'hex'), () => Buffer.alloc(5, ''), () => Buffer.alloc(5, Buffer.alloc(0)), () => Buffer.alloc(5).fill(1n), () => Buffer.alloc(5, true), () => Buffer.alloc(5, {}), () => atob(), () => atob('a'), () => atob(' Y Q= ='), () => btoa('\u0100'), () => atob(null), () => atob('Y-'), () => Buffer.alloc(4).utf8Write('abc', 5), () => Buffer.alloc(4).utf8Write('abc', 1, -1), () => Buffer.alloc(4).utf8Write(5), () => Buffer.alloc(4).utf8Slice(3, 1), () => Buffer.alloc(4).utf8Slice(3, 100), () => Buffer.alloc(4).utf8Slice(-1, 2), () => Buffer.prototype.utf8Slice.call({}, 1, 2), () => Buffer.alloc(4).hexWrite('abc', 1, 2), () => Buffer.alloc(4).ucs2Write('abc', 1, 3), () => Buffer.alloc(4).utf8Write('aé€', 0, 2), () => { buffer.INSPECT_MAX_BYTES = -1; }]) tell(String(f), f);
for (const f of [() => new Blob(['abc', new Uint8Array([1, 2]), new Blob(['z'])], { type: 'Text/PLAIN' }), () => new Blob('abc'), () => new Blob(1), () => new Blob([], 'x'), () => new Blob([], { endings: 'foo' }), () => new Blob(['a\r\nb\n'], { endings: 'native' }).size, () => new Blob([], { type: 'té' }).type, () => new Blob(['abcdef']).slice(1, -1, 'a/b'), () => Object.prototype.toString.call(new Blob()), () => new File(['a'], 'n.txt', { lastModified: 5 }), () => new File(['a']), () => Blob(), () => Blob.prototype.size, () => new Blob([null, 1]).size, () => buffer.resolveObjectURL('blob:nodedata:x'), () => new File([], 'x') instanceof Blob]) tell(String(f), f);
(async () => {
  const blob = new Blob(['aé', new Uint16Array([0x4142]).buffer]).slice(1);
  console.log(await blob.text(), inspect(await blob.arrayBuffer()), inspect(await blob.bytes()));
  await Blob.prototype.text.call({}).catch((e) => console.log(e.code));
})();
