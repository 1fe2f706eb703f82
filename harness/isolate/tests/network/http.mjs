// The client of `http`.
import http, { get, request } from 'node:http';

const base = new URL(process.env.BASE);
const read = (res) => new Promise((resolve, reject) => {
  let text = '';
  res.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => resolve(text)).on('error', reject);
});
const ask = (options, body) => new Promise((resolve, reject) => {
  const req = request({ hostname: base.hostname, port: base.port, ...options }, resolve);
  req.on('error', reject);
  for (const part of body ?? []) {
    req.write(part);
  }
  req.end();
});

let res = await new Promise((resolve) => get(new URL('/echo?x', base), { headers: { 'X-Own': 'v' } }, resolve));
console.log(res.statusCode, res.statusMessage, res.httpVersion, res.headers['set-cookie'], await read(res), res.complete);
res = await ask({ path: '/reason' });
console.log(res.statusCode, res.statusMessage, res.headers['x-a'], await read(res));
res = await ask({ path: '/echo', method: 'post', headers: { 'Content-Type': 'text/plain' } }, ['a', Buffer.from('b')]);
console.log(await read(res));
res = await ask({ path: '/echo', method: 'PUT', headers: [['X-Own', 'list'], ['Content-Length', '2']] }, ['ab']);
console.log(await read(res));
res = await new Promise((resolve) => request(new URL('/echo', base), { method: 'POST', auth: 'me:you' }, resolve).end('whole'));
console.log(await read(res));
res = await ask({ path: '/to?302_Found&/echo' });
console.log(res.statusCode, res.headers.location, await read(res));
res = await ask({ path: '/parts' });
const parts = [];
for await (const part of res) {
  parts.push(part);
}
console.log(Buffer.concat(parts).toString());

const order = [];
await new Promise((resolve) => {
  const req = get(new URL('/echo', base));
  for (const name of ['socket', 'finish', 'response', 'close']) {
    req.on(name, (own) => {
      order.push(name);
      if (name === 'response') {
        own.resume();
        own.on('end', () => order.push('end'));
      } else if (name === 'close') {
        resolve();
      }
    });
  }
});
console.log(order.join());

const told = (req) => new Promise((resolve) => {
  req.on('error', (error) => console.log(error.name, error.code, error.message)).on('close', resolve);
});
let req = get(new URL('/silent', base));
setTimeout(() => req.destroy(), 50);
await told(req);
req = get(new URL('/silent', base), { signal: AbortSignal.timeout(50) });
await told(req);
req = get(new URL('/silent', base), { timeout: 50 }).on('timeout', () => req.destroy(new Error('too slow')));
await told(req);
for (const wrong of [() => request('https://x'), () => request({ path: '/a b' }), () => request({ method: 'a b' }), () => request({ hostname: 1 })]) {
  try {
    wrong();
  } catch (error) {
    console.log(error.code, error.message);
  }
}
console.log(http.ClientRequest.name, typeof http.globalAgent.destroy);
