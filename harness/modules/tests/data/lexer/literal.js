#!/usr/bin/env node
'use strict';
const dep = require('dep');
module.exports = {
  a,
  b: c,
  'd': e,
  "f-g": h,
  get,
  ...require('spread'),
  ...rest,
  i: j ,
  k: l
};
module.exports.extra = 1;
module.exports['ex tra'] = 2;
module . exports . spaced = 3;
exports /* comment */ . // line
  commented = 4;
exports.called();
exports.compared == 5;
exports.\u0061 = 1;
exports['\u{1F600}'] = exports['\uD83D\uDE00x'] = exports["\x41"] = exports['\uD83C'] = 1;
exports.été = 1;
