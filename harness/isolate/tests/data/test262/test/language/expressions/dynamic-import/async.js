// A script that imports, and says when it is over.
/*---
flags: [async]
---*/
import('../../module-code/one_FIXTURE.js')
  .then(function (namespace) { assert.sameValue(namespace.one, 1); })
  .then($DONE, $DONE);
