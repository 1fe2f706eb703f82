// ^C, ^\ and ^Z for a program that listens, and for one that does not.
process.on('SIGINT', (name, number) => {
  console.log('heard', name, number, process.listenerCount('SIGINT'));
  process.removeAllListeners('SIGINT');
  process.once('SIGQUIT', (...all) => { console.log(...all); setTimeout(() => process.exit(7), 100); });
});
process.stdin.on('data', (text) => console.log(JSON.stringify(String(text))));
console.log('waiting');
