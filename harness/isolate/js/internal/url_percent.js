// Percent-encoding of texts, and decoding to bytes or by UTF-8.
'use strict';

const {
  StringFromCharCode,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
} = primordials;

const { encodings } = require('internal/buffer_encodings');
const { bytesOf } = require('internal/buffer_memory');

function digit(byte) {
  if (byte >= 48 && byte <= 57) return byte - 48;
  if (byte >= 65 && byte <= 70) return byte - 55;
  if (byte >= 97 && byte <= 102) return byte - 87;
  return -1;
}

// The bytes of a text in an encoding, each `%` with two digits made one; any other `%` is itself.
function percentDecodeBytes(text, ops = encodings.utf8) {
  const bytes = bytesOf(text, ops);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i];
    if (byte === 37 && i + 2 < bytes.length) {
      const high = digit(bytes[i + 1]);
      const low = digit(bytes[i + 2]);
      if (high !== -1 && low !== -1) {
        byte = high * 16 + low;
        i += 2;
      }
    }
    bytes[length++] = byte;
  }
  return { __proto__: null, bytes, length };
}

function percentDecode(text) {
  if (StringPrototypeIndexOf(text, '%') === -1) return text;
  const { bytes, length } = percentDecodeBytes(text);
  return encodings.utf8.slice(bytes, 0, length);
}

const digits = '0123456789ABCDEF';

// Letters, digits and `kept` stay; the bytes of all else become escapes.
function percentEncode(text, kept) {
  const bytes = bytesOf(text, encodings.utf8);
  let encoded = '';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    const char = byte < 128 ? StringFromCharCode(byte) : '';
    const plain = (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) ||
      (char !== '' && StringPrototypeIncludes(kept, char));
    encoded += plain ? char : `%${digits[byte >> 4]}${digits[byte & 15]}`;
  }
  return encoded;
}

exports.percentDecode = percentDecode;
exports.percentDecodeBytes = percentDecodeBytes;
exports.percentEncode = percentEncode;
