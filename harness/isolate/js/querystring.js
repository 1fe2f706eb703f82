// The module `querystring`: query texts to objects and back.
'use strict';

const {
  ArrayIsArray,
  ObjectCreate,
  ObjectKeys,
  StringFromCodePoint,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeIsWellFormed,
  StringPrototypeSlice,
  decodeURIComponent,
} = primordials;

const { codes } = require('internal/errors');
const { encodings } = require('internal/buffer_encodings');
const { percentDecodeBytes, percentEncode } = require('internal/url_percent');

// A character beyond one byte loses its upper half, as in Node.
function unescapeBuffer(text, decodeSpaces) {
  const { Buffer } = require('buffer');
  const spaced = decodeSpaces ? withSpaces(text, ' ') : text;
  const { bytes, length } = percentDecodeBytes(spaced, encodings.latin1);
  return Buffer.copyBytesFrom(bytes, 0, length);
}

function qsUnescape(text, decodeSpaces) {
  try {
    return decodeURIComponent(text);
  } catch {
    return module.exports.unescapeBuffer(text, decodeSpaces).toString();
  }
}

// A surrogate takes whatever comes next for its other half, as in Node; at the end of the text there is none to take.
function pairSurrogates(text) {
  if (StringPrototypeIsWellFormed(text)) return text;
  let paired = '';
  for (let i = 0; i < text.length; i++) {
    const unit = StringPrototypeCharCodeAt(text, i);
    if (unit < 0xd800 || unit > 0xdfff) {
      paired += text[i];
      continue;
    }
    if (++i >= text.length) throw new codes.ERR_INVALID_URI();
    const low = StringPrototypeCharCodeAt(text, i) & 0x3ff;
    paired += StringFromCodePoint(0x10000 + (((unit & 0x3ff) << 10) | low));
  }
  return paired;
}

function qsEscape(text) {
  if (typeof text !== 'string') text = `${text}`;
  return percentEncode(pairSurrogates(text), '!\'()*-._~');
}

function stringifyPrimitive(value) {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return value - value === 0 ? `${value}` : '';
  if (typeof value === 'bigint') return `${value}`;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return '';
}

function encodeValue(value, encode) {
  const text = stringifyPrimitive(value);
  return text === '' ? '' : encode(text);
}

function stringify(obj, sep, eq, options) {
  sep ||= '&';
  eq ||= '=';
  const given = options?.encodeURIComponent;
  const encode = typeof given === 'function' ? given : module.exports.escape;
  if (obj === null || typeof obj !== 'object') return '';
  let fields = '';
  const keys = ObjectKeys(obj);
  for (let i = 0; i < keys.length; i++) {
    const key = `${encodeValue(keys[i], encode)}${eq}`;
    const value = obj[keys[i]];
    if (!ArrayIsArray(value)) {
      fields += `${fields === '' ? '' : sep}${key}${encodeValue(value, encode)}`;
      continue;
    }
    for (let k = 0; k < value.length; k++) {
      fields += `${fields === '' ? '' : sep}${key}${encodeValue(value[k], encode)}`;
    }
  }
  return fields;
}

function withSpaces(text, space) {
  let spaced = '';
  let start = 0;
  for (let i = StringPrototypeIndexOf(text, '+'); i !== -1; i = StringPrototypeIndexOf(text, '+', start)) {
    spaced += `${StringPrototypeSlice(text, start, i)}${space}`;
    start = i + 1;
  }
  return start === 0 ? text : `${spaced}${StringPrototypeSlice(text, start)}`;
}

// Without a regular expression: those of the guest keep their last match in `RegExp`.
function hasEscape(text) {
  const isHex = (code) => (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
  for (let i = StringPrototypeIndexOf(text, '%'); i !== -1; i = StringPrototypeIndexOf(text, '%', i + 1)) {
    if (isHex(StringPrototypeCharCodeAt(text, i + 1)) && isHex(StringPrototypeCharCodeAt(text, i + 2))) return true;
  }
  return false;
}

function decodeText(text, decode, custom) {
  text = withSpaces(text, custom ? '%20' : ' ');
  if (text === '' || (!custom && !hasEscape(text))) {
    return text;
  }
  try {
    return decode(text);
  } catch {
    return module.exports.unescape(text, true);
  }
}

function parse(qs, sep, eq, options) {
  const parsed = ObjectCreate(null);
  if (typeof qs !== 'string' || qs.length === 0) return parsed;
  sep = sep ? `${sep}` : '&';
  eq = eq ? `${eq}` : '=';
  let pairs = 1000;
  if (options && typeof options.maxKeys === 'number') pairs = options.maxKeys > 0 ? options.maxKeys : -1;
  const given = options?.decodeURIComponent;
  const decode = typeof given === 'function' ? given : module.exports.unescape;
  const custom = decode !== qsUnescape;
  let start = 0;
  while (start <= qs.length && pairs !== 0) {
    let end = StringPrototypeIndexOf(qs, sep, start);
    if (end === -1) end = qs.length;
    if (end > start) {
      const pair = StringPrototypeSlice(qs, start, end);
      const equals = StringPrototypeIndexOf(pair, eq);
      const key = decodeText(equals === -1 ? pair : StringPrototypeSlice(pair, 0, equals), decode, custom);
      const value = equals === -1 ? '' :
        decodeText(StringPrototypeSlice(pair, equals + eq.length), decode, custom);
      const known = parsed[key];
      if (known === undefined) {
        parsed[key] = value;
      } else if (ArrayIsArray(known)) {
        known[known.length] = value;
      } else {
        parsed[key] = [known, value];
      }
    }
    // An empty pair counts too.
    pairs--;
    start = end + sep.length;
  }
  return parsed;
}

module.exports = {
  unescapeBuffer,
  unescape: qsUnescape,
  escape: qsEscape,
  stringify,
  encode: stringify,
  parse,
  decode: parse,
};
