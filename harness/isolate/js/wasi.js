// The `wasi` module, which gives WebAssembly no system: refused.
'use strict';

const { refuseClass } = require('internal/refuse');

exports.WASI = refuseClass('wasi', 'WASI', 'WASI');
