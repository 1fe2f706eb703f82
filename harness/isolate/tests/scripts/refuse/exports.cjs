// Every builtin has the names that Node gives it.
const { builtinModules } = require('module');
const wanted = ['child_process', 'worker_threads', 'net', 'http', 'https', 'http2', 'dns', 'dns/promises', 'dgram', 'tls', 'cluster', 'inspector', 'vm', 'zlib', 'crypto', 'wasi', 'repl', 'trace_events', 'domain', 'tty', 'readline', 'readline/promises', 'fs', 'fs/promises', 'stream', 'stream/promises', 'stream/consumers', 'timers', 'timers/promises', 'process'];
const skip = { fs: ['Utf8Stream'], stream: [], process: ['_debugEnd', '_debugProcess', '_fatalException', '_kill', '_preload_modules', '_startProfilerIdleNotifier', '_stopProfilerIdleNotifier', 'mainModule', 'report', '_events', '_eventsCount', '_maxListeners'] };
for (const name of wanted) {
  const m = require(name);
  const keys = Object.keys(m).filter((k) => !(skip[name] ?? []).includes(k) && !/^_/.test(k)).sort();
  console.log(name, keys.map((k) => { let v; try { v = m[k]; } catch { return `${k}!`; } return `${k}:${v === null ? 'null' : typeof v}`; }).join(' '));
}
