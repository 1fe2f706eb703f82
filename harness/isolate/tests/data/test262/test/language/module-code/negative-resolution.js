// Imports a name that is not exported.
/*---
flags: [module]
negative:
  phase: resolution
  type: SyntaxError
---*/
$DONOTEVALUATE();
import { absent } from './one_FIXTURE.js';
