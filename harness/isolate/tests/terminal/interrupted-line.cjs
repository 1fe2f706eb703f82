// ^C and ^D at an Interface, and one that is resized and paused.
const readline = require('readline');
const rl = readline.createInterface({ input: process.stdin, output: process.stdout });
rl.on('SIGINT', () => { console.log('interrupted'); rl.write(null, { ctrl: true, name: 'u' }); rl.write('written'); rl.prompt(true); rl.removeAllListeners('SIGINT'); });
rl.on('pause', () => console.log('pause')).on('resume', () => console.log('resume')).on('close', () => console.log('close'));
rl.on('line', (line) => { console.log(JSON.stringify(line), rl.getCursorPos(), rl.terminal, rl.columns); rl.setPrompt('other> '); rl.prompt(); });
rl.setPrompt('a prompt that is long> ');
rl.prompt();
