// Sees the exporter's variable, not a copy.
/*---
flags: [module]
---*/
import { count, increase } from '../module-code/one_FIXTURE.js';
assert.sameValue(count, 0, 'no state of an earlier run is left');
increase();
assert.sameValue(count, 1);
