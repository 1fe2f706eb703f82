// Gets the file that it asks for.
/*---
includes: [extra.js]
flags: [module, generated]
---*/
assert.sameValue(extra, 'included');
