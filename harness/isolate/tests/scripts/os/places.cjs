// The directories that the environment names.
'use strict';
const os = require('os');
process.env.HOME = '/somewhere';
console.log(os.homedir(), `${os.homedir}`);
process.env.HOME = 'relative';
console.log(os.homedir());
for (const [name, value] of [['TEMP', '/c/'], ['TMP', '/b'], ['TMPDIR', '/a/']]) {
  process.env[name] = value;
  console.log(os.tmpdir());
}
process.env.TMPDIR = '/';
console.log(os.tmpdir());
