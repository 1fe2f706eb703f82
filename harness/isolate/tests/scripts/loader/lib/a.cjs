exports.done = false; const b = require('./b.cjs'); exports.b = b.done; exports.done = true;
