// Prints objects of the platform's classes.
'use strict';
const util = require('util');
console.log(new URL('http://u:p@a.b:8080/c?d=1#e'), new URLSearchParams('a=b&c=d'), { deep: { deeper: { u: new URL('http://x/') } } });
console.log(util.inspect(new URL('http://x/'), { depth: -1 }), Buffer.from('hello'), [Buffer.alloc(60)]);
console.log(new TextEncoder(), new Event('q').type, new EventTarget(), new AbortController(), AbortSignal.abort());
console.log(process.versions.node.split('.')[0], typeof util.TextDecoder, new util.TextEncoder().encode('é'));
console.log(globalThis[Symbol.toStringTag], util.inspect(globalThis, { depth: -1 }), Object.prototype.toString.call(globalThis));
class Sub extends URL {} console.log(new Sub('http://sub/') instanceof URL);
