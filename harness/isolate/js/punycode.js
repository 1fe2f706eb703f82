// The deprecated `punycode` module: the encoding of RFC 3492, and its use on domain names. Installed packages still load it.
'use strict';

const {
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  ArrayPrototypeSplice,
  MathFloor,
  RangeError,
  RegExpPrototypeExec,
  RegExpPrototypeSymbolReplace,
  StringFromCharCode,
  StringFromCodePoint,
  StringPrototypeCharCodeAt,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
} = primordials;

// The parameters of RFC 3492, section 5.
const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const SKEW = 38;
const DAMP = 700;
const INITIAL_BIAS = 72;
const INITIAL_N = 128;
const MAX_INT = 0x7FFFFFFF;

function overflow() {
  return new RangeError('Overflow: input needs wider integers to process');
}

function adapt(delta, length, first) {
  let k = 0;
  delta = first ? MathFloor(delta / DAMP) : delta >> 1;
  delta += MathFloor(delta / length);
  while (delta > ((BASE - T_MIN) * T_MAX) >> 1) {
    delta = MathFloor(delta / (BASE - T_MIN));
    k += BASE;
  }
  return MathFloor(k + (BASE - T_MIN + 1) * delta / (delta + SKEW));
}

function threshold(k, bias) {
  if (k <= bias) {
    return T_MIN;
  }
  return k >= bias + T_MAX ? T_MAX : k - bias;
}

// a–z are 0–25, 0–9 are 26–35.
function digitOf(unit) {
  if (unit >= 0x30 && unit <= 0x39) {
    return unit - 0x30 + 26;
  }
  if (unit >= 0x41 && unit <= 0x5A) {
    return unit - 0x41;
  }
  return unit >= 0x61 && unit <= 0x7A ? unit - 0x61 : BASE;
}

function unitOf(digit) {
  return digit < 26 ? digit + 0x61 : digit - 26 + 0x30;
}

function ucs2decode(string) {
  const output = [];
  const { length } = string;
  for (let i = 0; i < length; i++) {
    const unit = StringPrototypeCharCodeAt(string, i);
    if (unit >= 0xD800 && unit <= 0xDBFF && i + 1 < length) {
      const next = StringPrototypeCharCodeAt(string, i + 1);
      if ((next & 0xFC00) === 0xDC00) {
        ArrayPrototypePush(output, ((unit & 0x3FF) << 10) + (next & 0x3FF) + 0x10000);
        i++;
        continue;
      }
    }
    ArrayPrototypePush(output, unit);
  }
  return output;
}

function ucs2encode(codePoints) {
  let string = '';
  for (let i = 0; i < codePoints.length; i++) {
    string += StringFromCodePoint(codePoints[i]);
  }
  return string;
}

function decode(input) {
  const output = [];
  const { length } = input;
  let i = 0;
  let n = INITIAL_N;
  let bias = INITIAL_BIAS;
  let basic = StringPrototypeLastIndexOf(input, '-');
  if (basic < 0) {
    basic = 0;
  }
  for (let j = 0; j < basic; j++) {
    const unit = StringPrototypeCharCodeAt(input, j);
    if (unit >= 0x80) {
      throw new RangeError('Illegal input >= 0x80 (not a basic code point)');
    }
    ArrayPrototypePush(output, unit);
  }
  for (let index = basic > 0 ? basic + 1 : 0; index < length;) {
    const before = i;
    for (let w = 1, k = BASE; ; k += BASE) {
      const digit = index < length ? digitOf(StringPrototypeCharCodeAt(input, index)) : BASE;
      index++;
      if (digit >= BASE) {
        throw new RangeError('Invalid input');
      }
      if (digit > MathFloor((MAX_INT - i) / w)) {
        throw overflow();
      }
      i += digit * w;
      const t = threshold(k, bias);
      if (digit < t) {
        break;
      }
      if (w > MathFloor(MAX_INT / (BASE - t))) {
        throw overflow();
      }
      w *= BASE - t;
    }
    const count = output.length + 1;
    bias = adapt(i - before, count, before === 0);
    if (MathFloor(i / count) > MAX_INT - n) {
      throw overflow();
    }
    n += MathFloor(i / count);
    i %= count;
    ArrayPrototypeSplice(output, i++, 0, n);
  }
  return ucs2encode(output);
}

function encode(input) {
  const codePoints = ucs2decode(input);
  const output = [];
  for (let j = 0; j < codePoints.length; j++) {
    if (codePoints[j] < 0x80) {
      ArrayPrototypePush(output, StringFromCharCode(codePoints[j]));
    }
  }
  const basic = output.length;
  let handled = basic;
  let n = INITIAL_N;
  let delta = 0;
  let bias = INITIAL_BIAS;
  if (basic > 0) {
    ArrayPrototypePush(output, '-');
  }
  while (handled < codePoints.length) {
    let next = MAX_INT;
    for (let j = 0; j < codePoints.length; j++) {
      if (codePoints[j] >= n && codePoints[j] < next) {
        next = codePoints[j];
      }
    }
    if (next - n > MathFloor((MAX_INT - delta) / (handled + 1))) {
      throw overflow();
    }
    delta += (next - n) * (handled + 1);
    n = next;
    for (let j = 0; j < codePoints.length; j++) {
      if (codePoints[j] < n && ++delta > MAX_INT) {
        throw overflow();
      }
      if (codePoints[j] === n) {
        writeInteger(output, delta, bias);
        bias = adapt(delta, handled + 1, handled === basic);
        delta = 0;
        handled++;
      }
    }
    delta++;
    n++;
  }
  return ArrayPrototypeJoin(output, '');
}

function writeInteger(output, value, bias) {
  let q = value;
  for (let k = BASE; ; k += BASE) {
    const t = threshold(k, bias);
    if (q < t) {
      break;
    }
    ArrayPrototypePush(output, StringFromCharCode(unitOf(t + (q - t) % (BASE - t))));
    q = MathFloor((q - t) / (BASE - t));
  }
  ArrayPrototypePush(output, StringFromCharCode(unitOf(q)));
}

// Does `callback` to every label, and leaves what is before the `@` of a mail address alone.
function mapDomain(domain, callback) {
  const parts = StringPrototypeSplit(domain, '@');
  let result = '';
  if (parts.length > 1) {
    result = `${parts[0]}@`;
    domain = parts[1];
  }
  domain = RegExpPrototypeSymbolReplace(/[\u3002\uFF0E\uFF61]/g, domain, '.');
  const labels = StringPrototypeSplit(domain, '.');
  for (let i = 0; i < labels.length; i++) {
    labels[i] = callback(labels[i]);
  }
  return result + ArrayPrototypeJoin(labels, '.');
}

function toUnicode(input) {
  return mapDomain(input, (label) => StringPrototypeStartsWith(label, 'xn--') ?
    decode(StringPrototypeToLowerCase(StringPrototypeSlice(label, 4))) : label);
}

function toASCII(input) {
  return mapDomain(input, (label) => RegExpPrototypeExec(/[^\0-\x7F]/, label) !== null ? `xn--${encode(label)}` : label);
}

module.exports = {
  version: '2.1.0',
  ucs2: { decode: ucs2decode, encode: ucs2encode },
  decode,
  encode,
  toASCII,
  toUnicode,
};
