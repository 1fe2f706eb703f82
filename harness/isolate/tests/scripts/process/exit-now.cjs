// process.exit() ends everything at once, also inside try and finally.
process.on('exit', (code) => { console.log('exit listener', code); });
setTimeout(() => console.log('never'), 1);
process.nextTick(() => console.log('never'));
try {
  console.log('before');
  process.exit(0);
} catch (e) {
  console.log('never', e);
} finally {
  console.log('never');
}
console.log('never');
