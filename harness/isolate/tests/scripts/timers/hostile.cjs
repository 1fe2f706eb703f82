// Timers go on working when a guest patches what it can reach. Node's own do not, so what is expected is written by hand.
Array.prototype[Symbol.iterator] = null;
Array.prototype.push = () => { throw new Error('patched push'); };
Object.prototype.then = 1;
Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw new Error('patched call'); };
Map.prototype.get = Map.prototype.set = () => { throw new Error('patched map'); };
Promise.prototype.then = () => { throw new Error('patched then'); };
const due = Date.now() + 3;
setTimeout((a, b) => process.stdout.write(`timeout ${a} ${b}\n`), 1, 'x', 'y');
setImmediate((a) => process.stdout.write(`immediate ${a}\n`), 'z');
process.nextTick((a) => process.stdout.write(`tick ${a}\n`), 't');
queueMicrotask(() => process.stdout.write('microtask\n'));
setInterval(function() { process.stdout.write('interval\n'); clearInterval(this); }, 60);
while (Date.now() < due);
