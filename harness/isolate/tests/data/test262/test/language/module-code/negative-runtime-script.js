// A script may be demanded to throw as well.
/*---
negative:
  phase: runtime
  type: Test262Error
---*/
throw new Test262Error('as demanded');
