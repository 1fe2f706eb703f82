module.exports = [require.main === module, require.main === module.parent, module.parent.id, module.id.split("/").pop(), module.paths.length > 0, module.path === __dirname];
