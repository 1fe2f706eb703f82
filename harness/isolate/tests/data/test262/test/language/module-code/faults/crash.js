// Takes its process with it: V8 has no way on from here.
/*---
flags: [module]
---*/
[...'.'.repeat(2 ** 28)];
