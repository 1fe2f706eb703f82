// Compares values deeply: loosely, strictly, or for a part of them, as `assert` and `util.isDeepStrictEqual` do.
'use strict';

const {
  ArrayIsArray, ArrayPrototypeFilter, ArrayPrototypePush, ArrayPrototypePushApply,
  ArrayPrototypeSplice, BigIntPrototypeValueOf, BooleanPrototypeValueOf, DatePrototypeGetTime,
  Error, MapIteratorPrototypeNext, MapPrototypeEntries, MapPrototypeGet, MapPrototypeGetSize,
  MapPrototypeHas, NumberIsNaN, NumberPrototypeValueOf, Object, ObjectGetOwnPropertySymbols,
  ObjectGetPrototypeOf, ObjectIs, ObjectKeys, ObjectPrototypeHasOwnProperty,
  ObjectPrototypePropertyIsEnumerable, ObjectPrototypeToString, SafeArrayIterator, SafeMap,
  SetIteratorPrototypeNext, SetPrototypeGetSize, SetPrototypeHas, SetPrototypeValues,
  StringPrototypeValueOf, SymbolPrototypeValueOf, TypedArrayPrototypeGetSymbolToStringTag,
  Uint8Array,
} = primordials;
const types = require('internal/util/types');

const kLoose = 0;
const kStrict = 1;
const kPartial = 2;
const kStrictWithoutPrototypes = 3;

function isObject(value) {
  return value !== null && typeof value === 'object';
}

function ownNonIndex(value, mode) {
  const keys = native.util.getOwnNonIndexProperties(value, true);
  return mode === kLoose ? ArrayPrototypeFilter(keys, (key) => typeof key === 'string') : keys;
}

function sameBytes(a, b) {
  if (a.length !== b.length) {
    return false;
  }
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) {
      return false;
    }
  }
  return true;
}

function bytesOf(view) {
  return types.isAnyArrayBuffer(view) ? new Uint8Array(view)
    : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function isFloatArray(value) {
  return types.isFloat32Array(value) || types.isFloat64Array(value) || types.isFloat16Array(value);
}

function contains(big, small) {
  let at = 0;
  for (let i = 0; i < big.length && at < small.length; i++) {
    if (big[i] === small[at]) {
      at++;
    }
  }
  return at === small.length;
}

function equalViews(a, b, mode) {
  if (TypedArrayPrototypeGetSymbolToStringTag(a) !== TypedArrayPrototypeGetSymbolToStringTag(b)) {
    return false;
  }
  if (mode === kPartial && types.isTypedArray(a)) {
    return contains(a, b);
  }
  // Zeros of both signs are loosely the same, though their bytes differ.
  if (mode === kLoose && isFloatArray(a)) {
    return sameBytes(a, b);
  }
  return sameBytes(bytesOf(a), bytesOf(b));
}

function equalBoxed(a, b) {
  if (types.isNumberObject(a)) {
    return types.isNumberObject(b) && ObjectIs(NumberPrototypeValueOf(a), NumberPrototypeValueOf(b));
  }
  if (types.isStringObject(a)) {
    return types.isStringObject(b) && StringPrototypeValueOf(a) === StringPrototypeValueOf(b);
  }
  if (types.isBooleanObject(a)) {
    return types.isBooleanObject(b) && BooleanPrototypeValueOf(a) === BooleanPrototypeValueOf(b);
  }
  if (types.isBigIntObject(a)) {
    return types.isBigIntObject(b) && BigIntPrototypeValueOf(a) === BigIntPrototypeValueOf(b);
  }
  return types.isSymbolObject(b) && SymbolPrototypeValueOf(a) === SymbolPrototypeValueOf(b);
}

function isSpecial(value) {
  return ArrayIsArray(value) || types.isArrayBufferView(value) || types.isSet(value) || types.isMap(value) ||
    types.isDate(value) || types.isRegExp(value) || types.isAnyArrayBuffer(value) ||
    types.isBoxedPrimitive(value) || types.isNativeError(value) || value instanceof Error;
}

function isUrl(value) {
  return require('internal/url').isURL(value);
}

function equal(a, b, mode, memo) {
  if (a === b) {
    return a !== 0 || mode === kLoose || ObjectIs(a, b);
  }
  if (mode === kLoose) {
    if (!isObject(a)) {
      // eslint-disable-next-line eqeqeq -- loose equality is the point
      return !isObject(b) && (a == b || (NumberIsNaN(a) && NumberIsNaN(b)));
    }
    if (!isObject(b)) {
      return false;
    }
  } else {
    if (typeof a !== 'object') {
      return typeof a === 'number' && NumberIsNaN(a) && NumberIsNaN(b);
    }
    if (!isObject(a) || !isObject(b)) {
      return false;
    }
    if (mode === kStrict && ObjectGetPrototypeOf(a) !== ObjectGetPrototypeOf(b)) {
      return false;
    }
  }
  const tag = ObjectPrototypeToString(a);
  if (tag !== ObjectPrototypeToString(b)) {
    return false;
  }
  // Most values are plain objects, which need none of the questions about slots. A URL's tag is its own.
  if (tag === '[object Object]') {
    return keyCheck(a, b, mode, memo);
  }
  return equalObjects(a, b, mode, memo);
}

function equalArrays(a, b, mode, memo) {
  if (!ArrayIsArray(b)) {
    return false;
  }
  if (mode === kPartial ? a.length < b.length : a.length !== b.length) {
    return false;
  }
  const aKeys = ownNonIndex(a, mode);
  const bKeys = ownNonIndex(b, mode);
  if (mode === kPartial ? aKeys.length < bKeys.length : aKeys.length !== bKeys.length) {
    return false;
  }
  return keyCheck(a, b, mode, memo, mode === kPartial ? partialArray : wholeArray, aKeys, bKeys);
}

function equalErrors(a, b, mode, memo) {
  // The message and the name are not enumerable, yet they matter.
  return (types.isNativeError(b) || b instanceof Error) && a.message === b.message && a.name === b.name &&
    hiddenEqual(a, b, 'cause', mode, memo) && hiddenEqual(a, b, 'errors', mode, memo) &&
    keyCheck(a, b, mode, memo);
}

function hiddenEqual(a, b, name, mode, memo) {
  const inA = ObjectPrototypeHasOwnProperty(a, name);
  const inB = ObjectPrototypeHasOwnProperty(b, name);
  if (inA !== inB) {
    return mode === kPartial && !inB;
  }
  return !inA || equal(a[name], b[name], mode, memo);
}

function equalObjects(a, b, mode, memo) {
  if (ArrayIsArray(a)) {
    return equalArrays(a, b, mode, memo);
  }
  if (types.isDate(a)) {
    const first = DatePrototypeGetTime(a);
    return types.isDate(b) && ObjectIs(first, DatePrototypeGetTime(b)) && keyCheck(a, b, mode, memo);
  }
  if (types.isRegExp(a)) {
    return types.isRegExp(b) && a.source === b.source && a.flags === b.flags && a.lastIndex === b.lastIndex &&
      keyCheck(a, b, mode, memo);
  }
  if (types.isNativeError(a) || a instanceof Error) {
    return equalErrors(a, b, mode, memo);
  }
  if (types.isArrayBufferView(a)) {
    if (!types.isArrayBufferView(b) || !equalViews(a, b, mode)) {
      return false;
    }
    const aKeys = ownNonIndex(a, mode);
    const bKeys = ownNonIndex(b, mode);
    return (mode === kPartial || aKeys.length === bKeys.length) && keyCheck(a, b, mode, memo, undefined, aKeys, bKeys);
  }
  if (types.isSet(a)) {
    if (!types.isSet(b) || !sizeFits(SetPrototypeGetSize(a), SetPrototypeGetSize(b), mode)) {
      return false;
    }
    return keyCheck(a, b, mode, memo, equalSets);
  }
  if (types.isMap(a)) {
    if (!types.isMap(b) || !sizeFits(MapPrototypeGetSize(a), MapPrototypeGetSize(b), mode)) {
      return false;
    }
    return keyCheck(a, b, mode, memo, equalMaps);
  }
  if (types.isAnyArrayBuffer(a)) {
    return types.isAnyArrayBuffer(b) && (mode === kPartial ? contains(bytesOf(a), bytesOf(b)) : sameBytes(bytesOf(a), bytesOf(b))) &&
      keyCheck(a, b, mode, memo);
  }
  if (types.isBoxedPrimitive(a)) {
    return equalBoxed(a, b) && keyCheck(a, b, mode, memo);
  }
  if (isSpecial(b)) {
    return false;
  }
  if (types.isWeakMap(a) || types.isWeakSet(a) || types.isPromise(a)) {
    return false;
  }
  if (isUrl(a)) {
    return isUrl(b) && a.href === b.href && keyCheck(a, b, mode, memo);
  }
  return keyCheck(a, b, mode, memo);
}

function sizeFits(a, b, mode) {
  return mode === kPartial ? a >= b : a === b;
}

function enumerableSymbols(value) {
  return ArrayPrototypeFilter(ObjectGetOwnPropertySymbols(value),
    (key) => ObjectPrototypePropertyIsEnumerable(value, key));
}

// Compares the own enumerable keys, then what `entries` compares. Cycles end where a pair comes around again.
function keyCheck(a, b, mode, memo, entries, givenA, givenB) {
  const aKeys = givenA ?? ObjectKeys(a);
  const bKeys = givenB ?? ObjectKeys(b);
  if (givenA === undefined && mode !== kLoose) {
    ArrayPrototypePushApply(aKeys, enumerableSymbols(a));
    ArrayPrototypePushApply(bKeys, enumerableSymbols(b));
  }
  if (mode !== kPartial && aKeys.length !== bKeys.length) {
    return false;
  }
  for (let i = 0; i < bKeys.length; i++) {
    if (!ObjectPrototypePropertyIsEnumerable(a, bKeys[i])) {
      return false;
    }
  }
  const seenA = memo.a.get(a);
  const seenB = memo.b.get(b);
  if (seenA !== undefined || seenB !== undefined) {
    return seenA === b || seenB === a;
  }
  memo.a.set(a, b);
  memo.b.set(b, a);
  const same = equalKeys(a, b, bKeys, mode, memo) && (entries === undefined || entries(a, b, mode, memo));
  memo.a.delete(a);
  memo.b.delete(b);
  return same;
}

function equalKeys(a, b, keys, mode, memo) {
  for (let i = 0; i < keys.length; i++) {
    if (!equal(a[keys[i]], b[keys[i]], mode, memo)) {
      return false;
    }
  }
  return true;
}

function wholeArray(a, b, mode, memo) {
  for (let i = 0; i < a.length; i++) {
    const inA = ObjectPrototypeHasOwnProperty(a, i);
    // A hole is not the same as `undefined`.
    if (inA !== ObjectPrototypeHasOwnProperty(b, i) || (inA && !equal(a[i], b[i], mode, memo))) {
      return false;
    }
  }
  return true;
}

// The expected elements must come in their order, with others between them.
function partialArray(a, b, mode, memo) {
  let at = 0;
  for (let i = 0; i < b.length; i++) {
    while (at < a.length && !equal(a[at], b[i], mode, memo)) {
      at++;
    }
    if (at === a.length) {
      return false;
    }
    at++;
  }
  return true;
}

function setItems(set) {
  const items = [];
  const iterator = SetPrototypeValues(set);
  for (let step = SetIteratorPrototypeNext(iterator); !step.done; step = SetIteratorPrototypeNext(iterator)) {
    ArrayPrototypePush(items, step.value);
  }
  return items;
}

function mapItems(map) {
  const items = [];
  const iterator = MapPrototypeEntries(map);
  for (let step = MapIteratorPrototypeNext(iterator); !step.done; step = MapIteratorPrototypeNext(iterator)) {
    ArrayPrototypePush(items, step.value);
  }
  return items;
}

// Whether a primitive may equal one of another type.
function mayMatchLoosely(value, mode) {
  return isObject(value) || (mode === kLoose && typeof value !== 'symbol' && typeof value !== 'function');
}

function takeMatch(candidates, matches) {
  for (let i = 0; i < candidates.length; i++) {
    if (matches(candidates[i])) {
      ArrayPrototypeSplice(candidates, i, 1);
      return true;
    }
  }
  return false;
}

function equalSets(a, b, mode, memo) {
  const wanted = ArrayPrototypeFilter(setItems(b), (item) => !SetPrototypeHas(a, item));
  for (let i = 0; i < wanted.length; i++) {
    if (!mayMatchLoosely(wanted[i], mode)) {
      return false;
    }
  }
  const candidates = ArrayPrototypeFilter(setItems(a), (item) => !SetPrototypeHas(b, item));
  for (let i = 0; i < wanted.length; i++) {
    if (!takeMatch(candidates, (item) => equal(item, wanted[i], mode, memo))) {
      return false;
    }
  }
  return true;
}

function equalMaps(a, b, mode, memo) {
  const wanted = [];
  for (const entry of new SafeArrayIterator(mapItems(b))) {
    if (MapPrototypeHas(a, entry[0]) && equal(MapPrototypeGet(a, entry[0]), entry[1], mode, memo)) {
      continue;
    }
    if (!mayMatchLoosely(entry[0], mode)) {
      return false;
    }
    ArrayPrototypePush(wanted, entry);
  }
  if (wanted.length === 0) {
    return true;
  }
  const candidates = ArrayPrototypeFilter(mapItems(a), (entry) => !MapPrototypeHas(b, entry[0]) ||
    !equal(entry[1], MapPrototypeGet(b, entry[0]), mode, memo));
  for (let i = 0; i < wanted.length; i++) {
    if (!takeMatch(candidates, (entry) => equal(entry[0], wanted[i][0], mode, memo) &&
        equal(entry[1], wanted[i][1], mode, memo))) {
      return false;
    }
  }
  return true;
}

function compare(a, b, mode) {
  return equal(a, b, mode, { a: new SafeMap(), b: new SafeMap() });
}

module.exports = {
  isDeepEqual: (a, b) => compare(a, b, kLoose),
  isDeepStrictEqual: (a, b, skipPrototype = false) => compare(a, b, skipPrototype ? kStrictWithoutPrototypes : kStrict),
  isPartialStrictEqual: (a, b) => compare(a, b, kPartial),
};
