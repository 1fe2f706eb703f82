// The subject of `programs.rs` in Node: files from this thread, from its pool and from a worker, sockets, a name, a child.
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { Worker } from 'node:worker_threads';

const came = (what, error) => console.log(`${what} ${error ? 'refused' : 'done'}`);
const sync = (what, act) => {
  try {
    act();
    came(what);
  } catch (error) {
    came(what, error);
  }
};
const later = (what, act) => act.then(() => came(what), (error) => came(what, error));

sync('sync', () => fs.writeFileSync('/app/node.sync', 'x'));
sync('rename', () => fs.renameSync('/app/execute.mjs', '/app/node.rename'));
await later('pool', fs.promises.writeFile('/app/node.pool', 'x'));
await later('copy', fs.promises.cp('/app/package.json', '/app/node.copy'));
const worker = new Worker("require('fs').writeFileSync('/app/node.worker', 'x')", { eval: true });
await once(worker, 'error').then(() => came('worker', true));
const child = spawnSync(process.execPath, ['-e', "require('fs').mkdirSync('/app/node.child')"]);
came('child', child.status !== 0);
const socket = net.connect({ host: '203.0.113.7', port: 2001 });
await once(socket, 'error').then(() => came('connect', true));
const udp = dgram.createSocket('udp4');
await new Promise((done) => udp.send('x', 2002, '203.0.113.7', (error) => done(came('send', error))));
udp.close();
dns.setServers(['203.0.113.53']);
await later('name', dns.promises.resolve4('node.registry.example'));
