// KeyObject as far as it is a secret key: what it is, what it gives, what it refuses.
const c = require('crypto');
const k = c.createSecretKey(Buffer.from('secret'));
const show = (key, value) => (typeof value === 'function' ? `fn ${value.name} ${value.length}` : value);
for (let o = k; o !== Object.prototype; o = Object.getPrototypeOf(o)) {
  console.log(o.constructor.name, Object.prototype.toString.call(o));
  for (const n of Reflect.ownKeys(o)) {
    console.log('  ', n, JSON.stringify(Object.getOwnPropertyDescriptor(o, n), show));
  }
}
console.log(k, Reflect.ownKeys(c.KeyObject), c.KeyObject.length, c.createSecretKey.length, c.generateKey.length, c.generateKeySync.length);
const t = (f) => {
  try {
    console.log(f());
  } catch (e) {
    console.log(e.name, e.code, e.message, e.stack.split('\n')[0]);
  }
};
t(() => c.createSecretKey(''));
t(() => c.createSecretKey(5));
t(() => c.createSecretKey('aa', 'hex').export());
t(() => c.createSecretKey('abc', 'base64').export());
t(() => c.createSecretKey());
t(() => c.createSecretKey(k));
t(() => c.createSecretKey(new Uint16Array([1, 2]).buffer).export());
t(() => k.export({ format: 'jwk' }));
t(() => k.export({ format: 'pem' }));
t(() => k.export({ format: 'buffer' }));
t(() => k.export({ format: undefined }));
t(() => k.export(null));
t(() => k.export(5));
t(() => k.equals(5));
t(() => k.equals(c.createSecretKey('secret')));
t(() => k.equals(c.createSecretKey('secres')));
t(() => k.equals(c.createSecretKey('secre')));
t(() => c.createSecretKey('').equals(c.createSecretKey('')));
t(() => [k.type, k.symmetricKeySize, k instanceof c.KeyObject, Object.keys(k)]);
t(() => new c.KeyObject('secret', {}));
t(() => new c.KeyObject('secret'));
t(() => new c.KeyObject('public', 5));
t(() => new c.KeyObject('x'));
t(() => new c.KeyObject());
t(() => c.KeyObject());
t(() => c.KeyObject.from(5));
t(() => c.KeyObject.from());
t(() => c.KeyObject.prototype.equals.call({}, k));
t(() => Object.getOwnPropertyDescriptor(c.KeyObject.prototype, 'type').get.call({}));
t(() => [require('util').types.isKeyObject(k), require('util').types.isKeyObject({}), require('util').types.isKeyObject(5)]);
t(() => c.createHmac('sha256', k).update('x').digest('hex'));
t(() => c.createHmac('sha1', c.createSecretKey('x'), { encoding: 'hex' }).update('a').digest('hex'));
t(() => c.createHmac('sha1', {}));
t(() => c.createHmac('sha1', null));
t(() => c.pbkdf2Sync(k, 's', 1, 8, 'sha1'));
t(() => c.pbkdf2Sync('p', 5, 1, 8, 'sha1'));
t(() => Buffer.from(c.hkdfSync('sha256', k, 's', 'i', 8)));
// What was given is copied, and what is given is a copy.
const mine = Buffer.from('mine');
const kept = c.createSecretKey(mine);
mine[0] = 0;
kept.export()[1] = 0;
t(() => kept.export().toString());
for (const [type, options] of [
  ['hmac', { length: 64 }], ['hmac', { length: 65 }], ['hmac', { length: 7 }], ['aes', { length: 128 }], ['aes', { length: 100 }],
  ['x', { length: 128 }], ['hmac'], ['hmac', {}], ['aes', { length: 'a' }], [5, {}], ['hmac', { length: 2 ** 31 }],
]) {
  t(() => c.generateKeySync(type, options).symmetricKeySize);
}
t(() => c.generateKeySync('aes', { length: 256 }).equals(c.generateKeySync('aes', { length: 256 })));
t(() => c.generateKey('hmac', { length: 64 }));
c.generateKey('aes', { length: 256 }, (e, key) => console.log(e, key, key.symmetricKeySize));
