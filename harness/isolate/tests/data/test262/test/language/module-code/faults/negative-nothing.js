// Does not throw what it promises.
/*---
flags: [module]
negative: { phase: runtime, type: TypeError }
---*/
0;
