// A claim that does not hold.
/*---
flags: [module]
---*/
assert.sameValue(1, 2, 'one is not two');
