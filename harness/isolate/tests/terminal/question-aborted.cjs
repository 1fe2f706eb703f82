// A question that is given up, lines that the program writes, and ones that are pasted.
const readline = require('readline');
const rl = readline.createInterface({ input: process.stdin, output: process.stdout, tabSize: 4 });
const ac = new AbortController();
rl.question('aborted? ', { signal: ac.signal }, () => console.log('never'));
setTimeout(() => { ac.abort(); rl.question('second? ', (a) => { console.log('got', a); rl.prompt();
  rl.on('line', (l) => { console.log('line', JSON.stringify(l), rl.cursor, rl.line); rl.prompt(); });
  }); }, 200);
setTimeout(() => { rl.write('programmed'); rl.write(null, { ctrl: true, name: 'w' }); rl.write('text\n'); }, 500);
rl.on('close', () => { console.log('bye'); setTimeout(() => console.log('end', process.stdin.isPaused(), process.stdin.readableFlowing), 10); });
