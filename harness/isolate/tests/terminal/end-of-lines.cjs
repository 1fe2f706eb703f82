// Lines until the end, by iteration; the terminal is not the output, so nothing is edited.
(async () => {
  const lines = require('readline').createInterface({ input: process.stdin });
  console.log('ready', lines.terminal);
  for await (const line of lines) { console.log(JSON.stringify(line)); }
  console.log('through');
})();
