module.exports = require('./dropped');
module.exports = { get getter() { return 1 }, after };
module.exports = { a: require('./in-value'), b };
module.exports = { f() {}, g };
module.exports = { ...require('./one'), ...require("./two"), z };
exports = module.exports = require('./last');
module.exports.name = 'x';
