function f() { require('a'); var x = require('b'); module.exports = require('c'); __exportStar(require('d')); exports.inner = 1 }
if (x) { module.exports = { one, two }; } else { module.exports = { ...require('three') }; }
var lib = require('lib'), other = require('other');
module.exports = lib;
let y = a ? exports.tern = 1 : 2;
label: exports.lab = 1;
exports.a = exports.b = exports.c = void 0; exports.d ??= 1; exports.e += 1; exports?.f; exports.g
= 7; exports.h /**/ = /**/ 8; exports .i = 9; (0, exports.j = 10); exports.default = 1; exports.__esModule = true;
exports.class = 1; exports.$ = 1; exports._ = 1; exports.a1 = 1; exports[0] = 1; exports[`t`] = 1; exports['k' + 1] = 1; exports["l"]=1;
Object.assign(exports, { m: 1 }); Object.defineProperties(exports, { n: { value: 1 } }); Object.keys(exports);
globalThis.module.exports = { o }; window.exports.p = 1; $exports.q = 1; exports_r.s = 1; module.exports.t.u = 1; module["exports"].v = 1;
