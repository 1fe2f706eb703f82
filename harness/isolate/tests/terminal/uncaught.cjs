// An error that nobody catches, as a terminal shows it.
process.stdout.write('before\n');
const error = new RangeError('too far');
error.code = 'E_FAR';
error.stack = error.stack.split('\n', 1)[0];
process.on("uncaughtException", (e) => { console.error(e); process.exit(3); });
throw error;
