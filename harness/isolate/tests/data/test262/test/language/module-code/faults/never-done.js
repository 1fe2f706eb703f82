// Never says that it is over.
/*---
flags: [async]
---*/
