// Prints, as one JSON line for each file named on standard input, what Node's own lexer finds in it (needs --expose-internals).
// With a directory as argument: writes that for each of its files into `expected.json`, but for files that crash Node.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

function detect() {
  const { internalBinding } = require('internal/test/binding');
  const { parse } = internalBinding('cjs_lexer');
  const files = fs.readFileSync(0, 'utf8').split('\n').filter(Boolean);
  const answers = files.map((file) => {
    const { 0: names, 1: reexports } = parse(fs.readFileSync(file, 'utf8'));
    return JSON.stringify([[...names], reexports]);
  });
  process.stdout.write(answers.join('\n'));
}

function fill(directory) {
  const target = path.join(directory, 'expected.json');
  const known = JSON.parse(fs.readFileSync(target, 'utf8'));
  const lines = fs.readdirSync(directory).filter((name) => name.endsWith('.js')).sort().map((name) => {
    const input = path.join(directory, name);
    const run = spawnSync(process.execPath, ['--expose-internals', __filename], { input, encoding: 'utf8' });
    return `${JSON.stringify(name)}: ${run.status === 0 ? run.stdout : JSON.stringify(known[name])}`;
  });
  fs.writeFileSync(target, `{\n  ${lines.join(',\n  ')}\n}\n`);
}

if (process.argv[2] === undefined) detect();
else fill(process.argv[2]);
