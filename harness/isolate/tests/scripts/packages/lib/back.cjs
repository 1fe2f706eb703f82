// Looks at the partial exports of the one that requires it.
'use strict';
const partial = require('../partial.cjs');
console.log(partial.hasOwnProperty('late'), String(partial), partial.valueOf() === partial, 'toString' in partial);
console.log(partial.constructor === Object, partial instanceof Object, partial.late);
