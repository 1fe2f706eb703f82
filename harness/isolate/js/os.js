// The module `os`: the facts of a machine that does not exist. Nothing of the host is shown.
'use strict';

const {
  MathFloor,
  ObjectAssign,
  ObjectCreate,
  ObjectDefineProperties,
  ObjectDefineProperty,
  ObjectFreeze,
  StringPrototypeEndsWith,
  StringPrototypeSlice,
  SymbolToPrimitive,
} = primordials;

const { codes } = require('internal/errors');
const { validateInt32 } = require('internal/validators');
const tables = require('internal/os_constants');

// Fixed for every host, so that a run shows the same facts wherever it happens.
const memoryTotal = 1024 * 1024 * 1024;
const memoryFree = 512 * 1024 * 1024;

const arch = () => 'x64';
const availableParallelism = () => 1;
const endianness = () => 'LE';
const freemem = () => memoryFree;
// As the environment says; without it there is no user whose directory it could be.
const homedir = () => require('process').env.HOME || '/';
const hostname = () => 'localhost';
const machine = () => 'x86_64';
const platform = () => 'linux';
const release = () => '6.1.0';
function tmpdir() {
  const { env } = require('process');
  const path = env.TMPDIR || env.TMP || env.TEMP || '/tmp';
  return path.length > 1 && StringPrototypeEndsWith(path, '/') ? StringPrototypeSlice(path, 0, -1) : path;
}
const totalmem = () => memoryTotal;
const type = () => 'Linux';
const uptime = () => MathFloor(native.loop.now() / 10) / 100;
const version = () => '#1 SMP';

function cpus() {
  return [{ model: 'virtual', speed: 0, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } }];
}

function loadavg() {
  return [0, 0, 0];
}

function networkInterfaces() {
  return {};
}

// The one process there is; its priority is the normal one, and stays.
function checkProcess(pid, syscall) {
  if (pid === 0 || pid === require('process').pid) return;
  throw new codes.ERR_SYSTEM_ERROR({
    __proto__: null, errno: -3, code: 'ESRCH', message: 'no such process', syscall,
  });
}

function getPriority(pid) {
  if (pid === undefined) {
    pid = 0;
  } else {
    validateInt32(pid, 'pid');
  }
  checkProcess(pid, 'uv_os_getpriority');
  return 0;
}

function setPriority(pid, priority) {
  if (priority === undefined) {
    priority = pid;
    pid = 0;
  }
  validateInt32(pid, 'pid');
  validateInt32(priority, 'priority', -20, 19);
  checkProcess(pid, 'uv_os_setpriority');
  if (priority !== 0) {
    throw new codes.ERR_SYSTEM_ERROR({
      __proto__: null, errno: -13, code: 'EACCES', message: 'permission denied', syscall: 'uv_os_setpriority',
    });
  }
}

function userInfo(options) {
  const text = (value) => (options?.encoding === 'buffer' ? require('buffer').Buffer.from(value) : value);
  return {
    __proto__: null,
    uid: 1000,
    gid: 1000,
    username: text('node'),
    homedir: text('/'),
    shell: null,
  };
}

// In a template or a comparison these stand for what they return.
const facts = [
  arch, availableParallelism, endianness, freemem, homedir, hostname, machine, platform, release, tmpdir, totalmem,
  type, uptime, version,
];
for (let i = 0; i < facts.length; i++) {
  const fact = facts[i];
  ObjectDefineProperty(fact, SymbolToPrimitive, {
    __proto__: null, configurable: true, enumerable: false, writable: true, value: () => fact(),
  });
}

function table(source) {
  return ObjectAssign(ObjectCreate(null), source);
}

const constants = ObjectAssign(ObjectCreate(null), {
  UV_UDP_REUSEADDR: 4,
  dlopen: table(tables.dlopen),
  errno: table(tables.errno),
  signals: ObjectFreeze(table(tables.signals)),
  priority: table(tables.priority),
});

module.exports = {
  arch,
  availableParallelism,
  cpus,
  endianness,
  freemem,
  getPriority,
  homedir,
  hostname,
  loadavg,
  networkInterfaces,
  platform,
  release,
  setPriority,
  tmpdir,
  totalmem,
  type,
  userInfo,
  uptime,
  version,
  machine,
};

ObjectDefineProperties(module.exports, {
  constants: { __proto__: null, configurable: false, enumerable: true, value: constants },
  EOL: { __proto__: null, configurable: true, enumerable: true, writable: false, value: '\n' },
  devNull: { __proto__: null, configurable: true, enumerable: true, writable: false, value: '/dev/null' },
});
