// 'beforeExit' may start more work; 'exit' is the last word.
let rounds = 0;
process.on('beforeExit', (code) => {
  console.log('beforeExit', code, ++rounds);
  if (rounds < 3) setTimeout(() => console.log('more work', rounds), 1);
  if (rounds === 3) process.exitCode = 0;
});
process.on('exit', (code) => {
  console.log('exit', code, process.exitCode, process._exiting);
  process.nextTick(() => console.log('never'));
  setTimeout(() => console.log('never'), 0);
  Promise.resolve().then(() => console.log('never?'));
  process.stdout.write('last\n');
});
process.exitCode = 0;
console.log('main');
