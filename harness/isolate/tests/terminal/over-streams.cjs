// A line is edited over streams that are no terminals, if the program says so.
const { PassThrough } = require('stream');
const input = new PassThrough(); const output = new PassThrough(); let s = '';
output.on('data', (d) => { s += d; });
const rl = require('readline').createInterface({ input, output, terminal: true });
rl.on('line', (l) => { console.log(JSON.stringify(l), JSON.stringify(s)); });
rl.prompt();
input.write('abc\x1b[D\x1b[DX\r');
setTimeout(() => { input.end(); }, 20);
rl.on('close', () => console.log('closed', rl.terminal, rl.columns, rl.history));
process.on('exit', (c) => console.log('exit', c));
