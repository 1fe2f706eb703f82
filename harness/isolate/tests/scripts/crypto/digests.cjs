// Digests of every form that is offered.
const crypto = require('crypto');
for (const name of ['md5', 'sha1', 'SHA256', 'sha224', 'sha384', 'sha512', 'sha512-256', 'sha512-224', 'RSA-SHA256', 'ripemd160', 'rmd160']) {
  console.log(name, crypto.createHash(name).update('adamant').digest('hex'));
}
const hash = crypto.createHash('sha256');
console.log(hash.update('a').update(Buffer.from('b')).update(new Uint8Array([99])).copy().digest('base64'), hash.digest('base64url'));
for (const again of [() => hash.digest(), () => hash.update('x'), () => hash.copy(), () => crypto.createHash('nothing'), () => crypto.createHash(), () => crypto.createHash('md5').update(3)]) {
  try {
    again();
  } catch (error) {
    console.log(error.name, error.code, error.message);
  }
}
console.log(crypto.createHmac('sha256', 'key').update('text').digest('hex'), crypto.createHmac('md5', Buffer.alloc(200, 1)).update('x').digest('latin1').length);
const hmac = crypto.createHmac('sha1', 'k');
console.log(hmac.digest('hex'), JSON.stringify(hmac.digest('hex')), hmac.digest());
console.log(crypto.hash('sha1', 'x'), crypto.hash('md5', Buffer.from('x'), 'base64'), crypto.hash('sha1', 'y', 'buffer'));
console.log(crypto.pbkdf2Sync('secret', 'salt', 1000, 50, 'sha512').toString('hex'));
console.log(Buffer.from(crypto.hkdfSync('sha256', 'key', 'salt', 'info', 42)).toString('hex'));
crypto.pbkdf2('secret', 'salt', 1, 20, 'sha1', (error, key) => console.log(error, key.toString('hex')));
const stream = crypto.createHash('sha1');
stream.on('readable', () => {
  const data = stream.read();
  if (data) {
    console.log('stream', data.toString('hex'));
  }
});
stream.write('some data');
stream.end();
crypto.subtle.digest('SHA-256', Buffer.from('x')).then((bytes) => console.log(Buffer.from(bytes).toString('hex')));
crypto.subtle.digest('MD5', Buffer.from('x')).catch((error) => console.log(error.name, error.message));
console.log(crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('a')), crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('b')));
try {
  crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('ab'));
} catch (error) {
  console.log(error.name, error.code, error.message);
}
