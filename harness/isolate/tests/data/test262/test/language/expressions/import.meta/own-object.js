// Each module has its own.
/*---
flags: [module]
---*/
assert.sameValue(Object.getPrototypeOf(import.meta), null);
assert.sameValue(typeof import.meta.url, 'string');
