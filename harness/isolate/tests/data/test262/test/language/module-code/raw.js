// Runs as it stands: without the harness.
/*---
flags: [raw]
---*/
if (typeof assert !== 'undefined') { throw new Error('the harness is there'); }
