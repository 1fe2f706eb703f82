// A module may import itself.
/*---
flags: [module]
---*/
import * as self from './namespace.js';
export const name = 'value';
assert.sameValue(self.name, 'value');
