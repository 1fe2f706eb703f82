// Waits for what never comes.
/*---
flags: [module]
---*/
await new Promise(() => {});
