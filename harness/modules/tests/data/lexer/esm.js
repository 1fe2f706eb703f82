import a from 'a';
exports.never = 1;
