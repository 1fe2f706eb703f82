// Another size: the signal, the event, the members.
const { stdout, stderr } = process;
let n = 0;
process.on('SIGWINCH', (...all) => console.log(...all, stdout.columns, stdout.rows));
stdout.on('resize', () => {
  console.log('resize', stdout.columns, stdout.rows, stdout.getWindowSize(), stderr.columns);
  if (++n === 2) { clearInterval(timer); }
});
console.log(stdout.columns, stdout.rows);
const timer = setInterval(() => {}, 1000);
