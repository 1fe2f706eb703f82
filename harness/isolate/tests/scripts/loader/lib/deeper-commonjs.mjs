import './above-commonjs.mjs';
