// Files without a type that are ES modules, whatever stands above their first import or export.
'use strict';
process.on('warning', (warning) => console.log(warning.code, warning.message));
console.log(require('./lib/declares-first.js'));
console.log(require('./lib/declares-require.js'));
console.log(require('untyped'));
try {
  require('./lib/broken.mjs');
} catch (error) {
  console.log(error.stack.split('\n')[0]);
}
try {
  require('./lib/broken.cjs');
} catch (error) {
  console.log(error.stack.split('\n').slice(0, 5));
}
