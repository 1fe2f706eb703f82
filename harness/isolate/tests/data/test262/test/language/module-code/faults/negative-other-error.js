// Throws something else than it promises.
/*---
negative: { phase: runtime, type: TypeError }
---*/
throw new RangeError('another');
