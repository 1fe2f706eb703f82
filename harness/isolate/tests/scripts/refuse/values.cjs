// Constants and pure functions of the refusing builtins.
const http = require('http'); const net = require('net'); const zlib = require('zlib');
console.log(JSON.stringify(http.STATUS_CODES), http.METHODS.join(), http.maxHeaderSize);
console.log(JSON.stringify(zlib.constants), JSON.stringify(zlib.codes), zlib.crc32('hello'), zlib.crc32(Buffer.from('world'), zlib.crc32('hello ')));
console.log(JSON.stringify(require('http2').constants), JSON.stringify(require('crypto').constants));
for (const a of ['1.2.3.4', '256.1.1.1', '1.2.3', '01.2.3.4', '::', '::1', 'fe80::1%eth0', '1::2::3', '::ffff:1.2.3.4', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::', ':1::', '12345::', 'g::', '', 'x', '1.2.3.4 ', '::1.2.3.4', '1.2.3.4::', '1:2:3:4:5:6:1.2.3.4', undefined, null, 1, {}])
  console.log(String(a), net.isIP(a), net.isIPv4(a), net.isIPv6(a));
for (const f of [() => http.validateHeaderName('a b'), () => http.validateHeaderName(''), () => http.validateHeaderName('ok'), () => http.validateHeaderValue('x', undefined), () => http.validateHeaderValue('x', '\u0100'), () => http.validateHeaderValue('x', 'ok'), () => zlib.crc32(1), () => zlib.crc32('x', 'y')])
  try { console.log(f()); } catch (e) { console.log(e.name, e.code, e.message); }
const res = new http.ServerResponse({ method: 'GET' }); res.setHeader('X-A', 1).setHeader('Set-Cookie', ['a', 'b']); res.appendHeader('x-a', '2');
console.log(res.getHeader('x-a'), res.getHeaders(), res.getHeaderNames(), res.hasHeader('SET-COOKIE'), res.headersSent, res.statusCode); res.removeHeader('x-A'); console.log(res.getHeaderNames());
try { res.setHeader('a b', 1); } catch (e) { console.log(e.code); } try { res.setHeader('a', undefined); } catch (e) { console.log(e.code); }
const server = http.createServer((req, rsp) => {}); console.log(server.listening, server.address(), server.listenerCount('request'), server instanceof net.Server);
console.log(new http.Agent({ keepAlive: true }).keepAlive, http.globalAgent.maxSockets, http.globalAgent.protocol, require('https').globalAgent.defaultPort, http.globalAgent.getName({ host: 'h', port: 1 }));
const worker = require('worker_threads'); console.log(worker.isMainThread, worker.threadId, worker.parentPort, worker.workerData, require('tty').isatty(1), require('cluster').isPrimary, require('dns').getDefaultResultOrder());
const vm = require('vm'); console.log(vm.runInThisContext('1 + 1'), new vm.Script('typeof globalThis').runInThisContext(), vm.isContext({}), vm.compileFunction('return a + b', ['a', 'b'])(1, 2)); try { new vm.Script('a b'); } catch (e) { console.log(e.name); }
var shared = 5; globalThis.shared2 = 6; console.log(vm.runInThisContext('shared2'), vm.runInThisContext('typeof shared'));
