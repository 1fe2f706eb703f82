// Requests, headers, bodies, redirects and failures of `fetch`.
const base = process.env.BASE;
const hidden = (text) => text.replaceAll(base, 'BASE');

let r = await fetch(`${base}/echo?a=1#part`, { headers: { 'X-Own': 'mine' } });
console.log(r.status, r.statusText, r.ok, r.redirected, r.type, hidden(r.url), r.bodyUsed);
console.log(await r.text(), r.bodyUsed, r.headers.getSetCookie(), r.headers.get('content-type'));
console.log(await (await fetch(`${base}/echo`, { method: 'post', body: 'text' })).text());
console.log(await (await fetch(`${base}/echo`, { method: 'PUT', body: new URLSearchParams({ a: 'b c' }) })).text());
console.log(await (await fetch(`${base}/echo`, { method: 'POST', body: new Uint8Array([65, 66]) })).text());
console.log(await (await fetch(`${base}/echo`, { method: 'POST', body: new Blob(['blob'], { type: 'x/y' }) })).text());
console.log(await (await fetch(`${base}/echo`, { method: 'POST' })).text());
console.log(await (await fetch(`${base}/echo`, { method: 'DELETE' })).text());
const stream = new ReadableStream({
  start(controller) {
    controller.enqueue(new TextEncoder().encode('in '));
    controller.enqueue(new TextEncoder().encode('parts'));
    controller.close();
  },
});
console.log(await (await fetch(`${base}/echo`, { method: 'POST', body: stream, duplex: 'half' })).text());
r = await fetch(new Request(`${base}/reason`));
console.log(r.status, r.statusText, r.ok, r.headers.get('x-a'), await r.text());
r = await fetch(`${base}/empty`);
console.log(r.status, r.body, await r.text());
r = await fetch(`${base}/echo`, { method: 'HEAD' });
console.log(r.status, r.body);

for (const status of ['301 Moved Permanently', '302 Found', '303 See Other', '307 Temporary Redirect', '308 Permanent Redirect']) {
  r = await fetch(`${base}/to?${status.replaceAll(' ', '_')}&/echo`, { method: 'POST', body: 'kept?', headers: { authorization: 'me' } });
  console.log(r.status, r.redirected, hidden(r.url), await r.text());
}
r = await fetch(`${base}/to?302_Found&/echo`, { redirect: 'manual' });
console.log(r.status, r.type, r.headers.get('location'), await r.text());

async function fails(input, init) {
  try {
    const response = await fetch(input, init);
    await response.text();
    console.log('no failure');
  } catch (error) {
    const { cause } = error;
    console.log(error.name, hidden(error.message), cause?.name, cause?.code, cause && hidden(cause.message));
  }
}
await fails(`${base}/to?302_Found&/echo`, { redirect: 'error' });
await fails(`${base}/to?302_Found&/to?302_Found%26/echo`, { redirect: 'error' });
await fails(`${base}/breaks`);
await fails('ftp://127.0.0.1/');
await fails('not a url');
await fails(`${base}/echo`, { signal: AbortSignal.abort() });
await fails(`${base}/silent`, { signal: AbortSignal.timeout(100) });
const own = new AbortController();
setTimeout(() => own.abort(new Error('enough')), 50);
await fails(`${base}/silent`, { signal: own.signal });
