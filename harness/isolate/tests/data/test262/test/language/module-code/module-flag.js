// A module: strict, with `this` undefined.
/*---
flags: [module]
---*/
assert.sameValue(this, undefined);
