// Imports a module whose evaluation is open.
import './between.mjs';
console.log('beside');
