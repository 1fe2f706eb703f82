console.log(arguments.length, typeof exports, typeof require, typeof module, __filename.split('/').pop(), this === module.exports);
console.log(arguments[0] === exports, arguments[1] === require, arguments[2] === module, arguments[3] === __filename, arguments[4] === __dirname);
console.log(require('./lib/a.cjs'));
console.log(require('./lib/counter').count, require('./lib/counter.js').count, require('./lib/../lib/counter').count);
console.log(require('pkg'), require('pkg/sub'), require('pkg/package.json').name);
console.log(require('dual'), require('dual/feature'));
for (const id of ['dual/hidden', './nope', 'nope', 'dual/missing', './lib/bad.json', './lib/bad.js', './lib/throws', '', 5, 'node:nope', '/nope']) {
  try { console.log(require(id)); } catch (e) {
    const strip = (t) => String(t).replaceAll(__dirname === '/' ? '\0' : __dirname, '');
    console.log(id, e?.name, e?.code, strip(e?.message), Object.keys(e ?? {}).join(), strip(JSON.stringify(e?.requireStack)));
  }
}
console.log(require('./lib/throws-once'));
console.log(require.main === module, module.id, module.loaded, module.parent, module.children.length, module.isPreloading);
console.log(Object.keys(require), Object.keys(require.cache).length > 3, require.resolve('path'), require.resolve('node:path'));
console.log(require.resolve.paths('./x').map((p) => p === __dirname), require.resolve.paths('path'));
const m = require('module');
console.log(m === m.Module, m.isBuiltin('path'), m.isBuiltin('node:path'), m.isBuiltin('test'), m.isBuiltin('nope'), m.wrap('x'));
console.log(Object.keys(m._extensions), typeof m._load, typeof m._resolveFilename, m.builtinModules.includes('path'), m.prototype.constructor === m);
console.log(m.createRequire(__filename)('./lib/counter').count, m.createRequire(require('url').pathToFileURL(__filename))('./lib/counter').count);
console.log(require('./lib/json.json'), require('./lib/bom.json'), require('./lib/shebang.cjs'), require('./lib/noext'));
console.log(require('./lib/reassign'), require('./lib/klass').name, require('./lib/nul'), require('./lib/prim'));
delete require.cache[require.resolve('./lib/counter')];
console.log(require('./lib/counter').count);
require.cache[require.resolve('./lib/counter')].exports = 'poisoned';
console.log(require('./lib/counter'));
require.extensions['.txt'] = (module, filename) => { module.exports = 'text:' + require('fs').readFileSync(filename, 'utf8').trim(); };
console.log(require('./lib/t.txt'), require('./lib/t'));
console.log(require('./lib/main-check'));
