exports.a = 1;
exports.b = 2;exports.c = `
${1}`; // xexports.d = 4