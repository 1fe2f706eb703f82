// A guest cannot reach further through process.
const t = (f) => { try { console.log(typeof f()); } catch (e) { console.log(e.name, e.code ?? ''); } };
t(() => process.mainModule.constructor._load('fs'));
t(() => { process.versions.node = 'x'; return process.versions.node === '24.19.0' ? 1 : ''; });
t(() => { process.platform = 'win32'; return process.platform === 'linux' ? 1 : ''; });
process.emit('SIGTERM'); process.emit('SIGINT', 'SIGINT', 2);
process.on('SIGUSR2', (name, number) => console.log('signal', name, number));
process.kill(process.pid, 'SIGUSR2');
Object.prototype.then = () => console.log('never');
delete Object.prototype.then;
const saved = process.emit;
process.emit = function(...args) { if (args[0] === 'exit') console.log('patched emit', args.join()); return Reflect.apply(saved, this, args); };
setTimeout(() => console.log('done'), 20);
