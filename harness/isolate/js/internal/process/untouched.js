// Tells whether a standard stream of the process was ever asked for: `process` fills in a question per stream, `console` asks it.
'use strict';

module.exports = { untouched: { __proto__: null } };
