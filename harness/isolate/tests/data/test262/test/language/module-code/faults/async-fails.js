// Says that it failed.
/*---
flags: [async]
---*/
Promise.resolve().then(function () { $DONE(new Test262Error('told so')); });
