// Tells values apart by their internal slots, which a guest cannot forge: the functions of `util.types`.
'use strict';

const {
  ArrayBufferIsView, SafeArrayIterator, TypedArrayPrototypeGetSymbolToStringTag,
} = primordials;

for (const name of new SafeArrayIterator([
  'isArgumentsObject', 'isArrayBuffer', 'isAsyncFunction', 'isBigIntObject', 'isBooleanObject', 'isDate',
  'isExternal', 'isGeneratorFunction', 'isGeneratorObject', 'isMap', 'isMapIterator',
  'isModuleNamespaceObject', 'isNativeError', 'isNumberObject', 'isPromise', 'isProxy', 'isRegExp', 'isSet',
  'isSetIterator', 'isSharedArrayBuffer', 'isStringObject', 'isSymbolObject', 'isWeakMap', 'isWeakSet',
  'isAnyArrayBuffer', 'isBoxedPrimitive',
])) {
  exports[name] = native.util[name];
}

function isTypedArray(value) {
  return TypedArrayPrototypeGetSymbolToStringTag(value) !== undefined;
}

exports.isArrayBufferView = ArrayBufferIsView;
exports.isDataView = native.util.isDataView;
exports.isTypedArray = isTypedArray;
for (const name of new SafeArrayIterator([
  'Uint8Array', 'Uint8ClampedArray', 'Uint16Array', 'Uint32Array', 'Int8Array', 'Int16Array', 'Int32Array',
  'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array',
])) {
  const check = { [`is${name}`](value) {
    return TypedArrayPrototypeGetSymbolToStringTag(value) === name;
  } };
  exports[`is${name}`] = check[`is${name}`];
}

exports.isKeyObject = function isKeyObject(value) {
  return typeof value === 'object' && value !== null && require('internal/crypto/keys').isKeyObject(value);
};
// Keys of Web Crypto are refused: no value can be one.
exports.isCryptoKey = function isCryptoKey() {
  return false;
};
