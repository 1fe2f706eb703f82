// Fails in the second of its modes.
/*---
description: no flags
---*/
assert.sameValue((function () { return this; })(), globalThis, 'this');
