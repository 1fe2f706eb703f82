// No ES module.
let a;
let a;
