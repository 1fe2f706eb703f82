// Finds what an inspected object is called: its constructor, its prefix, the head of a class or function.
'use strict';

const {
  ArrayPrototypeForEach, ArrayPrototypePop, ArrayPrototypePush, ArrayPrototypeSplice,
  BigIntPrototypeValueOf, BooleanPrototypeValueOf, FunctionPrototypeToString,
  NumberPrototypeValueOf, ObjectGetOwnPropertyDescriptor, ObjectGetPrototypeOf,
  ObjectPrototypeHasOwnProperty, ReflectOwnKeys, RegExpPrototypeExec, RegExpPrototypeSymbolReplace,
  SafeArrayIterator, SafeSet, String, StringPrototypeCharAt, StringPrototypeEndsWith, StringPrototypeIncludes,
  StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeStartsWith,
  StringPrototypeToLowerCase, StringPrototypeValueOf, SymbolPrototypeValueOf, builtInNames,
  hardenRegExp,
} = primordials;
const { formatPrimitive, stylizeNoColor } = require('internal/util/inspect_text');
const types = require('internal/util/types');

const blockComment = hardenRegExp(/(\/\/.*?\n)|(\/\*(.|\n)*?\*\/)/g);
const classHead = /^(\s+[^(]*?)\s*{/;

// Properties that come from the language's own classes are not the guest's, so they are not shown.
const builtInObjects = new SafeSet(new SafeArrayIterator(builtInNames));

function isInstanceof(object, constructor) {
  try {
    return object instanceof constructor;
  } catch {
    return false;
  }
}

let walk;
function connect(functions) {
  walk = functions;
}

// With `showHidden`, the properties of up to three user-defined prototypes are listed too.
function addPrototypeProperties(ctx, main, from, recurseTimes, output) {
  let object = from;
  let depth = 0;
  let keys;
  let seen;
  do {
    if (depth !== 0 || main === object) {
      object = ObjectGetPrototypeOf(object);
      if (object === null) {
        break;
      }
      const descriptor = ObjectGetOwnPropertyDescriptor(object, 'constructor');
      if (descriptor !== undefined && typeof descriptor.value === 'function' &&
          builtInObjects.has(descriptor.value.name)) {
        break;
      }
    }
    if (depth === 0) {
      seen = new SafeSet();
    } else {
      ArrayPrototypeForEach(keys, (key) => seen.add(key));
    }
    keys = ReflectOwnKeys(object);
    ArrayPrototypePush(ctx.seen, main);
    for (const key of new SafeArrayIterator(keys)) {
      if (key === 'constructor' || ObjectPrototypeHasOwnProperty(main, key) || (depth !== 0 && seen.has(key))) {
        continue;
      }
      const descriptor = ObjectGetOwnPropertyDescriptor(object, key);
      if (typeof descriptor.value === 'function') {
        continue;
      }
      const text = walk.formatProperty(ctx, object, recurseTimes, key, 0, descriptor, main);
      ArrayPrototypePush(output, ctx.colors ? `\u001b[2m${text}\u001b[22m` : text);
    }
    ArrayPrototypePop(ctx.seen);
  } while (++depth !== 3);
}

function getConstructorName(value, ctx, recurseTimes, protoProps) {
  let object = value;
  let firstProto;
  while (object) {
    const descriptor = ObjectGetOwnPropertyDescriptor(object, 'constructor');
    if (descriptor !== undefined && typeof descriptor.value === 'function' && descriptor.value.name !== '' &&
        isInstanceof(value, descriptor.value)) {
      if (protoProps !== undefined && (firstProto !== object || !builtInObjects.has(descriptor.value.name))) {
        addPrototypeProperties(ctx, value, firstProto || value, recurseTimes, protoProps);
      }
      return String(descriptor.value.name);
    }
    object = ObjectGetPrototypeOf(object);
    if (firstProto === undefined) {
      firstProto = object;
    }
  }
  if (firstProto === null) {
    return null;
  }
  const name = native.util.getConstructorName(value);
  if (recurseTimes > ctx.depth && ctx.depth !== null) {
    return `${name} <Complex prototype>`;
  }
  const inner = getConstructorName(firstProto, ctx, recurseTimes + 1, protoProps);
  if (inner === null) {
    return `${name} <${walk.inspect(firstProto, { ...ctx, customInspect: false, depth: -1 })}>`;
  }
  return `${name} <${inner}>`;
}

// Whether the name of a class has the tag in it, up to where the name ends or another word of it begins.
function saysTag(name, tag) {
  const start = StringPrototypeIndexOf(name, tag);
  const next = start === -1 ? '' : StringPrototypeCharAt(name, start + tag.length);
  return start !== -1 && (next === '' || next !== StringPrototypeToLowerCase(next));
}

function getPrefix(constructor, tag, fallback, size = '') {
  if (constructor === null) {
    return tag !== '' && fallback !== tag ? `[${fallback}${size}: null prototype] [${tag}] `
      : `[${fallback}${size}: null prototype] `;
  }
  return tag !== '' && !saysTag(constructor, tag) ? `${constructor}${size} [${tag}] ` : `${constructor}${size} `;
}

function getClassBase(value, constructor, tag) {
  const name = (ObjectPrototypeHasOwnProperty(value, 'name') && value.name) || '(anonymous)';
  let base = `class ${name}`;
  if (constructor !== 'Function' && constructor !== null) {
    base += ` [${constructor}]`;
  }
  if (tag !== '' && constructor !== tag) {
    base += ` [${tag}]`;
  }
  if (constructor === null) {
    base += ' extends [null prototype]';
  } else {
    const superName = ObjectGetPrototypeOf(value).name;
    if (superName) {
      base += ` extends ${superName}`;
    }
  }
  return `[${base}]`;
}

function isClass(source) {
  if (!StringPrototypeStartsWith(source, 'class') || !StringPrototypeEndsWith(source, '}')) {
    return false;
  }
  const rest = StringPrototypeSlice(source, 5, -1);
  const brace = StringPrototypeIndexOf(rest, '{');
  // A method called `class` has parentheses before its body.
  return brace !== -1 && (!StringPrototypeIncludes(StringPrototypeSlice(rest, 0, brace), '(') ||
    RegExpPrototypeExec(classHead, RegExpPrototypeSymbolReplace(blockComment, rest, '')) !== null);
}

function getFunctionBase(value, constructor, tag) {
  if (isClass(FunctionPrototypeToString(value))) {
    return getClassBase(value, constructor, tag);
  }
  let type = 'Function';
  if (types.isGeneratorFunction(value)) {
    type = `Generator${type}`;
  }
  if (types.isAsyncFunction(value)) {
    type = `Async${type}`;
  }
  let base = `[${type}`;
  if (constructor === null) {
    base += ' (null prototype)';
  }
  if (value.name === '') {
    base += ' (anonymous)';
  } else {
    base += `: ${typeof value.name === 'string' ? value.name : walk.inspect(value.name)}`;
  }
  base += ']';
  if (constructor !== type && constructor !== null) {
    base += ` ${constructor}`;
  }
  if (tag !== '' && constructor !== tag) {
    base += ` [${tag}]`;
  }
  return base;
}

function boxedType(value) {
  if (types.isNumberObject(value)) {
    return ['Number', NumberPrototypeValueOf(value)];
  }
  if (types.isStringObject(value)) {
    return ['String', StringPrototypeValueOf(value)];
  }
  if (types.isBooleanObject(value)) {
    return ['Boolean', BooleanPrototypeValueOf(value)];
  }
  if (types.isBigIntObject(value)) {
    return ['BigInt', BigIntPrototypeValueOf(value)];
  }
  return ['Symbol', SymbolPrototypeValueOf(value)];
}

function getBoxedBase(value, ctx, keys, constructor, tag) {
  const boxed = boxedType(value);
  const type = boxed[0];
  if (type === 'String') {
    // The indices are the text itself.
    ArrayPrototypeSplice(keys, 0, boxed[1].length);
  }
  let base = `[${type}`;
  if (type !== constructor) {
    base += constructor === null ? ' (null prototype)' : ` (${constructor})`;
  }
  base += `: ${formatPrimitive(stylizeNoColor, boxed[1], ctx)}]`;
  if (tag !== '' && tag !== constructor) {
    base += ` [${tag}]`;
  }
  if (keys.length !== 0 || ctx.stylize === stylizeNoColor) {
    return base;
  }
  return ctx.stylize(base, StringPrototypeToLowerCase(type));
}

module.exports = {
  builtInObjects, connect, getBoxedBase, getConstructorName, getFunctionBase, getPrefix,
};
