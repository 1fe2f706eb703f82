// Keys as they are typed.
const { stdin } = process;
stdin.setRawMode(true);
console.log('raw', stdin.isRaw);
stdin.on('data', (bytes) => {
  console.log(bytes.toString('hex'), stdin.isRaw);
  if (bytes.toString() === 'q') {
    stdin.setRawMode(false);
    process.stdout.write('cooked: ');
    stdin.once('data', (line) => { console.log(String(line).length); stdin.destroy(); });
    stdin.removeAllListeners('data');
    stdin.once('data', (line) => { console.log(JSON.stringify(String(line))); stdin.unref(); });
  }
});
stdin.on('close', () => console.log('close'));
