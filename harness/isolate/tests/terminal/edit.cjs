// A line that is edited with the keys of a terminal.
const readline = require('readline');
const rl = readline.createInterface({ input: process.stdin, output: process.stdout, prompt: 'λ> ' });
rl.prompt();
rl.on('line', (line) => { console.log(JSON.stringify(line)); if (line === 'bye') { rl.close(); } else { rl.prompt(); } });
