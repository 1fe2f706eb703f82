// Lines that were entered, found again.
const readline = require('readline');
const rl = readline.createInterface({ input: process.stdin, output: process.stdout, history: ['given'], historySize: 4, removeHistoryDuplicates: true });
rl.on('history', (history) => console.log(JSON.stringify(history)));
rl.on('line', (line) => { console.log(JSON.stringify(line), rl.historyIndex); rl.prompt(); });
rl.on('close', () => console.log('\nclosed', rl.history));
rl.prompt();
