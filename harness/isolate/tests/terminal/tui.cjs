// A menu that is drawn again with each key and each size.
const { stdin, stdout } = process;
const items = ['apples', 'pears', 'plums', 'a rather long entry that has to be cut'];
let at = 0;
const draw = () => {
  stdout.cursorTo(0, 0);
  stdout.clearScreenDown();
  stdout.write(`\x1b[7m${'Pick'.padEnd(stdout.columns)}\x1b[0m\n`);
  items.forEach((item, i) => stdout.write(`${i === at ? '\x1b[32m> ' : '  '}${item.slice(0, stdout.columns - 2)}\x1b[0m\n`));
  stdout.moveCursor(3, -1);
  stdout.clearLine(1);
};
const finish = (answer) => {
  stdin.setRawMode(false).pause();
  stdout.write('\x1b[?25h\x1b[?1049l');
  console.log('picked', answer);
};
stdout.write('\x1b[?1049h\x1b[?25l');
stdin.setRawMode(true).setEncoding('utf8').on('data', (key) => {
  if (key === '\x03') { return finish(null); }
  if (key === '\r') { return finish(items[at]); }
  if (key === '\x1b[A') { at = Math.max(0, at - 1); }
  if (key === '\x1b[B') { at = Math.min(items.length - 1, at + 1); }
  draw();
});
stdout.on('resize', draw);
draw();
