// Prints, as one JSON line for each CommonJS file named on standard input, the names that Node's `import` of it offers,
// re-exports followed, without running it (needs --expose-internals).
'use strict';

const fs = require('node:fs');
const { pathToFileURL } = require('node:url');
const { translators } = require('internal/modules/esm/translators');

process.emitWarning = () => {};

function names(file) {
  const url = pathToFileURL(file).href;
  const wrap = translators.get('commonjs')(url, { source: fs.readFileSync(file, 'utf8'), format: 'commonjs' }, undefined);
  wrap.link([]);
  wrap.instantiate();
  return Object.getOwnPropertyNames(wrap.getNamespace());
}

const out = fs.readFileSync(0, 'utf8').split('\n').filter(Boolean).map((file) => JSON.stringify(names(file)));
process.stdout.write(out.join('\n'));
