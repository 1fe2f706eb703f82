// An error that somebody prints, and one that nobody catches, as a terminal shows them.
Error.stackTraceLimit = 1;
process.on('exit', (code) => process.stdout.write(`exit ${code}\n`));
const error = new RangeError('too far');
error.code = 'E_FAR';
console.error(error);
require('./helper/node_modules/deep/index.cjs');
