// Runs in sloppy mode alone.
/*---
flags: [noStrict]
---*/
assert.sameValue((function () { return this; })(), globalThis);
