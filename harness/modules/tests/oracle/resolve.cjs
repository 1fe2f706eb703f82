// Prints, as one JSON line for each `[parent, specifier]` line on standard input, what `import` and `require` find in Node 24,
// paths relative to the directory given as argument (needs --expose-internals).
'use strict';

const fs = require('node:fs');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');
const { defaultResolve } = require('internal/modules/esm/resolve');

process.emitWarning = () => {};
const root = fs.realpathSync(process.argv[2]);
process.chdir(root);

function attempt(ask) {
  try {
    return ask();
  } catch (error) {
    return [error.code ?? error.name, error.message];
  }
}

const out = [];
for (const line of fs.readFileSync(0, 'utf8').split('\n')) {
  if (line === '') continue;
  const [parent, specifier] = JSON.parse(line);
  const parentURL = pathToFileURL(root + parent).href;
  out.push(JSON.stringify([
    attempt(() => defaultResolve(specifier, { parentURL }).url),
    attempt(() => createRequire(root + parent).resolve(specifier)),
  ]));
}
process.stdout.write(out.join('\n').replaceAll(`file://${root}/`, 'file:///').replaceAll(`${root}/`, '/'));
