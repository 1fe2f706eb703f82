// The `timers` module: setTimeout and its kin, with their promise forms.
'use strict';

const { ObjectDefineProperties, ObjectDefineProperty, SymbolFor } = primordials;

const timers = require('internal/timers');

const customPromisify = SymbolFor('nodejs.util.promisify.custom');

function promises() {
  return require('timers/promises');
}

const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = timers;

ObjectDefineProperty(setTimeout, customPromisify, {
  __proto__: null,
  enumerable: true,
  get() {
    return promises().setTimeout;
  },
});
ObjectDefineProperty(setImmediate, customPromisify, {
  __proto__: null,
  enumerable: true,
  get() {
    return promises().setImmediate;
  },
});

module.exports = { setTimeout, clearTimeout, setImmediate, clearImmediate, setInterval, clearInterval };

ObjectDefineProperties(module.exports, {
  promises: {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get: promises,
  },
});
