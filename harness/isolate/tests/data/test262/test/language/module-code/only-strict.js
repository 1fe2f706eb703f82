// Runs in strict mode alone.
/*---
flags: [onlyStrict]
---*/
assert.sameValue((function () { return this; })(), undefined);
