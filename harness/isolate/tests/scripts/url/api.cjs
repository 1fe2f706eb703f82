// The members of URL, URLSearchParams and the conversions between URLs, paths and request options: results and refusals.
'use strict';
const url = require('url');
const { inspect } = require('util');
const show = (v) => (typeof v === 'string' ? v : inspect(v));
const tell = (label, f) => {
  try { console.log(label, show(f())); } catch (e) { console.log(label, e.name, e.code, e.message, JSON.stringify(e), e.stack.split('\n')[0]); }
};
tell('inspect', () => new URL('http://u:p@h:81/p?a=1#h'));
tell('inspect deep', () => ({ a: { b: { c: new URL('http://a/?x'), d: new URLSearchParams('x=1') } } }));
tell('params', () => new URLSearchParams('a=1&' + 'b'.repeat(90) + '=2'));
for (const f of [() => new URL(), () => new URL('x'), () => new URL('x', 'y'), () => new URL('/x', 'http://a').href, () => URL.canParse(), () => URL.canParse('x:y'), () => URL.parse('x'), () => URL.parse('/b', 'x:/a').href, () => URL.parse(), () => { const u = new URL('a:b'); u.href = 'x'; }, () => URL.prototype.href, () => new URLSearchParams({ a: 1, b: [1, 2] }), () => new URLSearchParams([[1]]), () => new URLSearchParams([1]), () => new URLSearchParams([[1, 2, 3]]), () => new URLSearchParams({ [Symbol.iterator]: 1 }), () => new URLSearchParams(5), () => new URLSearchParams(Symbol()), () => new URLSearchParams(new Map([['a', 'b']])), () => URLSearchParams.prototype.get.call({}), () => new URLSearchParams().get(), () => new URLSearchParams().append('a'), () => new URLSearchParams().forEach(), () => new URLSearchParams().has(), () => URL.revokeObjectURL(), () => new URLSearchParams('a=1').entries(), () => new URLSearchParams('a=1').keys(), () => { const i = new URLSearchParams('a=1&b=2').values(); i.next(); return i; }]) tell(String(f), f);
tell('names', () => Object.getOwnPropertyNames(URL.prototype) + '|' + Object.getOwnPropertyNames(URLSearchParams.prototype).sort() + '|' + Object.keys(URL) + '|' + Object.keys(new URL('a:b')));
tell('tags', () => [new URL('a:b'), new URLSearchParams(), new URLSearchParams().entries()].map((x) => Object.prototype.toString.call(x)).join());
for (const x of ['file:///a%20b', 'file://h/a', 'http://x', 'file:///a%2fb', 'file:///a%2Fb', 'file:///a%zz', '/x', 1, null, 'file:///C:/x', 'file:///a?b#c', new URL('file:///é'), { href: 'file:///x', protocol: 'file:', hostname: '', pathname: '/x' }]) tell(`fileURLToPath ${show(x)}`, () => url.fileURLToPath(x));
for (const x of ['file:///C:/a%20b', 'file://h/a', 'file:///a', 'file:///C:/a%5cb', 'file:///C|/x']) tell(`fileURLToPath windows ${x}`, () => url.fileURLToPath(x, { windows: true }));
for (const x of ['/a b', '/a%b', '/a\\b', '/a?b#c', '/a\nb\tc\r', '/é', '/a/../b', 1, '/a/', '/a;b=@:', '/a^b|c', '/~[x]{y}`"<>']) tell(`pathToFileURL ${JSON.stringify(x)}`, () => url.pathToFileURL(x).href);
for (const x of ['C:\\a b', '\\\\srv\\sh\\f', 'C:\\a%', '\\\\srv', '\\\\?\\C:\\x', '\\\\?\\UNC\\srv\\sh\\x', '\\\\\\x']) tell(`pathToFileURL windows ${x}`, () => url.pathToFileURL(x, { windows: true }).href);
tell('options', () => url.urlToHttpOptions(new URL('http://u:p%20@[::1]:81/p?a=1#h')));
tell('options', () => url.urlToHttpOptions(new URL('http://a')));
tell('options', () => url.urlToHttpOptions('x'));
tell('buffer', () => url.fileURLToPathBuffer('file:///a%FFb'));
for (const d of ['español.com', '中文.com', 'xn--iñvalid.com', 'xn--fiq228c.com', '', 'a b', 'EXAMPLE.com', '1.2', 'a:80', '%41']) tell(`domain ${d}`, () => [url.domainToASCII(d), url.domainToUnicode(d)]);
tell('domain', () => url.domainToASCII());
for (const a of [{ protocol: 'http', host: 'a', pathname: 'x', query: { a: 1 } }, 5, null, 'http://a?b', {}, { hostname: '::1', port: 5 }, { pathname: 'a?b#c', search: '?x#y' }]) tell(`format ${JSON.stringify(a)}`, () => url.format(a));
tell('format', () => url.format(new URL('http://u@中文:81/p?s#x'), { unicode: true, fragment: false, search: false, auth: false }));
tell('format', () => url.format(new URL('http://a'), 5));
for (const x of ['blob:http://a/b', 'blob:ftp://a/b', 'blob:x', 'file:///a', 'ftp://h', 'wss://h:1', 'foo://h']) tell(`origin ${x}`, () => new URL(x).origin);
{
  const u = new URL('http://h/?a=1&b=2&a=3');
  const p = u.searchParams;
  const log = (label) => console.log(label, u.href, String(p), p.size);
  p.append('c', 'é €+&'); log('append');
  p.delete('a', '3'); log('delete value');
  p.set('b', '9'); log('set');
  p.sort(); log('sort');
  u.search = '?x=%zz&y=+'; log('search');
  u.href = 'http://k/?q'; log('href');
  p.delete('q'); log('delete');
  console.log(p === u.searchParams, JSON.stringify(u), `${u}`, [...new URLSearchParams('a&a=&=b&&c=d=e')].join('|'));
  const seen = [];
  const live = new URLSearchParams('a=1&b=2&c=3');
  live.forEach((value, key, own) => { seen.push(key, value, own === live); if (key === 'a') live.delete('b'); });
  console.log(seen.join());
}
