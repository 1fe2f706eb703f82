// Prints what `util.parseArgs` makes of command lines.
'use strict';
const { parseArgs } = require('util');
Error.stackTraceLimit = 0;
const o = { foo: { type: 'boolean', short: 'f' }, bar: { type: 'string', short: 'b' }, many: { type: 'string', multiple: true, short: 'm' }, def: { type: 'string', default: 'D' }, verbose: { type: 'boolean', multiple: true, short: 'v' } };
const lines = [[], ['-f', '--bar', 'b'], ['--bar=x=y'], ['-bvalue'], ['-fbvalue'], ['-fb', 'value'], ['-vvv'], ['--many', 'a', '-m', 'b', '--many=c'], ['pos', '--foo', 'pos2'], ['--', '--foo', '-x'], ['--unknown'], ['-x'], ['--bar'], ['--bar', '-f'], ['--foo=1'], ['--no-foo'], ['-'], ['--bar', '-'], ['--=x'], ['--bar=', 'q'], ['-f=1'], ['--unknown=5', 'a'], ['-xyz'], ['--constructor'], ['--__proto__=1'], ['--no-bar'], ['a', '--', 'b']];
for (const args of lines) for (const extra of [{}, { strict: false }, { allowPositionals: true }, { tokens: true, strict: false }, { allowNegative: true, allowPositionals: true }, { tokens: true, allowNegative: true, strict: false }]) {
  try { console.log(JSON.stringify(args), JSON.stringify(extra), parseArgs({ args, options: o, ...extra })); } catch (e) { console.log(JSON.stringify(args), JSON.stringify(extra), e.name, e.code, e.message); }
}
for (const c of [{ args: 1 }, { options: 1 }, { options: { a: 1 } }, { options: { a: {} } }, { options: { a: { type: 'x' } } }, { options: { a: { type: 'string', short: 'ab' } } }, { options: { a: { type: 'string', short: 1 } } }, { options: { a: { type: 'string', multiple: 1 } } }, { options: { a: { type: 'string', default: 1 } } }, { options: { a: { type: 'boolean', default: 'x' } } }, { options: { a: { type: 'string', multiple: true, default: 'x' } } }, { options: { a: { type: 'string', multiple: true, default: [1] } } }, { strict: 1 }, { tokens: 1 }, { allowPositionals: 1 }, { allowNegative: 1 }]) {
  try { console.log(parseArgs({ args: [], ...c })); } catch (e) { console.log(e.name, e.code, e.message); }
}
