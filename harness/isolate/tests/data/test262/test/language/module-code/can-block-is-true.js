// Runs where the main agent may wait.
/*---
flags: [CanBlockIsTrue, non-deterministic]
---*/
assert.sameValue(Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0), 'timed-out');
