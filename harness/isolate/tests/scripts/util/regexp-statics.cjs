// What a guest's last match was: nothing before it has matched, and calls into builtins leave it as Node's do.
const statics = () => JSON.stringify(['$&', '$1', '$2', 'input', '$`', "$'", '$+'].map((key) => RegExp[key]));
const seen = [['at the start', statics()]];
const after = (what, call) => {
  /(q)x/.test('aqxb');
  call();
  seen.push([what, statics()]);
};
after('console', () => console.log('a %s', 1));
after('URL', () => new URL('http://a.b/c?d#e'));
after('Buffer', () => [Buffer.from('616263', 'hex'), Buffer.from('YWI=', 'base64')]);
after('stack', () => new Error('x').stack);
after('querystring', () => require('querystring').parse('a=b&c=%20&d=%zz&e=%'));
after('missing', () => { try { require('./nope'); } catch { /* as it should */ } });
after('fs', () => require('fs').readFileSync(__filename, 'utf8'));
after('timers', () => { process.nextTick(() => {}); setTimeout(() => {}, 0); });
after('TextDecoder', () => [new TextDecoder('utf-8').decode(new Uint8Array([65])), new TextDecoder('latin1')]);
after('path', () => [require('path').relative('/a/b', '/a/c'), require('path').win32.normalize('a/../b')]);
console.log(seen.map((line) => line.join(' ')).join('\n'));
