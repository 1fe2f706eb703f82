// Turns what comes from a terminal into 'keypress' events: characters, control keys and the escape sequences of terminals.
'use strict';

const {
  RegExpPrototypeExec,
  SafeStringIterator,
  StringFromCharCode,
  StringPrototypeCharCodeAt,
  StringPrototypeCodePointAt,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  Symbol,
  hardenRegExp,
} = primordials;

const { clearTimeout, setTimeout } = require('timers');
const { StringDecoder } = require('string_decoder');

const ESCAPE = '\u001b';
const kDecoder = Symbol('keypress-decoder');
const kParser = Symbol('escape-decoder');
const kSawKeyPress = Symbol('_sawKeyPress');

const numbered = hardenRegExp(/^(?:(\d\d?)(?:;(\d))?([~^$])|(\d{3}~))$/);
const lettered = hardenRegExp(/^((\d;)?(\d))?([A-Za-z])$/);
const alphanumeric = hardenRegExp(/^[0-9A-Za-z]$/);
const upper = hardenRegExp(/^[A-Z]$/);

const letters = {
  __proto__: null, A: 'up', B: 'down', C: 'right', D: 'left', E: 'clear', F: 'end', H: 'home', P: 'f1', Q: 'f2', R: 'f3', S: 'f4',
};
// With shift after `[`, with ctrl after `O`.
const small = { __proto__: null, a: 'up', b: 'down', c: 'right', d: 'left', e: 'clear' };
const numbers = {
  __proto__: null, 1: 'home', 2: 'insert', 3: 'delete', 4: 'end', 5: 'pageup', 6: 'pagedown', 7: 'home', 8: 'end', 11: 'f1', 12: 'f2',
  13: 'f3', 14: 'f4', 15: 'f5', 17: 'f6', 18: 'f7', 19: 'f8', 20: 'f9', 21: 'f10', 23: 'f11', 24: 'f12', 200: 'paste-start', 201: 'paste-end',
};
const modified = { __proto__: null, 2: true, 3: true, 5: true, 6: true, 7: true, 8: true };
const others = {
  '__proto__': null, '[[A': 'f1', '[[B': 'f2', '[[C': 'f3', '[[D': 'f4', '[[E': 'f5', '[[5~': 'pageup', '[[6~': 'pagedown',
};

// The key that a sequence stands for.
function nameSequence(key, code) {
  const last = code[code.length - 1];
  const middle = StringPrototypeSlice(code, 1, -1);
  key.name = 'undefined';
  if (others[code] !== undefined) {
    key.name = others[code];
  } else if (code === '[Z') {
    key.name = 'tab';
    key.shift = true;
  } else if (code.length === 2 && letters[last] !== undefined) {
    key.name = letters[last];
  } else if (code.length === 2 && small[last] !== undefined) {
    key.name = small[last];
    key[code[0] === '[' ? 'shift' : 'ctrl'] = true;
  } else if (code[0] === '[' && last === '~') {
    key.name = numbers[middle] ?? 'undefined';
  } else if (code[0] === '[' && (last === '$' || last === '^') && modified[middle]) {
    key.name = numbers[middle];
    key[last === '$' ? 'shift' : 'ctrl'] = true;
  }
}

function isDigit(character) {
  return character >= '0' && character <= '9';
}

// Takes `command`, what follows the introduction of a sequence, apart: the code without its modifier, and that.
function decode(introduction, command) {
  let match = RegExpPrototypeExec(numbered, command);
  if (match !== null) {
    return match[4] ? [introduction + match[4], 0] : [introduction + match[1] + match[3], (match[2] || 1) - 1];
  }
  match = RegExpPrototypeExec(lettered, command);
  if (match !== null) {
    return [introduction + match[4], (match[3] || 1) - 1];
  }
  return [introduction + command, 0];
}

function nameCharacter(key, character, escaped) {
  key.meta = escaped;
  if (character === '\r') {
    key.name = 'return';
  } else if (character === '\n') {
    key.name = 'enter';
  } else if (character === '\t') {
    key.name = 'tab';
  } else if (character === '\b' || character === '\u007f') {
    key.name = 'backspace';
  } else if (character === ESCAPE) {
    key.name = 'escape';
  } else if (character === ' ') {
    key.name = 'space';
  } else if (!escaped && character <= '\u001a') {
    key.name = StringFromCharCode(StringPrototypeCharCodeAt(character, 0) + 96);
    key.ctrl = true;
  } else if (RegExpPrototypeExec(alphanumeric, character) !== null) {
    key.name = StringPrototypeToLowerCase(character);
    key.shift = RegExpPrototypeExec(upper, character) !== null;
  } else if (escaped) {
    key.name = character.length > 0 ? undefined : 'escape';
  }
}

// Is given one character after the other, and an empty one when nothing came after an escape for a while.
function* parse(stream) {
  while (true) {
    let character = yield;
    let sequence = character;
    let escaped = false;
    const key = { sequence: null, name: undefined, ctrl: false, meta: false, shift: false };
    if (character === ESCAPE) {
      escaped = true;
      sequence += (character = yield);
      if (character === ESCAPE) {
        sequence += (character = yield);
      }
    }
    if (escaped && (character === 'O' || character === '[')) {
      let code = character;
      let modifier = 0;
      sequence += (character = yield);
      if (code === 'O') {
        if (isDigit(character)) {
          modifier = character - 1;
          sequence += (character = yield);
        }
        code += character;
      } else {
        if (character === '[') {
          code += character;
          sequence += (character = yield);
        }
        const start = sequence.length - 1;
        for (let digits = 0; digits < 3 && isDigit(character); digits++) {
          sequence += (character = yield);
        }
        if (character === ';') {
          sequence += (character = yield);
          if (isDigit(character)) {
            sequence += yield;
          }
        }
        ({ 0: code, 1: modifier } = decode(code, StringPrototypeSlice(sequence, start)));
      }
      key.ctrl = !!(modifier & 4);
      key.meta = !!(modifier & 10);
      key.shift = !!(modifier & 1);
      key.code = code;
      nameSequence(key, code);
    } else {
      nameCharacter(key, character, escaped);
    }
    key.sequence = sequence;
    if (sequence.length !== 0 && (key.name !== undefined || escaped)) {
      stream.emit('keypress', escaped ? undefined : sequence, key);
    } else if (charLengthAt(sequence, 0) === sequence.length) {
      stream.emit('keypress', sequence, key);
    }
  }
}

function charLengthAt(text, index) {
  return text.length > index && StringPrototypeCodePointAt(text, index) > 0xffff ? 2 : 1;
}

function charLengthLeft(text, index) {
  if (index <= 0) {
    return 0;
  }
  const isPair = index > 1 && StringPrototypeCodePointAt(text, index - 2) > 0xffff;
  return isPair || StringPrototypeCodePointAt(text, index - 1) > 0xffff ? 2 : 1;
}

function startParser(stream) {
  stream[kParser] = parse(stream);
  stream[kParser].next();
}

// Makes a stream emit 'keypress' as long as somebody listens to it.
function emitKeypressEvents(stream, lines = {}) {
  if (stream[kDecoder]) {
    return;
  }
  stream[kDecoder] = new StringDecoder('utf8');
  startParser(stream);
  const { escapeCodeTimeout = 500 } = lines;
  let timeout;

  function feed(text) {
    lines[kSawKeyPress] = charLengthAt(text, 0) === text.length;
    // A text that was pasted completes nothing before its end.
    lines.isCompletionEnabled = false;
    let length = 0;
    for (const character of new SafeStringIterator(text)) {
      length += character.length;
      if (length === text.length) {
        lines.isCompletionEnabled = true;
      }
      try {
        stream[kParser].next(character);
      } catch (error) {
        // A listener threw, which ends a generator.
        startParser(stream);
        throw error;
      }
      if (length === text.length && character === ESCAPE) {
        timeout = setTimeout(() => stream[kParser].next(''), escapeCodeTimeout);
      }
    }
  }

  function onData(input) {
    if (stream.listenerCount('keypress') === 0) {
      stream.removeListener('data', onData);
      stream.on('newListener', onNewListener);
      return;
    }
    const text = stream[kDecoder].write(input);
    if (text) {
      clearTimeout(timeout);
      feed(text);
    }
  }

  function onNewListener(event) {
    if (event === 'keypress') {
      stream.on('data', onData);
      stream.removeListener('newListener', onNewListener);
    }
  }

  if (stream.listenerCount('keypress') > 0) {
    stream.on('data', onData);
  } else {
    stream.on('newListener', onNewListener);
  }
}

module.exports = { charLengthAt, charLengthLeft, emitKeypressEvents, kSawKeyPress };
