// A CommonJS module that an ES module imports requires modules whose evaluation is open.
import './lib/between.mjs';
console.log('end');
