// The error that stands for a rejection whose reason is no error.
'use strict';

const {
  Error,
  FunctionPrototypeToString,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectPrototypeIsPrototypeOf,
  String,
} = primordials;

// Without running any code of the reason.
function describe(reason) {
  if (typeof reason === 'function') {
    return FunctionPrototypeToString(reason);
  }
  if (typeof reason !== 'object' || reason === null) {
    return String(reason);
  }
  return `#<${constructorName(reason)}>`;
}

function constructorName(object) {
  for (let from = object; from !== null; from = ObjectGetPrototypeOf(from)) {
    const constructor = ObjectGetOwnPropertyDescriptor(from, 'constructor')?.value;
    const name = typeof constructor === 'function' ? ObjectGetOwnPropertyDescriptor(constructor, 'name')?.value : undefined;
    if (typeof name === 'string' && name !== '') {
      return name;
    }
  }
  return 'Object';
}

class UnhandledPromiseRejection extends Error {
  constructor(reason) {
    super('This error originated either by throwing inside of an async function without a catch block, ' +
      'or by rejecting a promise which was not handled with .catch(). ' +
      `The promise rejected with the reason "${describe(reason)}".`);
    this.code = 'ERR_UNHANDLED_REJECTION';
  }

  get name() {
    return 'UnhandledPromiseRejection';
  }
}

function isErrorLike(value) {
  return typeof value === 'object' && value !== null &&
    (require('internal/util/types').isNativeError(value) || ObjectPrototypeIsPrototypeOf(Error.prototype, value));
}

module.exports = { UnhandledPromiseRejection, isErrorLike };
