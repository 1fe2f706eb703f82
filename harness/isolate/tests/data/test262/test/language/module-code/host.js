// What the host offers.
/*---
description: $262
---*/
var other = $262.createRealm();
assert.sameValue($262.global, globalThis);
assert(other.global !== globalThis, 'a realm has its own global');
assert(other.global.Array !== Array, 'and its own intrinsics');
other.evalScript('var planted = 1;');
assert.sameValue(other.global.planted, 1);
assert.sameValue($262.evalScript('40 + 2'), 42);
var buffer = new ArrayBuffer(8);
assert.sameValue($262.detachArrayBuffer(buffer), null);
assert.sameValue(buffer.byteLength, 0);
$262.gc();
