// Writes errors for `util.inspect`: the stack with the class name put right, repeated frames folded, cause and aggregated errors as keys.
'use strict';

const {
  ArrayIsArray, ArrayPrototypeIncludes, ArrayPrototypeIndexOf, ArrayPrototypeJoin,
  ArrayPrototypePush, ArrayPrototypeSplice, Error, ErrorPrototypeToString, MathMin,
  RegExpPrototypeExec, SafeArrayIterator, SafeSet, String, StringPrototypeEndsWith,
  StringPrototypeIncludes, StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeSplit,
  StringPrototypeStartsWith,
} = primordials;
const { spaces } = require('internal/util/inspect_text');
const { isNativeError, isProxy } = require('internal/util/types');

const firstFrame = '\n    at';
const namedStack = /^([A-Z][a-z_ A-Z0-9[\]()-]+)(?::|\n\s+at)/;
const bareName = /^([a-z_A-Z0-9-]*Error)$/;
const builtinFrame = /^ {4}at (?:[^/\\(]+ \(|)node:(.+):\d+:\d+(?:\)|$)/;
const nodeModulesPart = /[/\\]node_modules[/\\](@[^/\\]+[/\\][^/\\]+|[^/\\]+)(?=[/\\])/g;

function isError(value) {
  return isNativeError(value) || (!isProxy(value) && value instanceof Error);
}

function stackOf(ctx, error, inspect) {
  const { stack } = error;
  if (!stack) {
    return ErrorPrototypeToString(error);
  }
  if (typeof stack === 'string') {
    return stack;
  }
  // A stack that a guest replaced by some other value is shown below the error's text.
  const { compact, depth, indentationLvl } = ctx;
  ctx.compact = compact === true;
  ctx.depth = null;
  ctx.indentationLvl = indentationLvl + 4;
  const text = inspect(ctx, stack);
  ctx.compact = compact;
  ctx.depth = depth;
  ctx.indentationLvl = indentationLvl;
  return `${ErrorPrototypeToString(error)}\n    ${text}`;
}

// The longest run of frames that both stacks share, wherever it starts.
function identicalSequenceRange(frames, others) {
  for (let i = 0; i < frames.length - 3; i++) {
    const at = ArrayPrototypeIndexOf(others, frames[i]);
    if (at !== -1) {
      const rest = others.length - at;
      if (rest > 3) {
        let length = 1;
        const max = MathMin(frames.length - i, rest);
        while (max > length && frames[i + length] === others[at + length]) {
          length++;
        }
        if (length > 3) {
          return { length, offset: i };
        }
      }
    }
  }
  return { length: 0, offset: 0 };
}

function sameRange(frames, first, second, length) {
  for (let i = 0; i < length; i++) {
    if (frames[first + i] !== frames[second + i]) {
      return false;
    }
  }
  return true;
}

// Folds what a recursion repeats: the first round stays, the others are counted.
function foldRepeated(ctx, frames) {
  const result = [];
  let i = 0;
  while (i < frames.length) {
    let folded = false;
    // The distance to the frame's next appearance is the length of one round.
    let next = ArrayPrototypeIndexOf(frames, frames[i], i + 1);
    while (next !== -1) {
      const length = next - i;
      let rounds = 0;
      while (next + (rounds + 1) * length <= frames.length && sameRange(frames, i, next + rounds * length, length)) {
        rounds++;
      }
      if (rounds * length >= 3) {
        for (let j = i; j < next; j++) {
          ArrayPrototypePush(result, frames[j]);
        }
        ArrayPrototypePush(result, ctx.stylize(
          `    ... collapsed ${rounds * length} duplicate lines matching above ${length} lines ${rounds} times...`,
          'undefined'));
        i = next + rounds * length;
        folded = true;
      }
      if (rounds > 0) {
        break;
      }
      next = ArrayPrototypeIndexOf(frames, frames[i], next + 1);
    }
    if (!folded) {
      ArrayPrototypePush(result, frames[i++]);
    }
  }
  return result;
}

function stackFrames(ctx, error, text, inspect) {
  const frames = StringPrototypeSplit(text, '\n');
  let cause;
  try {
    ({ cause } = error);
  } catch {
    // A getter of the guest that throws leaves the frames as they are.
  }
  if (cause != null && isError(cause)) {
    const causeStack = stackOf(ctx, cause, inspect);
    const start = StringPrototypeIndexOf(causeStack, firstFrame);
    if (start !== -1) {
      const causeFrames = StringPrototypeSplit(StringPrototypeSlice(causeStack, start + 1), '\n');
      const { length, offset } = identicalSequenceRange(frames, causeFrames);
      if (length > 3) {
        const skipped = length - 2;
        ArrayPrototypeSplice(frames, offset + 1, skipped,
          ctx.stylize(`    ... ${skipped} lines matching cause stack trace ...`, 'undefined'));
      }
    }
  }
  // Few repetitions are easier to read than a count of them.
  return frames.length > 10 && frames.length - new SafeSet(new SafeArrayIterator(frames)).size > 3
    ? foldRepeated(ctx, frames) : frames;
}

// Own `name`, `message` and `stack` are not repeated as keys when the stack shows them already.
function removeShownKeys(ctx, keys, error, stack) {
  if (ctx.showHidden || keys.length === 0) {
    return;
  }
  for (const name of new SafeArrayIterator(['name', 'message', 'stack'])) {
    const index = ArrayPrototypeIndexOf(keys, name);
    if (index !== -1 && (typeof error[name] !== 'string' || StringPrototypeIncludes(stack, error[name]))) {
      ArrayPrototypeSplice(keys, index, 1);
    }
  }
}

function improveStack(stack, constructor, name, tag, prefixOf) {
  let length = name.length;
  const regular = StringPrototypeEndsWith(name, 'Error') && StringPrototypeStartsWith(stack, name) &&
    (stack.length === length || stack[length] === ':' || stack[length] === '\n');
  if (constructor !== null && !regular) {
    return stack;
  }
  let fallback = 'Error';
  if (constructor === null) {
    const start = RegExpPrototypeExec(namedStack, stack) ?? RegExpPrototypeExec(bareName, stack);
    fallback = (start !== null && start[1]) || '';
    length = fallback.length;
    fallback ||= 'Error';
  }
  const prefix = StringPrototypeSlice(prefixOf(constructor, tag, fallback), 0, -1);
  if (name === prefix) {
    return stack;
  }
  if (StringPrototypeIncludes(prefix, name)) {
    return length === 0 ? `${prefix}: ${stack}` : `${prefix}${StringPrototypeSlice(stack, length)}`;
  }
  return `${prefix} [${name}]${StringPrototypeSlice(stack, length)}`;
}

function colourFrame(ctx, line) {
  const core = RegExpPrototypeExec(builtinFrame, line);
  if (core !== null) {
    return ctx.stylize(line, 'undefined');
  }
  let result = '';
  let last = 0;
  nodeModulesPart.lastIndex = 0;
  let match;
  while ((match = RegExpPrototypeExec(nodeModulesPart, line)) !== null) {
    // The name of the package is underlined.
    const nameStart = match.index + 14;
    result += StringPrototypeSlice(line, last, nameStart) + ctx.stylize(match[1], 'module');
    last = nameStart + match[1].length;
  }
  return dimDirectory(ctx, result + StringPrototypeSlice(line, last));
}

// Where the working directory begins in a frame, as a path or a URL, and how long it is.
function findDirectory(line, directory) {
  const prefix = directory === '/' ? '/' : `${directory}/`;
  for (const start of new SafeArrayIterator(['(file://', ' file://', '(', ' '])) {
    const at = StringPrototypeIndexOf(line, start + prefix);
    if (at !== -1) {
      return { at: at + 1, length: start.length - 1 + prefix.length };
    }
  }
  return undefined;
}

// What of a place is only the working directory's is dim.
function dimDirectory(ctx, line) {
  let directory;
  try {
    directory = require('process').cwd();
  } catch {
    return line;
  }
  const found = findDirectory(line, directory);
  if (found === undefined) {
    return line;
  }
  const end = found.at + found.length;
  const inside = line[found.at - 1] === '(';
  const start = inside ? found.at - 1 : found.at;
  const closes = inside && StringPrototypeEndsWith(line, ')');
  return StringPrototypeSlice(line, 0, start) + ctx.stylize(StringPrototypeSlice(line, start, end), 'undefined') +
    StringPrototypeSlice(line, end, closes ? -1 : line.length) + (closes ? ctx.stylize(')', 'undefined') : '');
}

function formatError(error, constructor, tag, ctx, keys, { prefixOf, inspect }) {
  const name = error.name != null ? String(error.name) : 'Error';
  let stack = stackOf(ctx, error, inspect);
  removeShownKeys(ctx, keys, error, stack);
  if ('cause' in error && (keys.length === 0 || !ArrayPrototypeIncludes(keys, 'cause'))) {
    ArrayPrototypePush(keys, 'cause');
  }
  if (ArrayIsArray(error.errors) && (keys.length === 0 || !ArrayPrototypeIncludes(keys, 'errors'))) {
    ArrayPrototypePush(keys, 'errors');
  }
  stack = improveStack(stack, constructor, name, tag, prefixOf);
  // A message may hold something that looks like a frame.
  let from = (error.message && StringPrototypeIndexOf(stack, error.message)) || -1;
  if (from !== -1) {
    from += error.message.length;
  }
  const start = StringPrototypeIndexOf(stack, firstFrame, from);
  if (start === -1) {
    stack = `[${stack}]`;
  } else {
    let text = StringPrototypeSlice(stack, 0, start);
    const frames = stackFrames(ctx, error, StringPrototypeSlice(stack, start + 1), inspect);
    for (const line of new SafeArrayIterator(frames)) {
      text += `\n${ctx.colors ? colourFrame(ctx, line) : line}`;
    }
    stack = text;
  }
  if (ctx.indentationLvl !== 0) {
    stack = ArrayPrototypeJoin(StringPrototypeSplit(stack, '\n'), `\n${spaces(ctx.indentationLvl)}`);
  }
  return stack;
}

module.exports = { formatError, identicalSequenceRange, isError };
