// Runs in both modes, where `this` of a function differs.
/*---
description: no flags
---*/
var strict = (function () { return this === undefined; })();
assert.sameValue(typeof strict, 'boolean');
