// Keys by iteration, the screen cleared, and movements that are written together.
(async () => {
  console.log('go');
  process.stdin.setRawMode(true);
  process.stdin.setEncoding('utf8');
  let n = 0;
  for await (const k of process.stdin) { console.log(JSON.stringify(k)); if (++n === 3) break; }
  console.log('left', process.stdin.destroyed, process.stdin.isRaw);
  console.clear();
  const { Readline } = require('readline/promises');
  const r = new Readline(process.stdout);
  await r.clearScreenDown().moveCursor(2, -1).cursorTo(1).cursorTo(3, 4).clearLine(0).clearLine(1).commit();
  process.stdout.clearLine(-1, () => console.log('cleared'));
})();
