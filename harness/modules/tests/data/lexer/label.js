exports.a = 1; label: {} /'/.test(x);
