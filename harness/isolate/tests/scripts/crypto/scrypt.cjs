// Keys derived by scrypt, the costs that OpenSSL refuses, and in which order arguments are looked at.
const c = require('crypto');
const t = (f) => {
  try {
    console.log(f());
  } catch (e) {
    console.log(e.name, e.code, e.message, e.stack.split('\n')[0]);
  }
};
const hex = (...args) => c.scryptSync(...args).toString('hex');
// RFC 7914, section 12.
t(() => hex('', '', 64, { N: 16, r: 1, p: 1 }));
t(() => hex('password', 'NaCl', 64, { N: 1024, r: 8, p: 16 }));
t(() => hex('p', 's', 16));
t(() => hex(Buffer.from('p'), new Uint16Array([1, 2]), 70, { N: 4, r: 1, p: 3 }));
t(() => hex(new ArrayBuffer(2), new DataView(new ArrayBuffer(3)), 8, { N: 2 }));
for (const options of [
  { N: 3 }, { N: 1 }, { N: 16, r: 0 }, { cost: 16, N: 16 }, { cost: 32768 }, { N: 2 ** 20 }, { p: 2 ** 30 }, { maxmem: -1 }, { maxmem: 1000 },
  { N: 'a' }, { r: -1 }, { r: 1.5 }, { blockSize: 4 }, { parallelization: 2 }, { r: 8, blockSize: 8 }, { p: 0, N: 2 }, { maxmem: 0, N: 2 }, null, 5,
  { maxmem: 'a' }, { N: 1024, r: 8, p: 1, maxmem: 1024 * 8 * 128 }, { N: 1024, r: 8, p: 1, maxmem: 1027 * 8 * 128 }, { N: 2 ** 32 },
  { N: 1024, maxmem: 2 ** 40 }, { r: 1, N: 2 ** 16 }, { r: 1, N: 2 ** 12 },
]) {
  t(() => `${JSON.stringify(options)} ${hex('p', 's', 16, options)}`);
}
t(() => c.scryptSync('p', 's', -1));
t(() => c.scryptSync('p', 's', 'a'));
t(() => c.scryptSync('p', 's'));
t(() => c.scryptSync(5, 's', 'a', { N: 3 }));
t(() => c.scryptSync('p', 5, 'a', { N: 3 }));
t(() => c.scryptSync('p', 's', 'a', { N: 3 }));
t(() => c.scryptSync(null, '', 8));
t(() => c.scryptSync(c.createSecretKey('a'), '', 8));
t(() => c.scryptSync('p', 's', 0));
t(() => c.scrypt('p', 's', 1));
t(() => c.scrypt('p', 's', 1, {}));
t(() => c.scrypt('p', 's', 8, { N: 3 }, 5));
t(() => c.scrypt(5, 's', 8, { N: 3 }, 5));
t(() => c.scrypt('p', 's', 8, { N: 3 }, () => {}));
t(() => [c.scrypt.length, c.scryptSync.length, c.scryptSync.name]);
const { promisify } = require('util');
(async () => {
  console.log(await promisify(c.scrypt)('p', 's', 8));
  console.log(await promisify(c.scrypt)('p', 's', 8, { N: 4 }));
  console.log(await promisify(c.scrypt)('p', 's', 8, null));
})();
