// Throws while it runs.
/*---
flags: [module]
negative:
  phase: runtime
  type: RangeError
---*/
throw new RangeError('as demanded');
