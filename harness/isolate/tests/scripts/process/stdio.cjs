// process.stdout as a stream: callbacks, encodings, end and destroy.
const { stdout } = process;
console.log(stdout.write('text\n'), stdout.write(Buffer.from('bytes\n')), stdout.write(new Uint8Array([120, 10])));
stdout.write('68690a', 'hex'); stdout.write('w\u00e9\n', 'latin1', () => console.log('callback'));
try { stdout.write(1); } catch (e) { console.log(e.code); }
try { stdout.write(null); } catch (e) { console.log(e.code); }
try { stdout.write('x', 'bogus'); } catch (e) { console.log(e.code, e.message); }
console.log(stdout === process.stdout, stdout.fd, typeof stdout.on, stdout.writable, stdout.destroyed);
stdout.once('finish', () => {});
require('stream').Readable.from(['piped\n', 'in\n']).pipe(stdout).on('unpipe', () => console.log('unpiped'));
process.stdin.on('data', () => console.log('never')).on('end', () => console.log('stdin ended'));
process.on('exit', () => stdout.write('at exit\n'));
