module.exports = class K {};
