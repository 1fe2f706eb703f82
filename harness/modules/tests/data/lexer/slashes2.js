try { } catch { } /'/.test(x); try {} finally {} /'/.test(x);
if (a) {} else {} /'/.test(x);
y = async () => { await /'/.test(x); yield /'/; throw /'/; a instanceof /'/; debugger /'/ };
import('x').then(); import.metaData; importX; exports.four = 4;
function exportsLike() { import 'no'; export { no } }
var exportsX = 1; x.exports.five = 5; this.exports.six = 6; module.exportsX = 7;
(function (e) { exports.seven = 7; module.exports.eight = 8; Object.defineProperty(exports, 'nine', { value: 9 }) })();
