// What is compressed comes back, and what Node compressed can be read.
const zlib = require('zlib');
const text = 'adamant '.repeat(500) + 'end';
for (const [there, back] of [['gzip', 'gunzip'], ['deflate', 'inflate'], ['deflateRaw', 'inflateRaw'], ['gzip', 'unzip'], ['deflate', 'unzip']]) {
  for (const level of [0, 1, 9, undefined]) {
    const packed = zlib[`${there}Sync`](text, level === undefined ? undefined : { level });
    console.log(there, level, packed.length < text.length || level === 0, zlib[`${back}Sync`](packed).toString() === text);
  }
}
const kept = Buffer.from('H4sIAAAAAAAAA0tMSUzMTcwrUUjKLwIAf1DPFQ0AAAA=', 'base64');
try {
  console.log(zlib.gunzipSync(kept).toString());
} catch (error) {
  console.log(error.code, error.errno, error.message);
}
const twice = Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync('two')]);
console.log(zlib.gunzipSync(twice).toString());
for (const wrong of [
  () => zlib.gunzipSync('nothing'), () => zlib.inflateSync(Buffer.from([1, 2, 3])), () => zlib.gunzipSync(zlib.gzipSync(text).subarray(0, 30)),
  () => zlib.inflateSync(zlib.deflateSync(text), { maxOutputLength: 10 }), () => zlib.gzipSync(5), () => zlib.gzipSync('x', { level: 12 }),
  () => zlib.gunzipSync(Buffer.alloc(0)), () => zlib.inflateSync(zlib.deflateSync(text).subarray(0, 20)),
]) {
  try {
    console.log(wrong().length);
  } catch (error) {
    console.log(error.name, error.code, error.errno, error.message);
  }
}
console.log(zlib.gunzipSync(zlib.gzipSync(text).subarray(0, -4), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).length);
console.log(zlib.crc32('hello'), zlib.crc32(Buffer.from('lo'), zlib.crc32('hel')));
const { Readable } = require('stream');
const { pipeline } = require('stream/promises');
const { promisify } = require('util');
(async () => {
  const packed = await promisify(zlib.gzip)(text);
  console.log((await promisify(zlib.gunzip)(packed)).toString() === text);
  await promisify(zlib.gunzip)('wrong').catch((error) => console.log(error.code));
  const parts = [];
  await pipeline(Readable.from([Buffer.from(text), Buffer.from('more')]), zlib.createGzip(), zlib.createGunzip(), async function(source) {
    for await (const part of source) {
      parts.push(part);
    }
  });
  console.log(Buffer.concat(parts).toString() === `${text}more`);
  await new Promise((resolve) => {
    const bad = zlib.createGunzip();
    bad.on('error', (error) => resolve(console.log('error', error.code, error.message)));
    bad.end('nothing');
  });
  console.log(zlib.createDeflate() instanceof zlib.Deflate, zlib.createGunzip() instanceof require('stream').Transform);
})();
