// Makes the errors that resolution and loading describe on the Rust side, in the shape that Node gives them.
'use strict';

const {
  ArrayPrototypeForEach,
  Error,
  JSONParse,
  ObjectDefineProperty,
  ObjectKeys,
  RangeError,
  SafeMap,
  SyntaxError,
  TypeError,
  URIError,
} = primordials;

const { genericNodeError } = require('internal/errors');

const classes = new SafeMap([
  ['Error', Error],
  ['TypeError', TypeError],
  ['RangeError', RangeError],
  ['SyntaxError', SyntaxError],
  ['URIError', URIError],
]);

const described = native.modules.descriptionBrand();

// Codes that Node puts on a plain error, without `[CODE]` in its header.
const plain = { __proto__: null, MODULE_NOT_FOUND: true };

function withHeader(error, code) {
  const { name } = error;
  ObjectDefineProperty(error, 'name', {
    __proto__: null, configurable: true, enumerable: false, value: `${name} [${code}]`, writable: true,
  });
  // V8 writes the header when the stack is first read.
  void error.stack;
  delete error.name;
}

// `description`: { kind, code, message, extra, jsonSource, cause }.
function makeNodeError(description) {
  const { kind, code, message, extra, jsonSource, cause } = description;
  if (jsonSource !== undefined) {
    try {
      JSONParse(jsonSource);
    } catch (error) {
      error.message = message;
      return assign(error, extra);
    }
  }
  const Class = classes.get(kind) ?? Error;
  const options = cause === undefined ? undefined : { cause: makeNodeError(cause) };
  const error = new Class(message, options);
  if (code !== undefined) {
    error.code = code;
    if (!plain[code]) {
      withHeader(error, code);
      ObjectDefineProperty(error, 'toString', {
        __proto__: null,
        configurable: true,
        enumerable: false,
        value() {
          return `${this.name} [${code}]: ${this.message}`;
        },
        writable: true,
      });
    }
  }
  return assign(error, extra);
}

function assign(error, extra) {
  if (extra !== undefined) {
    ArrayPrototypeForEach(ObjectKeys(extra), (key) => {
      error[key] = extra[key];
    });
  }
  return error;
}

// Natives return either their value or the description of an error.
function throwNodeError(value) {
  if (value !== null && typeof value === 'object' && value[described] === true) {
    throw makeNodeError(value);
  }
  return value;
}

module.exports = { genericNodeError, makeNodeError, throwNodeError };
