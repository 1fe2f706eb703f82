// No CommonJS.
let b = ;
