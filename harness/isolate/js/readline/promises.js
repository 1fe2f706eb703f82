// The `readline/promises` module: questions answered by promises, and cursor movements written together.
'use strict';

const { ArrayPrototypeJoin, ArrayPrototypePush, Promise } = primordials;

const { Interface: CallbackInterface, questionPromise } = require('internal/readline/interface');
const { before, complete } = require('internal/readline/editor');
const readline = require('readline');

class Interface extends CallbackInterface {
  question(query, options) {
    return questionPromise(this, query, options);
  }

  // Here a completer may give a promise.
  async _tabComplete(wasTab) {
    this.pause();
    let value;
    try {
      value = await new Promise((resolve) => {
        this.completer(before(this), (error, completions) => resolve(completions));
      });
    } catch (error) {
      this._writeToOutput(`Tab completion error: ${require('internal/util/inspect').inspect(error)}`);
      return;
    } finally {
      this.resume();
    }
    complete(this, wasTab, value);
  }
}

// Collects what the callback functions would write, until commit().
class Readline {
  #stream;
  #autoCommit;
  #pending = [];

  constructor(stream, options = undefined) {
    this.#stream = stream;
    this.#autoCommit = !!options?.autoCommit;
  }

  #add(write) {
    const sink = { write: (data) => ArrayPrototypePush(this.#pending, data) };
    write(sink);
    if (this.#autoCommit) {
      this.commit();
    }
    return this;
  }

  cursorTo(x, y = undefined) {
    return this.#add((sink) => readline.cursorTo(sink, x, y));
  }

  moveCursor(dx, dy) {
    return this.#add((sink) => readline.moveCursor(sink, dx, dy));
  }

  clearLine(direction) {
    return this.#add((sink) => readline.clearLine(sink, direction));
  }

  clearScreenDown() {
    return this.#add((sink) => readline.clearScreenDown(sink));
  }

  commit() {
    const data = ArrayPrototypeJoin(this.#pending, '');
    this.#pending = [];
    return new Promise((resolve) => {
      this.#stream.write(data, () => resolve());
    });
  }

  rollback() {
    this.#pending = [];
    return this;
  }
}

function createInterface(input, output, completer, terminal) {
  return new Interface(input, output, completer, terminal);
}

module.exports = { Interface, Readline, createInterface };
