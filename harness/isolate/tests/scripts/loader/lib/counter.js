global.__c = (global.__c ?? 0) + 1; exports.count = global.__c;
