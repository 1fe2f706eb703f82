// Imports JSON by its attribute.
/*---
flags: [module]
features: [import-attributes, json-modules]
---*/
import value from './value_FIXTURE.json' with { type: 'json' };
assert.sameValue(value.answer, 42);
