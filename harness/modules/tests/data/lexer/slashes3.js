(function () { x = a-- / 2; exports.minus = 1; y = a++ / 2; exports.plus = 1; })();
z = b / /'/.exec(c); exports.twice = 1; w = 1 / 2 / 3; exports.thrice = 1; v = 1. / 2; exports.point = 1; u = b.c / 2;
class A extends B { } /'/.test(x); exports.body = 1; if (x) { } /'/.test(x); exports.block = 1; async () => { await /'/; };
