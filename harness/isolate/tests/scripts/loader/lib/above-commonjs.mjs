import { given } from './passes-on-commonjs.mjs';

console.log(given);
