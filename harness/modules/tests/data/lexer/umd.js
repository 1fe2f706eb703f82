(function (global, factory) {
  typeof exports === 'object' && typeof module !== 'undefined' ? factory(exports, require('react')) :
  typeof define === 'function' && define.amd ? define(['exports', 'react'], factory) :
  (global = global || self, factory(global.Lib = {}, global.React));
}(this, (function (exports, react) { 'use strict';
  var version = "1.0.0";
  exports.version = version;
  exports.default = react;
  Object.defineProperty(exports, '__esModule', { value: true });
})));
if (process.env.NODE_ENV === 'production') { module.exports = require('./cjs/production.min.js'); }
else { module.exports = require('./cjs/development.js'); }
!function(e,t){"object"==typeof exports&&"undefined"!=typeof module?t(exports):t(e.L={})}(this,function(t){t.x=1});
