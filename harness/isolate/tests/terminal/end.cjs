// ^D on an empty line is the end of the input.
const { stdin } = process;
for (const name of ['pause', 'resume', 'end', 'close', 'readable']) { stdin.on(name, () => console.log(name)); }
stdin.on('readable', () => { let part; while ((part = stdin.read()) !== null) { console.log(JSON.stringify(String(part))); } });
process.on('beforeExit', () => console.log('beforeExit', stdin.readableEnded, stdin.destroyed));
console.log('ready');
