// The same engine on isolated-vm and Node, as fast as we know how: snapshot, pre-warmed isolates, one compiled script for all modules of a package,
// a context made ahead, and, if that is wanted, the modules evaluated in it ahead.
'use strict';

const ivm = require('isolated-vm');
const path = require('path');

// Evaluated once, into the snapshot: what a function sees. Smaller than the environment it is compared with.
const ENVIRONMENT = `
'use strict';
globalThis.__start = function start(files, host, env) {
  const logs = [];
  const format = (words) => {
    let text = String(words[0]);
    let next = 1;
    text = text.replace(/%[sdjo%]/g, (mark) => (mark === '%%' ? '%' : next < words.length ? String(words[next++]) : mark));
    for (; next < words.length; next++) text += ' ' + (typeof words[next] === 'string' ? words[next] : JSON.stringify(words[next]));
    return text;
  };
  const say = (...words) => { logs.push(format(words) + '\\n'); };
  globalThis.console = { log: say, info: say, warn: say, error: say };
  globalThis.process = { env };
  let timers = 0;
  const live = new Map();
  globalThis.setTimeout = (work, time, ...args) => {
    const id = ++timers;
    live.set(id, () => work(...args));
    host.timer(id, time ?? 0);
    return id;
  };
  globalThis.clearTimeout = (id) => { live.delete(id); };
  globalThis.__fire = (id) => { const work = live.get(id); live.delete(id); work?.(); };
  const normal = (p) => {
    const out = [];
    for (const part of p.split('/')) {
      if (part === '..') out.pop();
      else if (part !== '' && part !== '.') out.push(part);
    }
    return '/' + out.join('/');
  };
  const builtins = {
    path: {
      join: (...parts) => normal(parts.join('/')),
      dirname: (p) => p.slice(0, Math.max(1, p.lastIndexOf('/'))),
      basename: (p) => p.slice(p.lastIndexOf('/') + 1),
    },
    fs: {
      readFileSync: (p, encoding) => host.read(normal(p), encoding),
      readdirSync: (p) => host.list(normal(p)),
    },
  };
  const cache = { __proto__: null };
  const load = (filename) => {
    if (cache[filename] !== undefined) return cache[filename].exports;
    const module = cache[filename] = { exports: {}, id: filename, filename, loaded: false };
    const directory = filename.slice(0, Math.max(1, filename.lastIndexOf('/')));
    const require = (request) => {
      const name = request.startsWith('node:') ? request.slice(5) : request;
      if (builtins[name] !== undefined) return builtins[name];
      const base = normal(request.startsWith('/') ? request : directory + '/' + request);
      for (const form of [base, base + '.js', base + '.json', base + '/index.js']) {
        if (files[form] !== undefined) return load(form);
      }
      const error = new Error("Cannot find module '" + request + "'");
      error.code = 'MODULE_NOT_FOUND';
      throw error;
    };
    require.cache = cache;
    files[filename].call(module.exports, module, module.exports, require, filename, directory);
    module.loaded = true;
    return module.exports;
  };
  globalThis.__load = () => { load('/index.js'); };
  globalThis.__invoke = async (given) => {
    const query = given.url.indexOf('?');
    const req = {
      ...given,
      path: query === -1 ? given.url : given.url.slice(0, query),
      get(name) { return given.headers[name.toLowerCase()]; },
    };
    return new Promise((resolve, reject) => {
      const headers = {};
      const finish = (body) => { resolve({ status: res.statusCode, headers, body, logs }); return res; };
      const res = {
        statusCode: 200,
        status(code) { res.statusCode = code; return res; },
        setHeader(name, value) { headers[name.toLowerCase()] = String(value); return res; },
        json(data) { headers['content-type'] ??= 'application/json; charset=utf-8'; return finish(JSON.stringify(data)); },
        send(data) { return typeof data === 'string' ? finish(data) : res.json(data); },
        end(data) { return finish(data === undefined ? '' : String(data)); },
      };
      const handler = load('/index.js');
      if (typeof handler !== 'function') throw new TypeError('the handler must be a function');
      Promise.resolve(handler(req, res)).catch(reject);
    });
  };
};
`;

class Engine {
  constructor(files, memoryMb, ahead) {
    this.files = files;
    this.ahead = ahead;
    this.memoryMb = memoryMb;
    this.snapshot = ivm.Isolate.createSnapshot([{ code: ENVIRONMENT }]);
    const wrapped = Object.entries(files).filter(([name]) => /\.(js|json)$/.test(name)).map(([name, text]) => {
      const body = name.endsWith('.json') ? `module.exports = ${text}` : text;
      return `${JSON.stringify(name)}: function (module, exports, require, __filename, __dirname) {${body}\n}`;
    });
    this.bundle = `globalThis.__files = {${wrapped.join(',\n')}};`;
    this.cachedData = undefined;
    this.lists = {};
    for (const name of Object.keys(files)) {
      for (let at = name; at !== '/'; at = path.dirname(at)) {
        (this.lists[path.dirname(at)] ??= new Set()).add(path.basename(at));
      }
    }
    this.ready = [];
  }

  // A warm isolate: from the snapshot, with the package's code compiled from the cache.
  start() {
    const isolate = new ivm.Isolate({ memoryLimit: this.memoryMb, snapshot: this.snapshot });
    const script = isolate.compileScriptSync(this.bundle, { filename: 'file:///package', cachedData: this.cachedData, produceCachedData: this.cachedData === undefined });
    this.cachedData ??= script.cachedData;
    return { isolate, script, next: { context: isolate.createContextSync() } };
  }

  // The package's modules evaluated in a context, up to the call of the handler.
  load(seat, context) {
    const { global } = context;
    const read = new ivm.Callback((name) => this.files[name]);
    const list = new ivm.Callback((name) => new ivm.ExternalCopy([...this.lists[name]].sort()).copyInto());
    const timer = new ivm.Callback((id, time) => { setTimeout(() => { context.eval(`__fire(${id})`).catch(() => {}); }, time); });
    seat.script.runSync(context);
    context.evalClosureSync('__start(__files, { read: $0, list: $1, timer: $2 }, $3); __load()', [read, list, timer, new ivm.ExternalCopy({}).copyInto()]);
    return global.getSync('__invoke', { reference: true });
  }

  async execute(seat, request) {
    const { context, loaded } = seat.next;
    seat.next = undefined;
    const invoke = loaded ?? this.load(seat, context);
    const result = await invoke.apply(undefined, [request], { arguments: { copy: true }, result: { promise: true, copy: true }, timeout: 30000 });
    return { result, done: () => { invoke.release(); context.release(); } };
  }

  // Always one context ahead, as in what it is compared with.
  prepare(seat) {
    const context = seat.isolate.createContextSync();
    seat.next = { context, loaded: this.ahead ? this.load(seat, context) : undefined };
  }
}

module.exports = { Engine };
