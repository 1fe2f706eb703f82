// TextEncoder, TextDecoder: labels, options, streams, views, refusals.
'use strict';
const { inspect } = require('util');
const tell = (label, f) => {
  try { const v = f(); console.log(label, typeof v === 'string' ? JSON.stringify(v) : inspect(v)); } catch (e) { console.log(label, e.name, e.code, e.message, e.stack.split('\n')[0]); }
};
const bytes = (...list) => new Uint8Array(list);
tell('decoder', () => new TextDecoder());
tell('encoder', () => new TextEncoder());
for (const label of ['nope', 'latin1', ' UTF8 ', 'x-user-defined', 'iso-2022-kr', 'replacement', 'ascii', 'utf-16', 'UTF-16BE', 'unicode-1-1-utf-8', 'logical', 'macintosh', 'x-sjis', 'gb2312', 'big5-hkscs', 'l9', '', 'utf-8\0', null, 5]) tell(`label ${label}`, () => new TextDecoder(label).encoding);
for (const encoding of ['utf-8', 'ibm866', 'iso-8859-2', 'iso-8859-3', 'iso-8859-8', 'iso-8859-8-i', 'iso-8859-16', 'koi8-r', 'koi8-u', 'macintosh', 'windows-874', 'windows-1250', 'windows-1252', 'x-mac-cyrillic', 'gbk', 'gb18030', 'utf-16le', 'utf-16be']) {
  tell(encoding, () => new TextDecoder(encoding).decode(bytes(0x41, 0xe9, 0xa1, 0xc4, 0xe3, 0x42)));
  tell(`${encoding} stream`, () => { const d = new TextDecoder(encoding); return [0x41, 0xc4, 0xe3, 0x42, 0xc3, 0xa9].map((b) => d.decode(bytes(b), { stream: true })).join('|') + d.decode(); });
}
tell('high half', () => new TextDecoder('windows-1252').decode(bytes(...Array.from({ length: 128 }, (_, i) => i + 128))));
tell('big5', () => new TextDecoder('big5').decode(bytes(0xa4, 0xa4, 0xa4, 0xe5)));
tell('shift_jis', () => new TextDecoder('shift_jis').decode(bytes(0x93, 0xfa, 0x96, 0x7b, 0xb1)));
tell('euc-kr', () => new TextDecoder('euc-kr').decode(bytes(0xc7, 0xd1, 0xb1, 0xdb)));
tell('iso-2022-jp', () => { const d = new TextDecoder('iso-2022-jp'); return [[0x1b, 0x24], [0x42, 0x24], [0x22, 0x24, 0x24], [0x1b, 0x28, 0x42, 0x41]].map((b) => d.decode(bytes(...b), { stream: true })).join('|') + d.decode(); });
tell('options', () => new TextDecoder('utf-8', 1));
tell('options', () => new TextDecoder('utf-8', null).fatal);
tell('fatal', () => new TextDecoder('utf-8', { fatal: 1 }).fatal);
tell('fatal utf-8', () => new TextDecoder('utf-8', { fatal: true }).decode(bytes(0xff)));
tell('fatal utf-16', () => new TextDecoder('utf-16le', { fatal: true }).decode(bytes(1)));
tell('fatal open', () => { const d = new TextDecoder('utf-8', { fatal: true }); const first = d.decode(bytes(0x61, 0xe2), { stream: true }); return first + d.decode(bytes(0x82, 0xac)); });
tell('fatal then good', () => { const d = new TextDecoder('utf-8', { fatal: true }); try { d.decode(bytes(0xff)); } catch { return d.decode(bytes(0x41)); } });
tell('bom', () => new TextDecoder().decode(bytes(0xef, 0xbb, 0xbf, 0x41)));
tell('bom kept', () => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes(0xef, 0xbb, 0xbf, 0x41)));
tell('bom in pieces', () => { const d = new TextDecoder(); return ['ef', 'bb', 'bf', '41', 'efbbbf'].map((h) => d.decode(Buffer.from(h, 'hex'), { stream: true })).join('|') + d.decode(); });
tell('utf-16 bom', () => new TextDecoder('utf-16le').decode(bytes(0xff, 0xfe, 0x41, 0, 0, 0xd8)));
tell('second stream', () => { const d = new TextDecoder(); d.decode(bytes(0xe2), { stream: true }); return d.decode() + d.decode(bytes(0xef, 0xbb, 0xbf, 0x42)); });
tell('input', () => new TextDecoder().decode('x'));
tell('input', () => new TextDecoder().decode(null));
tell('input', () => new TextDecoder().decode(undefined));
tell('input options', () => new TextDecoder().decode(bytes(65), 1));
tell('wide view', () => new TextDecoder().decode(new Uint16Array([0x4141, 0x4242, 0x4343]).subarray(1)));
tell('data view', () => new TextDecoder().decode(new DataView(bytes(65, 66, 67).buffer, 1, 1)));
tell('buffer in pool', () => new TextDecoder().decode(Buffer.from('pooled é')));
tell('shared', () => { const s = new SharedArrayBuffer(3); new Uint8Array(s).set([65, 66, 67]); return new TextDecoder().decode(s) + new TextDecoder().decode(new Uint8Array(s, 1)); });
tell('resizable', () => { const m = new ArrayBuffer(2, { maxByteLength: 8 }); const v = new Uint8Array(m); v[0] = v[1] = 65; m.resize(1); return new TextDecoder().decode(v); });
for (const [text, size] of [['aé€😀\ud800', 9], ['aé€😀\ud800', 20], ['\ud83d', 3], ['\ud83d', 2], ['', 0], ['😀', 3]]) tell(`encodeInto ${JSON.stringify(text)} ${size}`, () => new TextEncoder().encodeInto(text, new Uint8Array(size)));
tell('encodeInto', () => new TextEncoder().encodeInto(1, new Uint8Array(2)));
tell('encodeInto', () => new TextEncoder().encodeInto('x', new Uint16Array(2)));
tell('encode', () => new TextEncoder().encode(null));
tell('encode', () => new TextEncoder().encode());
tell('encode', () => new TextEncoder().encode('\ud800é'));
tell('receiver', () => TextEncoder.prototype.encode.call({}));
tell('receiver', () => TextDecoder.prototype.encoding);
tell('names', () => Object.keys(TextDecoder.prototype).sort() + ' ' + Object.keys(TextEncoder.prototype).sort() + ' ' + String(TextDecoder.prototype));
