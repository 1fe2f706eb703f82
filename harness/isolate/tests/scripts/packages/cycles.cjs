// Cycles through require(esm): refused as Node refuses them, and over once the CommonJS module is through.
'use strict';
exports.early = 1;
for (let turn = 0; turn < 2; turn++) {
  try {
    require('./lib/imports-importer.mjs');
  } catch (error) {
    console.log(error.code, error.message);
  }
}
try {
  require('./lib/open.cjs');
} catch (error) {
  console.log(error.code, error.message);
}
setTimeout(() => console.log(require('./lib/imports-importer.mjs')), 1);
