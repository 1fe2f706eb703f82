// What the terminal's own keys do to a line.
process.stdout.write('edit? ');
let n = 0;
process.stdin.on('data', (bytes) => {
  console.log(JSON.stringify(bytes.toString()));
  if (++n === 7) { process.exit(); }
  process.stdout.write('edit? ');
});
