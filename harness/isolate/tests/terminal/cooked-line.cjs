// Lines as the terminal gives them while the program runs.
process.stdin.setEncoding('utf8');
process.stdout.write('one: ');
let n = 0;
process.stdin.on('data', (text) => {
  console.log(JSON.stringify(text));
  if (++n === 4) { process.stdin.pause(); console.log('done'); } else { process.stdout.write('next: '); }
});
process.stdin.on('end', () => console.log('end'));
