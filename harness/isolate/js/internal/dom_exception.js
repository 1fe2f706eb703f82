// Gives `DOMException`, the error of web interfaces, with its legacy codes.
'use strict';

const {
  Error, ErrorCaptureStackTrace, ErrorPrototype, ObjectDefineProperties, ObjectDefineProperty,
  ObjectSetPrototypeOf, SafeArrayIterator, SafeMap, SafeWeakMap, SymbolToStringTag, TypeError,
} = primordials;
const table = [
  ['IndexSizeError', 'INDEX_SIZE_ERR', 1], ['DOMStringSizeError', 'DOMSTRING_SIZE_ERR', 2],
  ['HierarchyRequestError', 'HIERARCHY_REQUEST_ERR', 3], ['WrongDocumentError', 'WRONG_DOCUMENT_ERR', 4],
  ['InvalidCharacterError', 'INVALID_CHARACTER_ERR', 5], ['NoDataAllowedError', 'NO_DATA_ALLOWED_ERR', 6],
  ['NoModificationAllowedError', 'NO_MODIFICATION_ALLOWED_ERR', 7], ['NotFoundError', 'NOT_FOUND_ERR', 8],
  ['NotSupportedError', 'NOT_SUPPORTED_ERR', 9], ['InUseAttributeError', 'INUSE_ATTRIBUTE_ERR', 10],
  ['InvalidStateError', 'INVALID_STATE_ERR', 11], ['SyntaxError', 'SYNTAX_ERR', 12],
  ['InvalidModificationError', 'INVALID_MODIFICATION_ERR', 13], ['NamespaceError', 'NAMESPACE_ERR', 14],
  ['InvalidAccessError', 'INVALID_ACCESS_ERR', 15], ['ValidationError', 'VALIDATION_ERR', 16],
  ['TypeMismatchError', 'TYPE_MISMATCH_ERR', 17], ['SecurityError', 'SECURITY_ERR', 18],
  ['NetworkError', 'NETWORK_ERR', 19], ['AbortError', 'ABORT_ERR', 20],
  ['URLMismatchError', 'URL_MISMATCH_ERR', 21], ['QuotaExceededError', 'QUOTA_EXCEEDED_ERR', 22],
  ['TimeoutError', 'TIMEOUT_ERR', 23], ['InvalidNodeTypeError', 'INVALID_NODE_TYPE_ERR', 24],
  ['DataCloneError', 'DATA_CLONE_ERR', 25],
];
const codes = new SafeMap();
for (const row of new SafeArrayIterator(table)) {
  codes.set(row[0], row[2]);
}

// The slots are reached by weak maps: an own symbol would be shown by `inspect`, and `#private` fields cannot be put on an `Error`.
const slots = new SafeWeakMap();

function slotsOf(exception) {
  const found = typeof exception === 'object' && exception !== null ? slots.get(exception) : undefined;
  if (found === undefined) {
    const error = new TypeError('Value of "this" must be of DOMException');
    error.code = 'ERR_INVALID_THIS';
    throw error;
  }
  return found;
}

class DOMException {
  constructor(message = '', options = 'Error') {
    // A native error gives the object its stack and its place among errors.
    const self = new Error();
    ObjectSetPrototypeOf(self, new.target.prototype);
    const state = { message: `${message}`, name: 'Error', code: undefined };
    if (options !== null && typeof options === 'object') {
      const { name } = options;
      state.name = name === undefined ? 'Error' : `${name}`;
      if ('cause' in options) {
        ObjectDefineProperty(self, 'cause', {
          __proto__: null, value: options.cause, configurable: true, writable: true, enumerable: false,
        });
      }
    } else {
      state.name = `${options}`;
    }
    state.code = codes.get(state.name) ?? 0;
    slots.set(self, state);
    ErrorCaptureStackTrace(self, DOMException);
    return self;
  }

  get name() {
    return slotsOf(this).name;
  }

  get message() {
    return slotsOf(this).message;
  }

  get code() {
    return slotsOf(this).code;
  }
}

ObjectSetPrototypeOf(DOMException.prototype, ErrorPrototype);
ObjectDefineProperties(DOMException.prototype, {
  [SymbolToStringTag]: { __proto__: null, configurable: true, value: 'DOMException' },
  name: { __proto__: null, enumerable: true },
  message: { __proto__: null, enumerable: true },
  code: { __proto__: null, enumerable: true },
});
for (const row of new SafeArrayIterator(table)) {
  const constant = { __proto__: null, enumerable: true, value: row[2] };
  ObjectDefineProperty(DOMException, row[1], constant);
  ObjectDefineProperty(DOMException.prototype, row[1], constant);
}

module.exports = { DOMException };
