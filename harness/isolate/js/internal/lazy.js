// Gives objects properties that are evaluated when they are first read, and that look like plain ones before.
'use strict';

const {
  ArrayPrototypeForEach,
  ArrayPrototypePush,
  ReflectDefineProperty,
} = primordials;

// Every context starts with what the snapshot holds, and would pay for what few programs use.
const known = [];

// `names` are exports of the builtin `id`.
function defineLazily(target, id, names, enumerable) {
  ArrayPrototypeForEach(names, (name) => {
    native.lazy.define(target, name, enumerable, known.length);
    ArrayPrototypePush(known, { enumerable, id, made: false, name, target, value: undefined });
  });
}

// What the engine calls for the value.
function lazyValue(index) {
  const property = known[index];
  if (!property.made) {
    property.value = require(property.id)[property.name];
    property.made = true;
    // V8 reads the old value on the way. Refused when the guest froze the object: then it is read like this each time.
    ReflectDefineProperty(property.target, property.name, {
      __proto__: null, configurable: true, enumerable: property.enumerable, value: property.value, writable: true,
    });
  }
  return property.value;
}

module.exports = { defineLazily, lazyValue };
