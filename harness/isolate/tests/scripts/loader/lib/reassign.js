exports = module.exports = () => 1; exports.x = 1;
