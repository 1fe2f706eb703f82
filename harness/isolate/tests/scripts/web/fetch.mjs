// Headers, Request, Response, FormData and the fetch that has no network.
const log = (...words) => console.log(...words);
const headers = new Headers({ 'Content-Type': 'text/plain', 'X-B': ' two ' });
headers.append('x-b', '3');
headers.append('Set-Cookie', 'a=1');
headers.append('set-cookie', 'b=2');
log([...headers], headers.get('X-b'), headers.getSetCookie(), headers.has('nothing'), headers.get('nothing'));
headers.delete('x-b');
headers.forEach((value, name) => log(name, value));
for (const wrong of [() => headers.set('a b', 'x'), () => headers.set('a', 'x\ny'), () => new Headers([['a']]), () => headers.get()]) {
  try {
    wrong();
  } catch (error) {
    log(error.name, error.message);
  }
}
const request = new Request('https://example.com/path?q=1#x', { method: 'post', body: JSON.stringify({ a: 1 }), headers: { accept: '*/*' } });
log(request.method, request.url, request.headers.get('content-type'), request.bodyUsed, request.mode, request.duplex, request.signal.aborted);
const again = request.clone();
log(await request.json(), request.bodyUsed, await again.text());
await request.text().catch((error) => log(error.name, error.message));
for (const wrong of [() => new Request('/relative'), () => new Request('https://x.y', { body: 'b' }), () => new Request('https://x.y', { method: 'TRACE' }), () => new Response('x', { status: 204 }), () => new Response('', { status: 99 })]) {
  try {
    wrong();
  } catch (error) {
    log(error.name, error.message);
  }
}
const response = Response.json({ ok: true }, { status: 201, headers: { 'x-y': 'z' } });
log(response.status, response.ok, response.statusText, [...response.headers], response.type);
log(await response.clone().text(), await response.json(), response.bodyUsed);
log(Response.redirect('https://example.com/a', 301).headers.get('location'), Response.error().type, new Response().body);
log(Buffer.from(await new Response(new Uint8Array([1, 2])).arrayBuffer()), (await new Response('text').blob()).size);
log(await new Response(new ReadableStream({ start(controller) { controller.enqueue(new Uint8Array([104, 105])); controller.close(); } })).text());
log(await new Response(new URLSearchParams({ a: '1 2' })).text());
const form = new FormData();
form.append('a', '1');
form.append('a', 2);
form.append('file', new Blob(['content'], { type: 'text/plain' }), 'name.txt');
log([...form.keys()], form.getAll('a'), form.get('file').name, form.get('file').size, form.has('b'));
form.set('a', 'only');
const sent = new Response(form);
log(/^multipart\/form-data; boundary=----formdata-undici-0\d{11}$/.test(sent.headers.get('content-type')));
const received = await sent.formData();
log([...received.keys()], received.get('a'), await received.get('file').text(), received.get('file').type);
log([...await new Response('x=1&y=2', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }).formData()]);
const reader = new Response('streamed').body.getReader();
log(Buffer.from((await reader.read()).value).toString(), (await reader.read()).done);
await fetch('http://127.0.0.1:9/').catch((error) => log(error.name, error.message, error.cause !== undefined));
await fetch('nothing').catch((error) => log(error.name, error.message));
await fetch('http://127.0.0.1:9/', { signal: AbortSignal.abort(new Error('stopped')) }).catch((error) => log(error.message));
log(typeof navigator.userAgent, navigator.language, String(navigator), Object.prototype.toString.call(headers), fetch.name, fetch.length);
