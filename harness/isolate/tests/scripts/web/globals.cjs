// Globals that are evaluated when they are first read look like plain properties before, and can be written, deleted and inherited.
const names = ['URL', 'AbortController', 'ReadableStream', 'fetch', 'Headers', 'MessageChannel', 'structuredClone', 'TextDecoder', 'Event', 'DOMException', 'Blob', 'CryptoKey', 'PerformanceObserver', 'WebSocket', 'FormData', 'Navigator'];
for (const name of names) {
  const { value, writable, enumerable, configurable, get } = Object.getOwnPropertyDescriptor(globalThis, name);
  console.log(name, typeof value, value.name, value === globalThis[name], writable, enumerable, configurable, get);
}
console.log(names.every((name) => Object.hasOwn(globalThis, name)), Object.keys(globalThis).join());
console.log(Object.create(globalThis).Response === Response, typeof Object.create(globalThis).EventTarget);
globalThis.URLSearchParams = 'mine';
console.log(URLSearchParams, Object.getOwnPropertyDescriptor(globalThis, 'URLSearchParams'));
console.log(delete globalThis.TextEncoder, typeof TextEncoder, 'TextEncoder' in globalThis);
Object.defineProperty(globalThis, 'File', { value: 1, writable: false, enumerable: true, configurable: false });
console.log(File, Object.getOwnPropertyDescriptor(globalThis, 'File'));
for (const name of ['crypto', 'navigator']) {
  const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(globalThis, name);
  console.log(name, get.name, set, enumerable, configurable, globalThis[name] === globalThis[name]);
}
const path = require('path');
console.log(Object.keys(path).join(), path.win32.win32 === path.win32, path.win32.posix === path, path.posix === path, require('path/win32') === path.win32);
const buffer = require('buffer');
console.log(buffer.Blob === Blob, Object.keys(buffer).join(), buffer.File.name);
console.log(Buffer.prototype.writeBigInt64LE.length, require('fs').readFile.length, require('fs').readFile.name, require('fs').read.length);
