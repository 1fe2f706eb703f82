// The events of keys.
const readline = require('readline');
readline.emitKeypressEvents(process.stdin);
process.stdin.setRawMode(true);
process.stdin.on('keypress', (text, key) => {
  console.log(JSON.stringify(text), JSON.stringify(key));
  if (key.name === 'q') { process.stdin.pause(); }
});
console.log('ready');
