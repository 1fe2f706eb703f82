// Completions by tab.
const readline = require('readline');
const words = ['.help', '.error', '.exit', '.quit', '.q'];
const rl = readline.createInterface(process.stdin, process.stdout, (line) => [words.filter((word) => word.startsWith(line)), line]);
rl.on('line', (line) => {
  console.log(JSON.stringify(line));
  rl.close();
  const second = require('readline/promises').createInterface({ input: process.stdin, output: process.stdout, completer: async (line) => [[`${line}ing`], line] });
  second.question('do? ').then((answer) => { console.log(answer); second.close(); });
});
rl.prompt();
