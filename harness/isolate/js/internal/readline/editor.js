// What readline's Interface does on a terminal: the line that is edited, how it is shown, and what each key does to it.
'use strict';

const {
  ArrayPrototypeFilter,
  ArrayPrototypePop,
  ArrayPrototypePush,
  ArrayPrototypeShift,
  ArrayPrototypeUnshift,
  MathCeil,
  MathFloor,
  MathMax,
  RegExpPrototypeExec,
  RegExpPrototypeSymbolSplit,
  SafeStringIterator,
  StringPrototypeCodePointAt,
  StringPrototypeIncludes,
  StringPrototypeRepeat,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  Symbol,
  hardenRegExp,
} = primordials;

const { clearScreenDown, cursorTo, moveCursor } = require('internal/readline/callbacks');
const history = require('internal/readline/history');
const { charLengthAt, charLengthLeft, kSawKeyPress } = require('internal/readline/keys');
const { getStringWidth, stripVTControlCharacters } = require('internal/util/inspect_text');

const lineEnding = hardenRegExp(/\r\n|\n|\r(?!\n)|\u2028|\u2029/);
const wordBefore = hardenRegExp(/^\s*(?:[^\w\s]+|\w+)?/);
const wordAfter = hardenRegExp(/^(?:\s+|[^\w\s]+|\w+)\s*/);
const wordToDelete = hardenRegExp(/^(?:\s+|\W+|\w+)\s*/);
// Stands before the second line of what is edited and all that follow.
const continuation = '| ';
const LONGEST_RING = 32;
const LONGEST_UNDO = 2048;

const kKilled = Symbol('_killRing');
const kKilledAt = Symbol('_killRingCursor');
const kYanking = Symbol('_yanking');
const kUndo = Symbol('_undoStack');
const kRedo = Symbol('_redoStack');
const kPreviousKey = Symbol('_previousKey');
const kSearch = Symbol('kSubstringSearch');
const kSawReturnAt = Symbol('_sawReturnAt');
const kReject = Symbol('_questionReject');

// The members of an Interface that edits.
function initialize(lines) {
  lines.cursor = 0;
  lines.isCompletionEnabled = true;
  lines[kSawKeyPress] = false;
  lines[kPreviousKey] = null;
  lines[kSearch] = null;
  lines[kUndo] = [];
  lines[kRedo] = [];
  lines[kKilled] = [];
  lines[kKilledAt] = 0;
  lines[kYanking] = false;
}

function before(lines) {
  return StringPrototypeSlice(lines.line, 0, lines.cursor);
}

function after(lines) {
  return StringPrototypeSlice(lines.line, lines.cursor);
}

function isMultiline(lines) {
  return StringPrototypeIncludes(lines.line, '\n');
}

function remember(lines) {
  if (ArrayPrototypePush(lines[kUndo], { text: lines.line, cursor: lines.cursor }) > LONGEST_UNDO) {
    ArrayPrototypeShift(lines[kUndo]);
  }
}

// Goes to the state on top of one stack, and keeps the present one on the other.
function restore(lines, from, to) {
  if (from.length > 0) {
    ArrayPrototypePush(to, { text: lines.line, cursor: lines.cursor });
    const { text, cursor } = ArrayPrototypePop(from);
    lines.line = text;
    lines.cursor = cursor;
    lines._refreshLine();
  }
}

function kill(lines, text) {
  const ring = lines[kKilled];
  if (text && text !== ring[0]) {
    ArrayPrototypeUnshift(ring, text);
    lines[kKilledAt] = 0;
    if (ring.length > LONGEST_RING) {
      ArrayPrototypePop(ring);
    }
  }
}

function yank(lines) {
  if (lines[kKilled].length > 0) {
    lines[kYanking] = true;
    lines._insertString(lines[kKilled][lines[kKilledAt]]);
  }
}

function yankPop(lines) {
  const ring = lines[kKilled];
  if (!lines[kYanking] || ring.length < 2) {
    return;
  }
  const last = ring[lines[kKilledAt]];
  lines[kKilledAt] = (lines[kKilledAt] + 1) % ring.length;
  const head = StringPrototypeSlice(lines.line, 0, lines.cursor - last.length);
  const tail = after(lines);
  lines.line = head + ring[lines[kKilledAt]] + tail;
  lines.cursor = head.length + ring[lines[kKilledAt]].length;
  lines._refreshLine();
}

// How long the word before the cursor is.
function lengthBefore(lines) {
  let reversed = '';
  for (const character of new SafeStringIterator(before(lines))) {
    reversed = character + reversed;
  }
  return RegExpPrototypeExec(wordBefore, reversed)[0].length;
}

function prefixOf(texts) {
  const first = texts[0] ?? '';
  let length = first.length;
  for (let i = 1; i < texts.length; i++) {
    let same = 0;
    while (same < length && texts[i][same] === first[same]) {
      same++;
    }
    length = same;
  }
  return StringPrototypeSlice(first, 0, length);
}

// The completions in columns, as wide as the widest.
function listOf(completions, columns) {
  let widest = 0;
  for (let i = 0; i < completions.length; i++) {
    widest = MathMax(widest, getStringWidth(completions[i]));
  }
  const width = widest + 2;
  let perLine = MathFloor(columns / width) || 1;
  if (perLine === Infinity) {
    perLine = 1;
  }
  let text = '\r\n';
  let inLine = 0;
  let gap = 0;
  for (let i = 0; i < completions.length; i++) {
    const completion = completions[i];
    if (completion === '' || inLine === perLine) {
      text += '\r\n';
      inLine = 0;
      gap = 0;
    } else {
      text += StringPrototypeRepeat(' ', gap);
    }
    if (completion === '') {
      text += '\r\n';
    } else {
      text += completion;
      gap = width - getStringWidth(completion);
      inLine++;
    }
  }
  return inLine === 0 ? text : `${text}\r\n\r\n`;
}

function complete(lines, wasTab, { 0: completions, 1: completeOn }) {
  if (!completions || completions.length === 0) {
    return;
  }
  const prefix = prefixOf(ArrayPrototypeFilter(completions, (completion) => completion !== ''));
  if (StringPrototypeStartsWith(prefix, completeOn) && prefix.length > completeOn.length) {
    lines._insertString(StringPrototypeSlice(prefix, completeOn.length));
  } else if (!StringPrototypeStartsWith(completeOn, prefix)) {
    const head = StringPrototypeSlice(lines.line, 0, lines.cursor - completeOn.length);
    lines.line = head + prefix + after(lines);
    lines.cursor = head.length + prefix.length;
    lines._refreshLine();
  } else if (wasTab) {
    remember(lines);
    lines._writeToOutput(listOf(completions, lines.columns));
    lines._refreshLine();
  }
}

function finish(lines, reason) {
  lines.close();
  lines[kReject]?.(new (require('internal/errors').AbortError)(reason));
}

function suspend(lines) {
  if (lines.listenerCount('SIGTSTP') > 0) {
    lines.emit('SIGTSTP');
    return;
  }
  const process = require('process');
  process.once('SIGCONT', () => {
    if (!lines.paused) {
      lines.pause();
      lines.emit('SIGCONT');
    }
    lines._setRawMode(true);
    lines._refreshLine();
  });
  lines._setRawMode(false);
  process.kill(process.pid, 'SIGTSTP');
}

const moves = {
  __proto__: null,
  left: (lines) => lines._moveCursor(-charLengthLeft(lines.line, lines.cursor)),
  right: (lines) => lines._moveCursor(charLengthAt(lines.line, lines.cursor)),
  home: (lines) => lines._moveCursor(-Infinity),
  end: (lines) => lines._moveCursor(Infinity),
};

const control = {
  '__proto__': null,
  'c': (lines) => {
    if (lines.listenerCount('SIGINT') > 0) {
      lines.emit('SIGINT');
    } else {
      finish(lines, 'Aborted with Ctrl+C');
    }
  },
  'd': (lines) => {
    if (lines.cursor === 0 && lines.line.length === 0) {
      finish(lines, 'Aborted with Ctrl+D');
    } else if (lines.cursor < lines.line.length) {
      lines._deleteRight();
    }
  },
  'h': (lines) => lines._deleteLeft(),
  'u': (lines) => lines._deleteLineLeft(),
  'k': (lines) => lines._deleteLineRight(),
  'a': moves.home,
  'e': moves.end,
  'b': moves.left,
  'f': moves.right,
  'l': (lines) => {
    cursorTo(lines.output, 0, 0);
    clearScreenDown(lines.output);
    lines._refreshLine();
  },
  'n': (lines) => lines._historyNext(),
  'p': (lines) => lines._historyPrev(),
  'y': yank,
  'z': suspend,
  'w': (lines) => lines._deleteWordLeft(),
  'backspace': (lines) => lines._deleteWordLeft(),
  'delete': (lines) => lines._deleteWordRight(),
  'left': (lines) => lines._wordLeft(),
  'right': (lines) => lines._wordRight(),
};

const controlShift = {
  __proto__: null,
  backspace: (lines) => lines._deleteLineLeft(),
  delete: (lines) => lines._deleteLineRight(),
};

const meta = {
  __proto__: null,
  b: (lines) => lines._wordLeft(),
  f: (lines) => lines._wordRight(),
  d: (lines) => lines._deleteWordRight(),
  delete: (lines) => lines._deleteWordRight(),
  backspace: (lines) => lines._deleteWordLeft(),
  y: yankPop,
};

const plain = {
  '__proto__': null,
  ...moves,
  'return': (lines) => {
    lines[kSawReturnAt] = native.loop.now() || 1e-9;
    lines._line();
  },
  'enter': (lines) => {
    if (!lines[kSawReturnAt] || native.loop.now() - lines[kSawReturnAt] > lines.crlfDelay) {
      lines._line();
    }
    lines[kSawReturnAt] = 0;
  },
  'backspace': (lines) => lines._deleteLeft(),
  'delete': (lines) => lines._deleteRight(),
  'up': (lines) => lines._historyPrev(),
  'down': (lines) => lines._historyNext(),
};

// Text that was typed or pasted: each line that ends in it is one that was entered.
function insertLines(lines, text) {
  const parts = RegExpPrototypeSymbolSplit(lineEnding, text);
  for (let i = 0; i < parts.length; i++) {
    if (i > 0) {
      lines._line();
    }
    lines._insertString(parts[i]);
  }
}

// Up and down look for lines that begin with what stood before the cursor when the search began.
function followSearch(lines, key) {
  if ((key.name === 'up' || key.name === 'down') && !key.ctrl && !key.meta && !key.shift) {
    if (lines[kSearch] === null && !isMultiline(lines)) {
      lines[kSearch] = before(lines);
    }
  } else if (lines[kSearch] !== null) {
    lines[kSearch] = null;
    if (lines.history.length === lines.historyIndex) {
      lines.historyIndex = -1;
    }
  }
}

function pressPlain(lines, text, key, previousKey) {
  if (lines[kSawReturnAt] && key.name !== 'enter') {
    lines[kSawReturnAt] = 0;
  }
  if (key.name !== undefined && plain[key.name] !== undefined) {
    plain[key.name](lines);
  } else if (key.name === 'tab' && typeof lines.completer === 'function' && lines.isCompletionEnabled) {
    lines._tabComplete(previousKey?.name === 'tab');
  } else if (typeof text === 'string' && text) {
    insertLines(lines, text);
  }
}

const methods = {
  _ttyWrite(text, key) {
    const previousKey = this[kPreviousKey];
    key ||= {};
    this[kPreviousKey] = key;
    if (!key.meta || key.name !== 'y') {
      this[kYanking] = false;
    }
    followSearch(this, key);
    const code = typeof key.sequence === 'string' ? StringPrototypeCodePointAt(key.sequence, 0) : undefined;
    if (code === 0x1f) {
      restore(this, this[kUndo], this[kRedo]);
    } else if (code === 0x1e) {
      restore(this, this[kRedo], this[kUndo]);
    } else if (key.name === 'escape') {
      // It only introduces other keys.
    } else if (key.ctrl && key.shift) {
      controlShift[key.name]?.(this);
    } else if (key.ctrl) {
      control[key.name]?.(this);
    } else if (key.meta) {
      meta[key.name]?.(this);
    } else {
      pressPlain(this, text, key, previousKey);
    }
  },

  _refreshLine() {
    const end = this._getDisplayPos(this._prompt + this.line);
    const cursor = this.getCursorPos();
    const above = this.prevRows || 0;
    if (above > 0) {
      moveCursor(this.output, 0, -above);
    }
    cursorTo(this.output, 0);
    clearScreenDown(this.output);
    const parts = StringPrototypeSplit(this.line, '\n');
    this._writeToOutput(this._prompt + parts[0]);
    for (let i = 1; i < parts.length; i++) {
      this._writeToOutput(`\n${continuation}${parts[i]}`);
    }
    // Else the terminal has not gone on to the next line yet.
    if (end.cols === 0) {
      this._writeToOutput(' ');
    }
    cursorTo(this.output, cursor.cols);
    if (end.rows > cursor.rows) {
      moveCursor(this.output, 0, cursor.rows - end.rows);
    }
    this.prevRows = cursor.rows;
  },

  // Where the cursor is behind `text`, with respect to where the text began.
  _getDisplayPos(text) {
    const { columns } = this;
    let offset = 0;
    let rows = 0;
    for (const character of new SafeStringIterator(stripVTControlCharacters(text))) {
      if (character === '\n') {
        rows += MathCeil(offset / columns) || 1;
        offset = isMultiline(this) ? continuation.length : 0;
      } else if (character === '\t') {
        offset += this.tabSize - (offset % this.tabSize);
      } else {
        const width = getStringWidth(character, false);
        // A wide character does not begin in the last column.
        if (width === 2 && (offset + 1) % columns === 0) {
          offset++;
        }
        offset += width;
      }
    }
    const cols = offset % columns;
    return { cols, rows: rows + (offset - cols) / columns };
  },

  getCursorPos() {
    return this._getDisplayPos(this._prompt + before(this));
  },

  _moveCursor(distance) {
    if (distance === 0) {
      return;
    }
    const from = this.getCursorPos();
    this.cursor += distance;
    if (this.cursor < 0) {
      this.cursor = 0;
    } else if (this.cursor > this.line.length) {
      this.cursor = this.line.length;
    }
    const to = this.getCursorPos();
    if (from.rows === to.rows) {
      moveCursor(this.output, to.cols - from.cols, 0);
    } else {
      this._refreshLine();
    }
  },

  _insertString(text) {
    remember(this);
    const atEnd = this.cursor >= this.line.length;
    const from = atEnd && this.isCompletionEnabled ? this.getCursorPos() : undefined;
    this.line = before(this) + text + after(this);
    this.cursor += text.length;
    // The middle of what was pasted: its end shows the whole line again.
    if (!this.isCompletionEnabled || (atEnd && from.rows >= this.getCursorPos().rows)) {
      this._writeToOutput(text);
    } else {
      this._refreshLine();
    }
  },

  _tabComplete(wasTab) {
    this.pause();
    this.completer(before(this), (error, value) => {
      this.resume();
      if (error) {
        this._writeToOutput(`Tab completion error: ${require('internal/util/inspect').inspect(error)}`);
      } else {
        complete(this, wasTab, value);
      }
    });
  },

  _wordLeft() {
    if (this.cursor > 0) {
      this._moveCursor(-lengthBefore(this));
    }
  },

  _wordRight() {
    if (this.cursor < this.line.length) {
      this._moveCursor(RegExpPrototypeExec(wordAfter, after(this))[0].length);
    }
  },

  _deleteLeft() {
    if (this.cursor > 0 && this.line.length > 0) {
      deleteBefore(this, charLengthLeft(this.line, this.cursor));
    }
  },

  _deleteRight() {
    if (this.cursor < this.line.length) {
      deleteAfter(this, charLengthAt(this.line, this.cursor));
    }
  },

  _deleteWordLeft() {
    if (this.cursor > 0) {
      deleteBefore(this, lengthBefore(this));
    }
  },

  _deleteWordRight() {
    if (this.cursor < this.line.length) {
      deleteAfter(this, RegExpPrototypeExec(wordToDelete, after(this))[0].length);
    }
  },

  _deleteLineLeft() {
    remember(this);
    const killed = before(this);
    this.line = after(this);
    this.cursor = 0;
    kill(this, killed);
    this._refreshLine();
  },

  _deleteLineRight() {
    remember(this);
    const killed = after(this);
    this.line = before(this);
    kill(this, killed);
    this._refreshLine();
  },

  clearLine() {
    this._moveCursor(Infinity);
    this._writeToOutput('\r\n');
    this.line = '';
    this.cursor = 0;
    this.prevRows = 0;
  },

  _line() {
    const line = this._addHistory();
    this[kUndo] = [];
    this[kRedo] = [];
    this.clearLine();
    this._onLine(line);
  },

  _addHistory() {
    return history.add(this, isMultiline(this));
  },

  _historyNext() {
    if (history.hasNext(this)) {
      show(this, history.next(this, this[kSearch]));
    }
  },

  _historyPrev() {
    if (history.hasPrevious(this)) {
      show(this, history.previous(this, this[kSearch]));
    }
  },

  _setRawMode(mode) {
    const wasRaw = this.input.isRaw;
    if (typeof this.input.setRawMode === 'function') {
      this.input.setRawMode(mode);
    }
    return wasRaw;
  },
};

function show(lines, text) {
  // What was there can come back; the history itself is not undone.
  remember(lines);
  lines.line = text;
  lines.cursor = text.length;
  lines._refreshLine();
}

function deleteBefore(lines, length) {
  remember(lines);
  const head = StringPrototypeSlice(lines.line, 0, lines.cursor - length);
  lines.line = head + after(lines);
  lines.cursor = head.length;
  lines._refreshLine();
}

function deleteAfter(lines, length) {
  remember(lines);
  lines.line = before(lines) + StringPrototypeSlice(after(lines), length);
  lines._refreshLine();
}

// On a terminal that can do nothing, keys are only shown.
function writeDumb(text, key) {
  key ||= {};
  if (key.name === 'escape') {
    return;
  }
  if (this[kSawReturnAt] && key.name !== 'enter') {
    this[kSawReturnAt] = 0;
  }
  if (key.ctrl && key.name === 'c' && this.listenerCount('SIGINT') > 0) {
    this.emit('SIGINT');
  } else if (key.ctrl && (key.name === 'c' || key.name === 'd')) {
    this.close();
  } else if (key.name === 'return' || key.name === 'enter') {
    plain[key.name](this);
  } else if (typeof text === 'string' && text) {
    this.line += text;
    this.cursor += text.length;
    this._writeToOutput(text);
  }
}

module.exports = { before, complete, initialize, kReject, kSawReturnAt, methods, writeDumb };
