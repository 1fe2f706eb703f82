x = a => {}
/'/.test(x); exports.three = 3; for (;;) {} /'/.test(x); exports.four = 4;
