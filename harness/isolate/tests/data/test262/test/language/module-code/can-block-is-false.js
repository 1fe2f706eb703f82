// Runs where the main agent may not wait.
/*---
flags: [CanBlockIsFalse]
---*/
var cells = new Int32Array(new SharedArrayBuffer(4));
var refused = false;
try { Atomics.wait(cells, 0, 0, 0); } catch (error) { refused = error instanceof TypeError; }
assert(refused);
