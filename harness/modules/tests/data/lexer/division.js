f() / 2; x = function () {} / 2; exports.one = 1; (a) / 2; exports.two = 2; y = {}
/ 3; exports.three = 3;
