// What is random has a shape.
const crypto = require('crypto');
console.log(crypto.randomBytes(8).length, crypto.randomBytes(0).length, Buffer.isBuffer(crypto.randomBytes(1)));
console.log(crypto.randomBytes(16).equals(crypto.randomBytes(16)));
console.log(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()));
const seen = new Set();
for (let i = 0; i < 500; i++) {
  seen.add(crypto.randomInt(3, 6));
}
console.log([...seen].sort());
const view = new Uint16Array(4);
console.log(crypto.getRandomValues(view) === view, view.some((word) => word > 255), globalThis.crypto.getRandomValues(new Uint8Array(3)).length);
console.log(typeof crypto.webcrypto.subtle.digest, globalThis.crypto === crypto.webcrypto, String(globalThis.crypto), typeof crypto.webcrypto.randomUUID());
for (const wrong of [() => crypto.randomBytes(-1), () => crypto.randomBytes('1'), () => crypto.randomInt(5, 5), () => crypto.randomInt(0.5), () => crypto.getRandomValues(new Float64Array(1)), () => crypto.getRandomValues(new Uint8Array(65537)), () => new Crypto()]) {
  try {
    wrong();
  } catch (error) {
    console.log(error.name, error.code, error.message);
  }
}
crypto.randomBytes(4, (error, bytes) => {
  console.log(error, bytes.length);
  crypto.randomFill(new Uint8Array(4), (again, filled) => {
    console.log(again, filled.length);
    crypto.randomInt(10, (last, number) => console.log(last, number < 10));
  });
});
