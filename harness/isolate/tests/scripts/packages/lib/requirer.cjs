// Requires modules that wait for it, directly and through another.
'use strict';
for (const name of ['../cycles-esm.mjs', './between.mjs', './beside.mjs']) {
  try {
    console.log(require(name));
  } catch (error) {
    console.log(error.code, error.message);
  }
}
