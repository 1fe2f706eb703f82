// process.env: an object whose values are always text, as the environment of a real process is.
'use strict';

const {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectPrototypeHasOwnProperty,
  Proxy,
  ReflectDeleteProperty,
  ReflectGet,
  ReflectHas,
  ReflectOwnKeys,
  TypeError,
} = primordials;

const {
  codes: { ERR_INVALID_OBJECT_DEFINE_PROPERTY },
} = require('internal/errors');

function asText(value) {
  if (typeof value === 'symbol') {
    throw new TypeError('Cannot convert a Symbol value to a string');
  }
  return `${value}`;
}

function put(target, key, value) {
  if (typeof key === 'symbol') {
    throw new TypeError('Cannot convert a Symbol value to a string');
  }
  ObjectDefineProperty(target, key, {
    __proto__: null,
    value: asText(value),
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

const handler = {
  __proto__: null,
  get(target, key) {
    return ReflectGet(target, key);
  },
  set(target, key, value) {
    put(target, key, value);
    return true;
  },
  has(target, key) {
    return ReflectHas(target, key);
  },
  deleteProperty(target, key) {
    ReflectDeleteProperty(target, key);
    return true;
  },
  ownKeys(target) {
    return ReflectOwnKeys(target);
  },
  getOwnPropertyDescriptor(target, key) {
    return ObjectGetOwnPropertyDescriptor(target, key);
  },
  defineProperty(target, key, descriptor) {
    if (ObjectPrototypeHasOwnProperty(descriptor, 'value')) {
      if (!descriptor.configurable || !descriptor.writable || !descriptor.enumerable) {
        throw new ERR_INVALID_OBJECT_DEFINE_PROPERTY(
          "'process.env' only accepts a configurable, writable, and enumerable data descriptor");
      }
      put(target, key, descriptor.value);
      return true;
    }
    if (ObjectPrototypeHasOwnProperty(descriptor, 'get') || ObjectPrototypeHasOwnProperty(descriptor, 'set')) {
      throw new ERR_INVALID_OBJECT_DEFINE_PROPERTY(
        "'process.env' does not accept an accessor(getter/setter) descriptor");
    }
    throw new ERR_INVALID_OBJECT_DEFINE_PROPERTY(
      "'process.env' only accepts a configurable, writable, and enumerable data descriptor");
  },
};

function makeEnv(variables) {
  const target = {};
  const names = ReflectOwnKeys(variables);
  for (let i = 0; i < names.length; i++) {
    put(target, names[i], variables[names[i]]);
  }
  return new Proxy(target, handler);
}

module.exports = { makeEnv };
