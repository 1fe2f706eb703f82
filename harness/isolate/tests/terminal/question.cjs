// Questions, with callbacks and with promises.
const readline = require('readline');
const rl = readline.createInterface({ input: process.stdin, output: process.stdout });
rl.question('Your name? ', (name) => {
  rl.question('Your age? ', async (age) => {
    console.log({ name, age });
    rl.close();
    const promises = require('readline/promises');
    const second = promises.createInterface({ input: process.stdin, output: process.stdout });
    console.log(await second.question('Sure? '));
    try { await second.question('Really? '); } catch (e) { console.log(e.name, e.code, e.message); }
    console.log(second.closed, process.stdin.isRaw);
  });
});
rl.on('close', () => console.log('closed', process.stdin.isRaw));
