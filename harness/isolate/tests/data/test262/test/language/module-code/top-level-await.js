// Is over when its promise is settled.
/*---
flags: [module]
features: [top-level-await]
---*/
assert.sameValue(await Promise.resolve(1), 1);
