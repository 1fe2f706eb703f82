// A terminal that can do nothing.
const rl = require('readline').createInterface({ input: process.stdin, output: process.stdout });
rl.question('what? ', (answer) => { console.log(JSON.stringify(answer)); rl.prompt(); rl.on('line', (line) => console.log(JSON.stringify(line))); });
rl.on('close', () => console.log('closed'));
