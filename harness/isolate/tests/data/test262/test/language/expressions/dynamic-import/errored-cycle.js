// A fulfilled member of a cycle that failed, imported again: V8 13.6 and stock Node 24 abort if it is evaluated a second time.
/*---
flags: [async]
features: [top-level-await]
---*/
async function settle(specifier) {
  try { await import(specifier); return 'fulfilled'; } catch (error) { return error.message; }
}
(async function () {
  assert.sameValue(await settle('./cycle-main_FIXTURE.js'), 'late error');
  assert.sameValue(await settle('./cycle-c_FIXTURE.js'), 'late error');
})().then($DONE, $DONE);
