// What the streams tell of themselves.
const tty = require('tty');
const { stdin, stdout, stderr } = process;
console.log(stdin.isTTY, stdout.isTTY, stderr.isTTY, stdin.isRaw, [0, 1, 2, 3, -1, 'a'].map((fd) => tty.isatty(fd)));
console.log(stdout.columns, stdout.rows, stderr.columns, stderr.rows, stdout.getWindowSize(), stdout.hasColors(), stdout.getColorDepth());
console.log(stdin.constructor.name, stdout.constructor.name, stdin instanceof tty.ReadStream, stdout instanceof tty.WriteStream, stdin instanceof require('net').Socket);
console.log(stdin.fd, stdout.fd, stderr.fd, stdout._type, stdout.writableHighWaterMark > 0, stdin.readableFlowing, stdin.setRawMode(true) === stdin, stdin.isRaw, stdin.setRawMode(0).isRaw);
console.log({ a: 1, b: 'text', c: [true, null, undefined, Symbol('s')] });
console.error('%s and %o', 'text', 12);
stdout.write('a\nb\r\nc\td\n');
process.stderr.write('to the other stream\n');
console.table([{ a: 1 }]);
try { new tty.ReadStream(-1); } catch (e) { console.log(e.code); }
