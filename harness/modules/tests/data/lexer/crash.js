exports.half = require('./n') / 2; exports.rest = 1;
