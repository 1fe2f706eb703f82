// The deprecated module that older HTTP clients still load.
'use strict';
const punycode = require('punycode');
let seed = 7;
const random = (n) => (seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF) % n;
const ranges = [[0x61, 26], [0x61, 26], [0xE0, 32], [0x4E00, 500], [0x1F600, 60]];
for (let i = 0; i < 60; i++) {
  let text = '';
  for (let j = random(9); j >= 0; j--) {
    const [start, count] = ranges[random(ranges.length)];
    text += String.fromCodePoint(start + random(count));
  }
  const encoded = punycode.encode(text);
  console.log(text, encoded, punycode.decode(encoded) === text, punycode.toASCII(`${text}.Com`), punycode.toUnicode(`xn--${encoded}.x`) === `${text}.x`);
}
for (const text of ['', '-', 'a-', 'é-', '--', 'A', '\uD800', '\uDC00a', 'ab-\u0000', 'user@bücher.de', 'a\u3002b', 'xn--', 'XN--mgb']) {
  for (const name of ['encode', 'decode', 'toASCII', 'toUnicode']) {
    try {
      console.log(name, JSON.stringify(text), JSON.stringify(punycode[name](text)));
    } catch (error) {
      console.log(name, JSON.stringify(text), error.name, error.message);
    }
  }
}
for (const text of ['99999999', 'ü-a', 'ls8h=', 'zzzzzzzzzz', 'a-\u0080']) {
  try {
    console.log(JSON.stringify(punycode.decode(text)));
  } catch (error) {
    console.log(text, error.name, error.message);
  }
}
console.log(punycode.ucs2.decode('a💩\uD800'), punycode.ucs2.encode([0x61, 0x1F4A9]), punycode.version);
