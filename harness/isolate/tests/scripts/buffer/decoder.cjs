// StringDecoder over random bytes cut at random places.
'use strict';
const { StringDecoder } = require('string_decoder');
let seed = 7;
const random = (n) => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return (seed >>> 8) % n; };
const parts = [[0x61], [0xe2, 0x82, 0xac], [0xf0, 0x9f, 0x98, 0x80], [0xc3, 0xa9], [0xff], [0xe2, 0x28], [0x3d, 0xd8], [0x00, 0xde], [0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf8, 0x88]];
for (let i = 0; i < 700; i++) {
  const encoding = ['utf8', 'utf16le', 'base64', 'base64url', 'hex', 'latin1', 'ascii'][random(7)];
  const decoder = new StringDecoder(encoding);
  const out = [];
  for (let k = random(6); k >= 0; k--) {
    let bytes = [];
    for (let n = random(4); n >= 0; n--) {
      const part = parts[random(parts.length)];
      bytes = bytes.concat(part.slice(0, 1 + random(part.length)));
    }
    out.push(decoder.write(Buffer.from(bytes)), decoder.lastNeed, decoder.lastTotal);
  }
  out.push(decoder.end(random(2) ? undefined : Buffer.from([0x41, 0xe2])), decoder.lastNeed);
  console.log(encoding, JSON.stringify(out));
}
for (const f of [() => new StringDecoder('nope'), () => new StringDecoder(1), () => new StringDecoder().write(1), () => new StringDecoder().write('text'), () => new StringDecoder('UCS2').encoding, () => StringDecoder.prototype.write.call({}, Buffer.from('a')), () => new StringDecoder().text(Buffer.from('abc'), 1)]) {
  try { console.log(f()); } catch (e) { console.log(e.name, e.code, e.message); }
}
