// Makes Node's coded errors: the registry of codes and messages, the class of each code, and the errors of system calls.
'use strict';

const {
  AggregateError, ArrayIsArray, ArrayPrototypeIncludes, ArrayPrototypeIndexOf, ArrayPrototypeJoin,
  ArrayPrototypeMap, ArrayPrototypePush, ArrayPrototypeSlice, ArrayPrototypeSplice, Error,
  ErrorCaptureStackTrace, ErrorPrototypeToString, JSONStringify, MathAbs, NumberIsInteger,
  ObjectAssign, ObjectDefineProperty, ObjectGetOwnPropertyDescriptor, ObjectIsExtensible,
  ObjectKeys, ObjectPrototypeHasOwnProperty, ObjectSetPrototypeOf, Proxy, RangeError, ReflectApply, ReflectConstruct,
  RegExpPrototypeExec, SafeArrayIterator, SafeMap, String, StringPrototypeEndsWith,
  StringPrototypeIncludes, StringPrototypeSlice, StringPrototypeToLowerCase, SyntaxError, TypeError,
  URIError,
} = primordials;

const messages = { __proto__: null };

const classPattern = /^[A-Z][a-zA-Z0-9]*$/;

// `Error.stackTraceLimit` is the guest's: it may be frozen, an accessor, or gone.
function isErrorStackTraceLimitWritable() {
  const descriptor = ObjectGetOwnPropertyDescriptor(Error, 'stackTraceLimit');
  if (descriptor === undefined) {
    return ObjectIsExtensible(Error);
  }
  return ObjectPrototypeHasOwnProperty(descriptor, 'writable') ? descriptor.writable
    : descriptor.set !== undefined;
}

// Takes the stack with `[CODE]` in its header only: V8 writes the header from the name that the error has now, or, with a callback set,
// when the stack is first read. A guest's `Error.prepareStackTrace` makes its own text and is not called before the guest asks.
function captureWithCode(error, constructor, name, code) {
  ObjectDefineProperty(error, 'name', {
    __proto__: null, value: `${name} [${code}]`, enumerable: false, writable: true, configurable: true,
  });
  ErrorCaptureStackTrace(error, constructor);
  const prepare = Error.prepareStackTrace;
  if (typeof prepare !== 'function' || prepare === defaultPrepareStackTrace) {
    void error.stack;
  }
  delete error.name;
}

// What `Error.prepareStackTrace` is at first: V8's own text, written when the stack is read, so that a changed message shows.
function defaultPrepareStackTrace(error, trace) {
  let header;
  try {
    header = ErrorPrototypeToString(error);
  } catch {
    header = '<error>';
  }
  if (trace.length === 0) {
    return header;
  }
  return `${header}\n    at ${ArrayPrototypeJoin(trace, '\n    at ')}`;
}
ObjectDefineProperty(defaultPrepareStackTrace, 'name', { __proto__: null, value: 'ErrorPrepareStackTrace' });

// V8 calls the property when it is a function, and then only when a stack is first read.
ObjectDefineProperty(Error, 'prepareStackTrace', {
  __proto__: null, value: defaultPrepareStackTrace, writable: true, enumerable: false, configurable: true,
});

function inspectValue(value, options) {
  return require('internal/util/inspect').inspect(value, options);
}

function inspectNoCustom(value, options) {
  return inspectValue(value, { ...options, customInspect: false });
}

function formatList(list, type = 'and') {
  switch (list.length) {
    case 0: return '';
    case 1: return `${list[0]}`;
    case 2: return `${list[0]} ${type} ${list[1]}`;
    default: {
      const last = list.length - 1;
      return `${ArrayPrototypeJoin(ArrayPrototypeSlice(list, 0, last), ', ')}, ${type} ${list[last]}`;
    }
  }
}

function cut(text, length) {
  return text.length > length ? `${StringPrototypeSlice(text, 0, length)}...` : text;
}

// How a message names the value it did not expect: "type string ('x')", "an instance of Foo".
function determineSpecificType(value) {
  if (value === null) {
    return 'null';
  }
  if (value === undefined) {
    return 'undefined';
  }
  switch (typeof value) {
    case 'bigint':
      return `type bigint (${value}n)`;
    case 'number':
      if (value === 0) {
        return 1 / value === -Infinity ? 'type number (-0)' : 'type number (0)';
      }
      return `type number (${value})`;
    case 'boolean':
      return value ? 'type boolean (true)' : 'type boolean (false)';
    case 'symbol':
      return `type symbol (${String(value)})`;
    case 'function':
      return `function ${value.name}`;
    case 'object':
      if (value.constructor && 'name' in value.constructor) {
        return `an instance of ${value.constructor.name}`;
      }
      return inspectValue(value, { depth: -1 });
    default: {
      const text = cut(value, 25);
      return `type string (${StringPrototypeIncludes(text, "'") ? JSONStringify(text) : `'${text}'`})`;
    }
  }
}

// `%s` in a text stands for the next argument.
function fill(text, args) {
  let next = 0;
  let result = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '%' && text[i + 1] === 's') {
      result += args[next++];
      i++;
    } else {
      result += text[i];
    }
  }
  return result;
}

function messageOf(code, args, error) {
  const message = messages[code];
  return typeof message === 'function' ? ReflectApply(message, error, args) : fill(message, args);
}

const bases = new SafeMap();
// One class per base gives `toString` with the code; the class of a code sits below it and reports the base as its constructor.
function baseClass(Base) {
  let Middle = bases.get(Base);
  if (Middle === undefined) {
    Middle = class extends Base {
      toString() {
        return `${this.name} [${this.code}]: ${this.message}`;
      }
    };
    bases.set(Base, Middle);
  }
  return Middle;
}

function withoutFrames(make) {
  const writable = isErrorStackTraceLimitWritable();
  const limit = Error.stackTraceLimit;
  if (writable) {
    // The frames collected here would only be thrown away again by `captureStackTrace`.
    Error.stackTraceLimit = 0;
  }
  try {
    return make();
  } finally {
    if (writable) {
      Error.stackTraceLimit = limit;
    }
  }
}

const coded = new SafeMap();
// The prototype of coded errors over one base: an instance reports the base as its constructor.
function codedPrototype(Base) {
  let prototype = coded.get(Base);
  if (prototype === undefined) {
    class Middle extends baseClass(Base) {
      get ['constructor']() {
        return Base;
      }
    }
    ({ prototype } = Middle);
    coded.set(Base, prototype);
  }
  return prototype;
}

// The base of a code's class, and with it its message.
function baseOf(code) {
  if (!defined) {
    defined = true;
    defineMessages();
  }
  return basesOf[code];
}
let defined = false;

function makeClass(code, Variant) {
  return function NodeError(...args) {
    const Base = Variant ?? baseOf(code);
    if (Base === SystemError) {
      return ReflectConstruct(systemClass(code), args);
    }
    const error = withoutFrames(() => new Base());
    ObjectSetPrototypeOf(error, codedPrototype(Base));
    error.code = code;
    baseOf(code);
    const message = messageOf(code, args, error);
    ObjectDefineProperty(error, 'message', {
      __proto__: null, value: message, enumerable: false, writable: true, configurable: true,
    });
    captureWithCode(error, NodeError, Base.prototype.name, code);
    return error;
  };
}

// An error whose code is the operating system's: `info` says which call failed and how.
class SystemError extends Error {
  constructor(code, info) {
    const prefix = messages[code];
    let message = `${prefix}: ${info.syscall} returned ${info.code} (${info.message})`;
    if (info.path !== undefined) {
      message += ` ${info.path}`;
    }
    if (info.dest !== undefined) {
      message += ` => ${info.dest}`;
    }
    super(message);
    this.code = code;
    this.name = 'SystemError';
    ObjectDefineProperty(this, 'info', {
      __proto__: null, value: info, enumerable: true, configurable: true, writable: false,
    });
    for (const name of new SafeArrayIterator(['errno', 'syscall', 'path', 'dest'])) {
      if (name === 'errno' || name === 'syscall' || info[name] !== undefined) {
        ObjectDefineProperty(this, name, {
          __proto__: null, value: info[name], enumerable: true, configurable: true, writable: true,
        });
      }
    }
    captureWithCode(this, codes[code], 'SystemError', code);
    this.name = 'SystemError';
  }

  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}

const systemClasses = { __proto__: null };

function systemClass(code) {
  return systemClasses[code] ??= class NodeSystemError extends SystemError {
    constructor(info) {
      super(code, info);
    }
  };
}

const basesOf = { __proto__: null };

// Codes that stand for errors of more than one class; the others are `ERR_X.RangeError` and so on.
const variants = {
  __proto__: null,
  ERR_INVALID_ARG_VALUE: [RangeError],
  ERR_INVALID_STATE: [TypeError, RangeError],
};

function makeCode(code) {
  const NodeError = makeClass(code, undefined);
  const others = variants[code];
  if (others !== undefined) {
    for (let i = 0; i < others.length; i++) {
      NodeError[others[i].name] = makeClass(code, others[i]);
    }
  }
  return NodeError;
}

// A code's constructor is made when it is first asked for: every context starts with what the snapshot holds, and would pay for
// hundreds that it never throws.
const codes = new Proxy({ __proto__: null }, {
  __proto__: null,
  get(made, code) {
    return made[code] ??= makeCode(code);
  },
});

function E(code, message, Base) {
  messages[code] = message;
  basesOf[code] = Base;
}

class AbortError extends Error {
  constructor(message = 'The operation was aborted', options = undefined) {
    if (options !== undefined && typeof options !== 'object') {
      throw new codes.ERR_INVALID_ARG_TYPE('options', 'Object', options);
    }
    super(message, options);
    this.code = 'ABORT_ERR';
    this.name = 'AbortError';
  }
}

function genericNodeError(message, properties) {
  const error = new Error(message);
  ObjectAssign(error, properties);
  return error;
}

function aggregateTwoErrors(inner, outer) {
  if (inner && outer && inner !== outer) {
    if (ArrayIsArray(outer.errors)) {
      ArrayPrototypePush(outer.errors, inner);
      return outer;
    }
    const error = new AggregateError(new SafeArrayIterator([outer, inner]), outer.message);
    error.code = outer.code;
    return error;
  }
  return inner || outer;
}

let stackOverflowName;
let stackOverflowMessage;
// The engine's own text for a stack overflow is found by making one.
function isStackOverflowError(error) {
  if (stackOverflowMessage === undefined) {
    try {
      (function overflow() { overflow(); })();
    } catch (overflow) {
      stackOverflowMessage = overflow.message;
      stackOverflowName = overflow.name;
    }
  }
  return error && error.name === stackOverflowName && error.message === stackOverflowMessage;
}

function systemErrorName(errno) {
  return require('internal/util/system_errors').getSystemErrorName(errno);
}

function systemErrorEntry(errno) {
  return require('internal/util/system_errors').entry(errno) ?? ['UNKNOWN', 'unknown error'];
}

function capturedWithoutFrames(message, constructor) {
  const error = withoutFrames(() => new Error(message));
  ErrorCaptureStackTrace(error, constructor);
  return error;
}

// The error of a failed file-system call: `ENOENT: no such file or directory, open '/x'`.
function UVException(context) {
  const entry = systemErrorEntry(context.errno);
  let message = `${entry[0]}: ${context.message || entry[1]}, ${context.syscall}`;
  if (context.path) {
    message += ` '${context.path}'`;
  }
  if (context.dest) {
    message += ` -> '${context.dest}'`;
  }
  const error = capturedWithoutFrames(message, UVException);
  for (const key of new SafeArrayIterator(ObjectKeys(context))) {
    if (key !== 'message' && key !== 'path' && key !== 'dest') {
      error[key] = context[key];
    }
  }
  error.code = entry[0];
  if (context.path) {
    error.path = context.path;
  }
  if (context.dest) {
    error.dest = context.dest;
  }
  return error;
}

// The error that `util._errnoException` and network calls make: `connect ECONNREFUSED`.
function ErrnoException(errno, syscall, original) {
  const code = systemErrorName(errno);
  const error = capturedWithoutFrames(
    original ? `${syscall} ${code} ${original}` : `${syscall} ${code}`, ErrnoException);
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  return error;
}

function ExceptionWithHostPort(errno, syscall, address, port, additional) {
  const code = systemErrorName(errno);
  let details = '';
  if (port && port > 0) {
    details = ` ${address}:${port}`;
  } else if (address) {
    details = ` ${address}`;
  }
  if (additional) {
    details += ` - Local (${additional})`;
  }
  const error = capturedWithoutFrames(`${syscall} ${code}${details}`, ExceptionWithHostPort);
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  error.address = address;
  if (port) {
    error.port = port;
  }
  return error;
}

function ConnResetException(message) {
  const error = new Error(message);
  error.code = 'ECONNRESET';
  return error;
}

const primitiveTypes = [
  'string', 'function', 'number', 'object', 'Function', 'Object', 'boolean', 'bigint', 'symbol',
];

// "must be of type string or an instance of Buffer or URL": types, then classes, then other words.
function expectedKinds(expected) {
  const types = [];
  const instances = [];
  const other = [];
  for (const value of new SafeArrayIterator(expected)) {
    if (ArrayPrototypeIncludes(primitiveTypes, value)) {
      ArrayPrototypePush(types, StringPrototypeToLowerCase(value));
    } else if (RegExpPrototypeExec(classPattern, value) !== null) {
      ArrayPrototypePush(instances, value);
    } else {
      ArrayPrototypePush(other, value);
    }
  }
  // Beside classes, `object` reads better among them: "an instance of Buffer or Object".
  if (instances.length > 0) {
    const at = ArrayPrototypeIndexOf(types, 'object');
    if (at !== -1) {
      ArrayPrototypeSplice(types, at, 1);
      ArrayPrototypePush(instances, 'Object');
    }
  }
  return { types, instances, other };
}

function expectation(expected) {
  const { types, instances, other } = expectedKinds(expected);
  let text = '';
  if (types.length > 0) {
    text += `${types.length > 1 ? 'one of type' : 'of type'} ${formatList(types, 'or')}`;
    if (instances.length > 0 || other.length > 0) {
      text += ' or ';
    }
  }
  if (instances.length > 0) {
    text += `an instance of ${formatList(instances, 'or')}`;
    if (other.length > 0) {
      text += ' or ';
    }
  }
  if (other.length > 1) {
    text += `one of ${formatList(other, 'or')}`;
  } else if (other.length === 1) {
    if (StringPrototypeToLowerCase(other[0]) !== other[0]) {
      text += 'an ';
    }
    text += other[0];
  }
  return text;
}

function invalidArgType(name, expected, actual) {
  let text = 'The ';
  if (StringPrototypeEndsWith(name, ' argument')) {
    text += `${name} `;
  } else {
    text += `"${name}" ${StringPrototypeIncludes(name, '.') ? 'property' : 'argument'} `;
  }
  return `${text}must be ${expectation(ArrayIsArray(expected) ? expected : [expected])}. ` +
    `Received ${determineSpecificType(actual)}`;
}

// 1234567 is written 1_234_567.
function addNumericalSeparator(text) {
  let result = '';
  let i = text.length;
  const start = text[0] === '-' ? 1 : 0;
  for (; i >= start + 4; i -= 3) {
    result = `_${StringPrototypeSlice(text, i - 3, i)}${result}`;
  }
  return `${StringPrototypeSlice(text, 0, i)}${result}`;
}

function outOfRange(name, range, input, replaceDefault = false) {
  const prefix = replaceDefault ? name : `The value of "${name}" is out of range.`;
  let received;
  if (NumberIsInteger(input) && MathAbs(input) > 2 ** 32) {
    received = addNumericalSeparator(String(input));
  } else if (typeof input === 'bigint') {
    received = String(input);
    if (input > 2n ** 32n || input < -(2n ** 32n)) {
      received = addNumericalSeparator(received);
    }
    received += 'n';
  } else {
    received = inspectValue(input);
  }
  return `${prefix} It must be ${range}. Received ${received}`;
}

function missingArgs(...args) {
  const quoted = ArrayPrototypeMap(args, (arg) => (ArrayIsArray(arg)
    ? ArrayPrototypeJoin(ArrayPrototypeMap(arg, (name) => `"${name}"`), ' or ') : `"${arg}"`));
  const plural = args.length > 1 ? 's' : '';
  return `The ${formatList(quoted)} argument${plural} must be specified`;
}

module.exports = {
  AbortError, ConnResetException, E, ErrnoException, ExceptionWithHostPort, SystemError, UVException,
  addNumericalSeparator, aggregateTwoErrors, codes, determineSpecificType, expectation, formatList,
  genericNodeError, getMessage: messageOf, inspectNoCustom, isErrorStackTraceLimitWritable,
  isStackOverflowError,
};

// Made with the first error: few programs see one, and every context would pay for all of the messages.
function defineMessages() {
  defineOwnTexts();
  defineOthers();
}

// Messages that say more than their arguments.
function defineOwnTexts() {
  E('ERR_INVALID_ARG_TYPE', invalidArgType, TypeError);
  E('ERR_OUT_OF_RANGE', outOfRange, RangeError);
  E('ERR_MISSING_ARGS', missingArgs, TypeError);
  E('ERR_INVALID_ARG_VALUE', (name, value, reason = 'is invalid') => {
    const kind = StringPrototypeIncludes(name, '.') ? 'property' : 'argument';
    return `The ${kind} '${name}' ${reason}. Received ${cut(inspectValue(value), 128)}`;
  }, TypeError);
  E('ERR_UNHANDLED_ERROR', (error) => (
    error === undefined ? 'Unhandled error.' : `Unhandled error. (${error})`), Error);
  E('ERR_ACCESS_DENIED', function message(text, permission = '', resource = '') {
    this.permission = permission;
    this.resource = resource;
    return text;
  }, Error);
  E('ERR_FALSY_VALUE_REJECTION', function message(reason) {
    this.reason = reason;
    return 'Promise was rejected with falsy value';
  }, Error);
  E('ERR_INVALID_RETURN_VALUE', (input, name, value) =>
    `Expected ${input} to be returned from the "${name}" function but got ${determineSpecificType(value)}.`,
  TypeError, RangeError);
  E('ERR_INVALID_RETURN_PROPERTY', (input, name, property, value) =>
    `Expected a valid ${input} to be returned for the "${property}" from the "${name}" hook but got ${determineSpecificType(value)}.`,
  TypeError);
  E('ERR_INVALID_RETURN_PROPERTY_VALUE', (input, name, property, value) =>
    `Expected ${input} to be returned for the "${property}" from the "${name}" hook but got ${determineSpecificType(value)}.`,
  TypeError);
  E('ERR_INVALID_URL', function message(input, base = null) {
    this.input = input;
    if (base != null) {
      this.base = base;
    }
    return 'Invalid URL';
  }, TypeError);
  E('ERR_INVALID_URL_SCHEME', (expected) => {
    const schemes = typeof expected === 'string' ? [expected] : expected;
    return schemes.length === 1 ? `The URL must be of scheme ${schemes[0]}`
      : `The URL must be one of scheme ${schemes[0]} or ${schemes[1]}`;
  }, TypeError);
  E('ERR_INVALID_FILE_URL_PATH', function message(text, input) {
    this.input = input;
    return `File URL path ${text}`;
  }, TypeError);
  E('ERR_INVALID_MIME_SYNTAX', (production, text, at) => {
    const place = at !== -1 ? ` at ${at}` : '';
    return `The MIME syntax for a ${production} in "${text}" is invalid${place}`;
  }, TypeError);
  E('ERR_MODULE_NOT_FOUND', function message(path, base, exact) {
    if (exact) {
      this.url = `${exact}`;
    }
    return `Cannot find ${exact ? 'module' : 'package'} '${path}' imported from ${base}`;
  }, Error);
  E('ERR_UNSUPPORTED_DIR_IMPORT', function message(path, base, exact) {
    this.url = exact;
    return `Directory import '${path}' is not supported resolving ES modules imported from ${base}`;
  }, Error);
  E('ERR_UNSUPPORTED_ESM_URL_SCHEME', (url, supported) =>
    `Only URLs with a scheme in: ${formatList(supported)} are supported by the default ESM loader. ` +
    `Received protocol '${url.protocol}'`, Error);
  E('ERR_REQUIRE_ASYNC_MODULE', (filename, parent) => {
    let text = 'require() cannot be used on an ESM graph with top-level await. Use import() instead. ' +
      'To see where the top-level await comes from, use --experimental-print-required-tla.';
    if (parent) {
      text += `\n  From ${parent} `;
    }
    return filename ? `${text}\n  Requiring ${filename} ` : text;
  }, Error);
  E('ERR_INVALID_PACKAGE_CONFIG', (path, base, text) =>
    `Invalid package config ${path}${base ? ` while importing ${base}` : ''}${text ? `. ${text}` : ''}`, Error);
  E('ERR_INVALID_MODULE_SPECIFIER', (request, reason, base = undefined) =>
    `Invalid module "${request}" ${reason}${base ? ` imported from ${base}` : ''}`, TypeError);
  E('ERR_IMPORT_ATTRIBUTE_MISSING', (url, key, value) =>
    `Module "${url}" needs an import attribute of "${key}: ${value}"`, TypeError);
  E('ERR_IMPORT_ATTRIBUTE_TYPE_INCOMPATIBLE', (url, type) => `Module "${url}" is not of type "${type}"`, TypeError);
  E('ERR_IMPORT_ATTRIBUTE_UNSUPPORTED', (key, value, url = undefined) =>
    `Import attribute "${key}" with value "${value}" is not supported${url === undefined ? '' : ` in ${url}`}`,
  TypeError);
  E('ERR_ENCODING_INVALID_ENCODED_DATA', function message(encoding, errno) {
    this.errno = errno;
    return `The encoded data was not valid for encoding ${encoding}`;
  }, TypeError);
  E('ERR_BUFFER_OUT_OF_BOUNDS', (name = undefined) => (
    name ? `"${name}" is outside of buffer bounds` : 'Attempt to access memory outside buffer bounds'),
  RangeError);
  E('ERR_INVALID_HTTP_TOKEN', (name, value) => `${name} must be a valid HTTP token ["${value}"]`, TypeError);
  E('ERR_INVALID_CHAR', (name, field = undefined) =>
    `Invalid character in ${name}${field === undefined ? '' : ` ["${field}"]`}`, TypeError);
  E('ERR_PARSE_ARGS_INVALID_OPTION_VALUE', (text) => text, TypeError);
  E('ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL', (positional) =>
    `Unexpected argument '${positional}'. This command does not take positional arguments`, TypeError);
  E('ERR_PARSE_ARGS_UNKNOWN_OPTION', (option, allowPositionals) => `Unknown option '${option}'` +
    (allowPositionals ? `. To specify a positional argument starting with a '-', place it at the end of the command after '--', as in '-- ${JSONStringify(option)}` : ''),
  TypeError);
  E('ERR_INTERNAL_ASSERTION', (text) => {
    const suffix = 'This is caused by a bug of the runtime or by the use of its internals.\n';
    return text === undefined ? suffix : `${text}\n${suffix}`;
  }, Error);
}

function defineOthers() {
  for (const [code, Base, text] of new SafeArrayIterator(require('internal/error_messages').entries)) {
    E(code, text, Base);
  }
  E('ERR_FS_EISDIR', 'Path is a directory', SystemError);
  E('ERR_SYSTEM_ERROR', 'A system error occurred', SystemError);
  E('ERR_TTY_INIT_FAILED', 'TTY initialization failed', SystemError);
  E('ERR_INVALID_STATE', (text) => `Invalid state: ${text}`, Error);
  E('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', (name) =>
    `The feature ${name} is unavailable on the current platform, which is being used to run Node.js`, TypeError);
  E('ERR_INVALID_URI', 'URI malformed', URIError);
  E('ERR_SRI_PARSE', (text, char, position) =>
    `Subresource Integrity string ${JSONStringify(text)} had an unexpected ${JSONStringify(char)} at position ${position}`, SyntaxError);
  E('ERR_SOCKET_BAD_PORT', (name, port, allowZero = true) =>
    `${name} should be ${allowZero ? '>=' : '>'} 0 and < 65536. Received ${determineSpecificType(port)}.`, RangeError);
  E('ERR_INVALID_OBJECT_DEFINE_PROPERTY', (text) => text, TypeError);
  E('ERR_STRING_TOO_LONG', 'Cannot create a string longer than 0x1fffffe8 characters', Error);
}
