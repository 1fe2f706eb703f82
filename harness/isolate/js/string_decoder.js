// StringDecoder: bytes to text, chunk by chunk, without breaking characters.
'use strict';

const {
  ArrayBufferIsView,
  MathMin,
  ObjectDefineProperties,
  Symbol,
  Uint8Array,
} = primordials;

const { codes } = require('internal/errors');
const { encodings, normalizeEncoding } = require('internal/buffer_encodings');
const { FastBuffer, subarray } = require('internal/buffer_memory');

function checkedEncoding(encoding) {
  const name = normalizeEncoding(encoding);
  if (name === undefined) throw new codes.ERR_UNKNOWN_ENCODING(encoding);
  return name;
}

// The state is one small Buffer, as in Node, where `inspect` shows it: four bytes kept of an unfinished character, how many
// it misses, how many are kept, and the number of the encoding.
const kNativeDecoder = Symbol('kNativeDecoder');
const kMissing = 4;
const kKept = 5;
const kEncoding = 6;
const encodingNumbers = {
  __proto__: null, ascii: 0, utf8: 1, base64: 2, utf16le: 3, latin1: 4, hex: 5, base64url: 7,
};
const encodingNames = ['ascii', 'utf8', 'base64', 'utf16le', 'latin1', 'hex', undefined, 'base64url'];

function StringDecoder(encoding) {
  this.encoding = checkedEncoding(encoding);
  this[kNativeDecoder] = new FastBuffer(7);
  this[kNativeDecoder][kEncoding] = encodingNumbers[this.encoding];
}

function stateOf(decoder) {
  const state = decoder[kNativeDecoder];
  if (state === undefined) throw new codes.ERR_INVALID_THIS('StringDecoder');
  return state;
}

// How many bytes the character needs that this one leads; none for what leads nothing.
function utf8Need(lead) {
  if ((lead & 0xe0) === 0xc0) return 2;
  if ((lead & 0xf0) === 0xe0) return 3;
  if ((lead & 0xf8) === 0xf0) return 4;
  return 0;
}

function isHighSurrogate(bytes, end) {
  return (bytes[end - 1] & 0xfc) === 0xd8;
}

// Notes how much of the end of `bytes` is an unfinished unit.
function measureTail(state, encoding, bytes) {
  const { length } = bytes;
  if (encoding === 'utf8') {
    for (let kept = 1; kept <= length && kept <= 4; kept++) {
      const byte = bytes[length - kept];
      if (byte < 0x80) return;
      if ((byte & 0xc0) === 0x80) continue;
      const need = utf8Need(byte);
      if (need > kept) {
        state[kKept] = kept;
        state[kMissing] = need - kept;
      }
      return;
    }
  } else if (encoding === 'utf16le') {
    if (length % 2 === 1) {
      state[kKept] = 1;
      state[kMissing] = 1;
    } else if (isHighSurrogate(bytes, length)) {
      state[kKept] = 2;
      state[kMissing] = 2;
    }
  } else if (length % 3 !== 0) {
    state[kKept] = length % 3;
    state[kMissing] = 3 - state[kKept];
  }
}

// Moves bytes from the front of `bytes` to the unfinished unit; how many it took.
function completeKept(state, encoding, bytes) {
  let take = MathMin(state[kMissing], bytes.length);
  if (encoding === 'utf8') {
    for (let i = 0; i < take; i++) {
      if ((bytes[i] & 0xc0) !== 0x80) {
        // The character is broken off here: what is kept becomes replacement characters.
        take = i;
        state[kMissing] = i;
        break;
      }
    }
  }
  for (let i = 0; i < take; i++) state[state[kKept] + i] = bytes[i];
  state[kMissing] -= take;
  state[kKept] += take;
  return take;
}

function decode(state, ops, bytes) {
  let before = '';
  if (state[kMissing] > 0) {
    const taken = completeKept(state, ops.name, bytes);
    bytes = subarray(bytes, taken, bytes.length);
    if (state[kMissing] === 0) {
      const kept = state[kKept];
      before = ops.slice(state, 0, kept);
      state[kKept] = 0;
      // Two bytes that turn out to be half of a pair wait for the other half.
      if (ops.name === 'utf16le' && kept === 2 && isHighSurrogate(state, 2)) {
        state[kKept] = 2;
        state[kMissing] = 2;
        before = '';
        if (bytes.length > 0) return decode(state, ops, bytes);
      }
    }
  }
  if (bytes.length === 0) return before;
  measureTail(state, ops.name, bytes);
  const end = bytes.length - state[kKept];
  for (let i = 0; i < state[kKept]; i++) state[i] = bytes[end + i];
  return before + (end > 0 ? ops.slice(bytes, 0, end) : '');
}

StringDecoder.prototype.write = function write(buf) {
  if (typeof buf === 'string') return buf;
  if (!ArrayBufferIsView(buf)) {
    throw new codes.ERR_INVALID_ARG_TYPE('buf', ['Buffer', 'TypedArray', 'DataView'], buf);
  }
  const state = stateOf(this);
  const ops = encodings[encodingNames[state[kEncoding]]];
  const bytes = new Uint8Array(buf.buffer, buf.byteOffset, buf.byteLength);
  if (bytes.length === 0) return '';
  if (ops === encodings.ascii || ops === encodings.latin1 || ops === encodings.hex) {
    return ops.slice(bytes, 0, bytes.length);
  }
  return decode(state, ops, bytes);
};

StringDecoder.prototype.end = function end(buf) {
  const before = buf === undefined ? '' : this.write(buf);
  const state = stateOf(this);
  const ops = encodings[encodingNames[state[kEncoding]]];
  let kept = state[kKept];
  if (ops === encodings.utf16le && kept % 2 === 1) {
    state[kMissing]--;
    kept--;
    state[kKept] = kept;
  }
  if (kept === 0) return before;
  state[kMissing] = 0;
  state[kKept] = 0;
  return before + ops.slice(state, 0, kept);
};

StringDecoder.prototype.text = function text(buf, offset) {
  const state = stateOf(this);
  state[kMissing] = 0;
  state[kKept] = 0;
  return this.write(buf.slice(offset));
};

ObjectDefineProperties(StringDecoder.prototype, {
  lastChar: {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get() { return subarray(stateOf(this), 0, 4); },
  },
  lastNeed: {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get() { return stateOf(this)[kMissing]; },
  },
  lastTotal: {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get() { return stateOf(this)[kKept] + stateOf(this)[kMissing]; },
  },
});

exports.StringDecoder = StringDecoder;
