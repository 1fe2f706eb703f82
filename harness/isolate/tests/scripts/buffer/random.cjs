// Random calls of Buffer's searching, copying, encoding and comparing methods: their results as Node's.
'use strict';
let seed = 2024;
const random = (n) => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return (seed >>> 8) % n; };
const pieces = ['a', 'b', 'ab', 'é', '€', '😀', '\ud800', '\udc00', 'YW', 'Jj', '=', '-', '_', '+', '/', ' ', '\n', '0', 'f', 'G', '!', '\u0141', 'ÿ', '\0', '!!'];
const text = () => { let t = ''; for (let n = random(9); n > 0; n--) t += pieces[random(pieces.length)]; return t; };
const encodings = ['utf8', 'utf-8', 'UCS2', 'utf16le', 'latin1', 'binary', 'ascii', 'hex', 'base64', 'base64url', 'nope', undefined, null, ''];
const encoding = () => encodings[random(encodings.length)];
const number = () => [undefined, 0, 1, 2, 3, 5, 8, -1, -3, 100, 1.5, NaN, '1', null, 2 ** 32][random(15)];
const tell = (f) => {
  try {
    const v = f();
    return Buffer.isBuffer(v) ? v.toString('hex') : typeof v === 'string' ? JSON.stringify(v) : String(v);
  } catch (e) {
    return `${e.name} ${e.code} ${e.message}`;
  }
};
for (let i = 0; i < 1500; i++) {
  // Stock Node 24 aborts (`needle_length >= needle_value.length()`) on a needle with lone surrogates: hence `toWellFormed`.
  const a = text(), b = text(), e = encoding(), n = number(), m = number(), k = number();
  const calls = [
    () => Buffer.from(a, e),
    () => Buffer.byteLength(a, e),
    () => Buffer.from(a).toString(e, n, m),
    () => Buffer.from(a, 'latin1').toString(e, n, m),
    () => Buffer.alloc(9, a, e),
    () => Buffer.alloc(7).fill(a, n, m, e),
    () => { const t = Buffer.alloc(7); return `${t.write(a, n, m, e)} ${t.toString('hex')}`; },
    () => Buffer.from(a + b + a).indexOf(b.toWellFormed(), n, e),
    () => Buffer.from(a + b + a).lastIndexOf(b.toWellFormed(), n, e),
    () => Buffer.from(a + b + a, 'utf16le').indexOf(b, n, 'utf16le'),
    () => Buffer.from(a + b + a, 'utf16le').lastIndexOf(b, n, 'ucs2'),
    () => Buffer.from(a + b + a).includes(Buffer.from(b), n, e),
    () => Buffer.from(a + b).indexOf(random(256), n),
    () => Buffer.from(a + b).lastIndexOf(97.9, n),
    () => Buffer.from(a).compare(Buffer.from(b)),
    () => Buffer.from(a).compare(Buffer.from(b), n, m, k),
    () => Buffer.compare(Buffer.from(a), Buffer.from(b)),
    () => Buffer.from(a).equals(Buffer.from(b)),
    () => { const t = Buffer.alloc(5); return `${Buffer.from(a).copy(t, n, m, k)} ${t.toString('hex')}`; },
    () => Buffer.from(a).slice(n, m),
    () => Buffer.from(a).subarray(m, n),
    () => Buffer.concat([Buffer.from(a), Buffer.from(b)], n === 2 ** 32 ? 5 : n),
    () => { const t = Buffer.from(a + a + b + b + a); return `${t.length} ${t.swap16().toString('hex')}`; },
    () => Buffer.copyBytesFrom(new Uint16Array([1, 2, 3, 0x4142]), n, m),
    () => Buffer.isEncoding(e),
    () => atob(a),
    () => btoa(a),
  ];
  const which = random(calls.length);
  console.log(`${which} ${JSON.stringify([a, b, e, n, m, k])} ${tell(calls[which])}`);
}
