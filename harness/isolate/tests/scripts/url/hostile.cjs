// URLs and queries under patched prototypes, with hostile objects and huge texts.
'use strict';
const tell = (label, f) => {
  try { console.log(label, String(f())); } catch (e) { console.log(label, e.name, e.code, e.message); }
};
tell('toString throws', () => new URL({ toString() { throw new RangeError('mine'); } }));
tell('symbol', () => new URL(Symbol('x')));
tell('long host', () => new URL(`http://${'a'.repeat(100000)}/`).hostname.length);
tell('long path', () => new URL(`http://h/${'../'.repeat(50000)}x`).pathname);
tell('deep path', () => new URL(`http://h/${'a/'.repeat(50000)}x`).pathname.length);
tell('many parameters', () => new URLSearchParams('a=b&'.repeat(50000)).size);
tell('sort', () => { const p = new URLSearchParams('b=1&a=2&'.repeat(20000)); p.sort(); return p.toString().slice(0, 20); });
tell('surrogate', () => new URL('http://h/\ud800?\udc00#\ud83d').href);
tell('nul', () => new URL('http://h/\0').href);
tell('proxy record', () => new URLSearchParams(new Proxy({ a: 1 }, { ownKeys: () => ['a', 'b'], getOwnPropertyDescriptor: (t, k) => (k === 'a' ? { enumerable: true, configurable: true, value: 1 } : undefined) })).toString());
tell('iterator that lies', () => new URLSearchParams({ *[Symbol.iterator]() { yield ['a', 'b']; yield 5; } }));
for (const x of ['http://[::1%25eth0]/', 'http://a%00b/', 'http://a\u3002b/', 'http://0x7f.1/', 'http://256.1/', 'http://1.2.3.4.5/', 'http://[1::2::3]/', 'http://a..b/', 'http://-a-/', 'http://a_b/', 'http://\u00ad/', 'https://faß.de', 'http://xn--a/', 'http://h:65536/', 'http://h:0065/', 'http://h: 80/', 'http://user@/x', 'http:///x', 'http:\\\\h\\p', 'HTTP://H', 'file:c:\\x', 'file://localhost/x', 'file:///c|/x/../..', 'non-special:\\x', 'data:text/plain,a b ?q', 'javascript:alert(1)//', '\u0000 http://h \u001f', 'ht\ntp://h', 'http://h/%2e%2E/x', 'ws://h:80', 'wss://h:443/?#', 'http://💩', 'http://‮', 'about:blank', 'http://１２７.０.０.１']) tell(JSON.stringify(x), () => new URL(x).href);
