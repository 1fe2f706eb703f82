// Throws what it promises too late.
/*---
flags: [module]
negative: { phase: resolution, type: SyntaxError }
---*/
throw new SyntaxError('late');
