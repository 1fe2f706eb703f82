// The facts and shapes of process.
const t = (f) => { try { console.log(f()); } catch (e) { console.log(e.name, e.code, e.message); } };
t(() => Object.prototype.toString.call(process)); t(() => process.constructor.name); t(() => process instanceof require('events'));
t(() => process === require('process') && process === require('node:process') && process === globalThis.process);
t(() => process.version); t(() => Object.keys(process.versions).join()); t(() => process.arch + process.platform);
t(() => process.release.name + process.release.lts); t(() => process.argv.slice(1).join());
t(() => process.execPath); t(() => process.execArgv); t(() => process.cwd()); t(() => process.umask());
t(() => process.umask(0o77)); t(() => process.umask('22')); t(() => process.umask()); t(() => process.umask('abc')); t(() => process.umask({}));
t(() => process.exit('abc')); t(() => { process.exitCode = 'x'; }); t(() => { process.exitCode = 1.5; }); t(() => { process.exitCode = '3'; return process.exitCode; });
t(() => { process.exitCode = undefined; return process.exitCode; }); t(() => { process.exitCode = null; return process.exitCode; });
t(() => process.chdir('/nope')); t(() => process.chdir(1)); t(() => { process.chdir('/data'); return process.cwd(); });
t(() => { process.chdir('..'); return process.cwd(); }); t(() => { process.chdir('../../..'); return process.cwd(); }); t(() => process.chdir('/data/a.txt'));
t(() => process.kill(process.pid, 'SIGFOO')); t(() => process.kill('a')); t(() => process.kill(process.pid, 0));
t(() => process.hrtime(1)); t(() => process.hrtime([1])); t(() => process.hrtime().length); t(() => typeof process.hrtime.bigint());
t(() => { const a = process.hrtime(); const d = process.hrtime(a); return d[0] === 0 && d[1] >= 0; }); t(() => process.hrtime.bigint() < process.hrtime.bigint() + 1n);
t(() => process.getBuiltinModule('fs') === require('fs')); t(() => process.getBuiltinModule('node:fs') === require('fs')); t(() => process.getBuiltinModule('nope')); t(() => process.getBuiltinModule(1));
t(() => process.cpuUsage({})); t(() => Object.keys(process.resourceUsage()).join());
t(() => Object.keys(process.cpuUsage()).join()); t(() => process.cpuUsage({ user: -1, system: 0 })); t(() => process.uptime() > 0); t(() => typeof process.availableMemory());
t(() => process.emitWarning(1)); t(() => process.emitWarning('a', 1)); t(() => process.emitWarning('a', 'b', 1)); t(() => process.setUncaughtExceptionCaptureCallback(1));
t(() => process.hasUncaughtExceptionCaptureCallback()); t(() => Object.isFrozen(process.versions)); t(() => Object.isFrozen(process.config)); t(() => process.stdout.fd + process.stderr.fd);
t(() => process.stdout.isTTY); t(() => process.stdin.isTTY); t(() => process.stdout.writable); t(() => typeof process.features.require_module);
t(() => process.getuid() + process.geteuid() + process.getgid() + process.getegid()); t(() => process.listenerCount('warning') >= 0); t(() => process.debugPort); t(() => process.domain);
for (const k of ['version', 'versions', 'arch', 'platform', 'release', 'features', 'config', 'pid', 'ppid', 'env', 'argv', 'exitCode', 'nextTick', 'stdout', 'execPath', 'title'])
  t(() => { const d = Object.getOwnPropertyDescriptor(process, k); return `${k} ${d.enumerable} ${k in process}`; });
