// Partial exports in a cycle still have the methods of every object, and warn of names that nobody set.
'use strict';
process.on('warning', (warning) => console.log(warning.message));
require('./lib/back.cjs');
exports.late = true;
