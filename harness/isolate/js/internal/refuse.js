// Makes the exports of builtins that would reach the host: they can be imported and subclassed, and a call is refused by name.
'use strict';

const { ObjectDefineProperty } = primordials;

const { refused } = require('internal/process/refusals');

// Functions that throw; `module` is the name in the message, `permission` Node's name for what is withheld.
function refuseFunctions(target, module, permission, names) {
  for (let i = 0; i < names.length; i++) {
    target[names[i]] = refusal(module, names[i], permission);
  }
}

function refusal(module, name, permission) {
  return { [name]() {
    throw refused(`${module}.${name}`, permission);
  } }[name];
}

// A class that can be extended, but of which nothing can be made.
function refuseClass(module, name, permission, Base) {
  const Refused = Base === undefined ?
    class {
      constructor() {
        throw refused(`${module}.${name}`, permission);
      }
    } :
    class extends Base {
      constructor() {
        throw refused(`${module}.${name}`, permission);
      }
    };
  ObjectDefineProperty(Refused, 'name', { __proto__: null, value: name, configurable: true });
  return Refused;
}

function refuseClasses(target, module, permission, names, Base) {
  for (let i = 0; i < names.length; i++) {
    target[names[i]] = refuseClass(module, names[i], permission, Base);
  }
}

module.exports = { refuseClass, refuseClasses, refuseFunctions, refusal };
