// Every method that reads or writes numbers, at good and bad places, with good and bad values.
'use strict';
const bytes = Buffer.from('80ff017f00a5c3f0e10203fefd7f8001', 'hex');
const names = Object.getOwnPropertyNames(Buffer.prototype);
const tell = (f) => {
  try {
    const v = f();
    return typeof v === 'bigint' ? `${v}n` : Object.is(v, -0) ? '-0' : String(v);
  } catch (e) {
    return `${e.name} ${e.code} ${e.message}`;
  }
};
for (const name of names.filter((n) => /^read/.test(n)).sort()) {
  const sized = /^read(U[iI]nt|Int)[BL]E$/.test(name);
  for (const offset of [undefined, 0, 8, 9, 13, 16, -1, 1.5, '1', null]) {
    for (const size of sized ? [undefined, 1, 3, 4, 5, 6, 7, 2.5] : [0]) {
      console.log(name, String(offset), String(size), tell(() => (sized ? bytes[name](offset, size) : bytes[name](offset))));
    }
  }
}
const values = [1, -1, 200, 256, -128, 32768, 65536, 2 ** 31, 2 ** 32, -(2 ** 31), 2 ** 40, 2 ** 48, -1.5, NaN, '12', undefined];
const bigs = [0n, 1n, -1n, 2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n - 1n, 2n ** 64n, 5];
for (const name of names.filter((n) => /^write./.test(n)).sort()) {
  const sized = /^write(U[iI]nt|Int)[BL]E$/.test(name);
  for (const value of /Big/.test(name) ? bigs : values) {
    for (const offset of sized ? [1] : [undefined, 9]) {
      for (const size of sized ? [1, 3, 6, 7] : [0]) {
        const target = Buffer.alloc(10);
        const result = tell(() => (sized ? target[name](value, offset, size) : target[name](value, offset)));
        console.log(name, String(value), String(offset), size, result, /^[0-9]/.test(result) ? target.toString('hex') : '');
      }
    }
  }
}
