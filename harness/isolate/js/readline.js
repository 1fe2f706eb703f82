// The `readline` module: lines and questions over streams, edited where they are a terminal.
'use strict';

const { ObjectDefineProperties, ObjectDefineProperty, SymbolFor } = primordials;

const { Interface, questionPromise } = require('internal/readline/interface');
const { clearLine, clearScreenDown, cursorTo, moveCursor } = require('internal/readline/callbacks');
const { emitKeypressEvents } = require('internal/readline/keys');

ObjectDefineProperty(Interface.prototype.question, SymbolFor('nodejs.util.promisify.custom'), {
  __proto__: null,
  value: function question(query, options) {
    return questionPromise(this, query, options);
  },
});

function createInterface(input, output, completer, terminal) {
  return new Interface(input, output, completer, terminal);
}

module.exports = { Interface, clearLine, clearScreenDown, createInterface, cursorTo, emitKeypressEvents, moveCursor };

ObjectDefineProperties(module.exports, {
  promises: {
    __proto__: null,
    configurable: true,
    enumerable: true,
    get() {
      return require('readline/promises');
    },
  },
});
