// Gives `util.parseArgs`: the options and positionals of a command line.
'use strict';

const {
  ArrayPrototypeIncludes, ArrayPrototypePush, ArrayPrototypeShift, ArrayPrototypeSlice,
  ArrayPrototypeUnshift, ObjectKeys, ObjectPrototypeHasOwnProperty, SafeArrayIterator,
  StringPrototypeIncludes, StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeStartsWith,
} = primordials;
const {
  codes: {
    ERR_INVALID_ARG_VALUE, ERR_PARSE_ARGS_INVALID_OPTION_VALUE, ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL,
    ERR_PARSE_ARGS_UNKNOWN_OPTION,
  },
} = require('internal/errors');
const { kEmptyObject } = require('internal/util');
const {
  validateArray, validateBoolean, validateBooleanArray, validateObject, validateString, validateStringArray,
  validateUnion,
} = require('internal/validators');

function own(object, key) {
  return ObjectPrototypeHasOwnProperty(object, key) ? object[key] : undefined;
}

function isLong(arg) {
  return arg.length > 2 && StringPrototypeStartsWith(arg, '--');
}

function isOptionLike(value) {
  return value !== undefined && value.length > 1 && value[0] === '-';
}

function longOf(short, options) {
  for (const name of new SafeArrayIterator(ObjectKeys(options))) {
    if (own(options[name], 'short') === short) {
      return name;
    }
  }
  return short;
}

function typeOf(name, options) {
  return own(own(options, name) ?? kEmptyObject, 'type');
}

// `-abc` where only the last may take a value.
function isShortGroup(arg, options) {
  return arg.length > 2 && arg[0] === '-' && arg[1] !== '-' && typeOf(longOf(arg[1], options), options) !== 'string';
}

// `-fVALUE`.
function isShortAndValue(arg, options) {
  return arg.length > 2 && arg[0] === '-' && arg[1] !== '-' && typeOf(longOf(arg[1], options), options) === 'string';
}

function withValue(args) {
  const value = args.length > 0 ? args[0] : undefined;
  return value !== undefined ? { value: ArrayPrototypeShift(args), inlineValue: false }
    : { value: undefined, inlineValue: undefined };
}

function tokenize(input, options) {
  const tokens = [];
  const args = ArrayPrototypeSlice(input);
  let index = -1;
  let groupCount = 0;
  while (args.length > 0) {
    const arg = ArrayPrototypeShift(args);
    if (groupCount > 0) {
      groupCount--;
    } else {
      index++;
    }
    if (arg === '--') {
      ArrayPrototypePush(tokens, { kind: 'option-terminator', index });
      for (const value of new SafeArrayIterator(args)) {
        ArrayPrototypePush(tokens, { kind: 'positional', index: ++index, value });
      }
      break;
    }
    if (arg.length === 2 && arg[0] === '-' && arg[1] !== '-') {
      const name = longOf(arg[1], options);
      let found = { value: undefined, inlineValue: undefined };
      if (typeOf(name, options) === 'string') {
        found = withValue(args);
      }
      ArrayPrototypePush(tokens, {
        kind: 'option', name, rawName: arg, index, value: found.value, inlineValue: found.inlineValue,
      });
      if (found.value !== undefined) {
        index++;
      }
    } else if (isShortGroup(arg, options)) {
      const expanded = [];
      for (let i = 1; i < arg.length; i++) {
        const name = longOf(arg[i], options);
        if (typeOf(name, options) !== 'string' || i === arg.length - 1) {
          ArrayPrototypePush(expanded, `-${arg[i]}`);
        } else {
          ArrayPrototypePush(expanded, `-${StringPrototypeSlice(arg, i)}`);
          break;
        }
      }
      prepend(args, expanded);
      groupCount = expanded.length;
    } else if (isShortAndValue(arg, options)) {
      ArrayPrototypePush(tokens, {
        kind: 'option', name: longOf(arg[1], options), rawName: `-${arg[1]}`, index,
        value: StringPrototypeSlice(arg, 2), inlineValue: true,
      });
    } else if (isLong(arg) && !StringPrototypeIncludes(StringPrototypeSlice(arg, 3), '=')) {
      const name = StringPrototypeSlice(arg, 2);
      const found = typeOf(name, options) === 'string' ? withValue(args)
        : { value: undefined, inlineValue: undefined };
      ArrayPrototypePush(tokens, {
        kind: 'option', name, rawName: arg, index, value: found.value, inlineValue: found.inlineValue,
      });
      if (found.value !== undefined) {
        index++;
      }
    } else if (isLong(arg)) {
      const equals = StringPrototypeIndexOf(arg, '=', 3);
      const name = StringPrototypeSlice(arg, 2, equals);
      ArrayPrototypePush(tokens, {
        kind: 'option', name, rawName: `--${name}`, index, value: StringPrototypeSlice(arg, equals + 1),
        inlineValue: true,
      });
    } else {
      ArrayPrototypePush(tokens, { kind: 'positional', index, value: arg });
    }
  }
  return tokens;
}

// The group's options are looked at next, in order.
function prepend(args, expanded) {
  for (let i = expanded.length - 1; i >= 0; i--) {
    ArrayPrototypeUnshift(args, expanded[i]);
  }
}

function checkUsage(config, token) {
  const { options } = config;
  let short = own(own(options, token.name) ?? kEmptyObject, 'short');
  short = short ? `-${short}, ` : '';
  const shown = `${short}--${token.name}`;
  if (ObjectPrototypeHasOwnProperty(options, token.name)) {
    const type = typeOf(token.name, options);
    if (type === 'string' && typeof token.value !== 'string') {
      throw new ERR_PARSE_ARGS_INVALID_OPTION_VALUE(`Option '${shown} <value>' argument missing`);
    }
    if (type === 'boolean' && token.value != null) {
      throw new ERR_PARSE_ARGS_INVALID_OPTION_VALUE(`Option '${shown}' does not take an argument`);
    }
    return;
  }
  if (config.allowNegative && StringPrototypeStartsWith(token.name, 'no-')) {
    const name = StringPrototypeSlice(token.name, 3);
    if (ObjectPrototypeHasOwnProperty(options, name) && typeOf(name, options) === 'boolean') {
      if (token.value != null) {
        throw new ERR_PARSE_ARGS_INVALID_OPTION_VALUE(`Option '--${token.name}' does not take an argument`);
      }
      return;
    }
  }
  throw new ERR_PARSE_ARGS_UNKNOWN_OPTION(token.rawName, config.allowPositionals);
}

// `--foo --bar` where foo takes a value is more likely a forgotten value than a value that starts with a dash.
function checkOptionLikeValue(token) {
  if (!token.inlineValue && isOptionLike(token.value)) {
    const example = StringPrototypeStartsWith(token.rawName, '--') ? `'${token.rawName}=-XYZ'`
      : `'--${token.name}=-XYZ' or '${token.rawName}-XYZ'`;
    throw new ERR_PARSE_ARGS_INVALID_OPTION_VALUE(`Option '${token.rawName}' argument is ambiguous.
Did you forget to specify the option argument for '${token.rawName}'?
To specify an option argument starting with a dash use ${example}.`);
  }
}

function store(token, options, values, allowNegative) {
  let { name, value } = token;
  if (name === '__proto__') {
    return;
  }
  if (allowNegative && StringPrototypeStartsWith(name, 'no-') && value === undefined) {
    // The token is named after the option that it switches off.
    name = token.name = StringPrototypeSlice(name, 3);
    value = false;
  }
  const result = value ?? true;
  if (own(own(options, name) ?? kEmptyObject, 'multiple')) {
    values[name] ??= [];
    ArrayPrototypePush(values[name], result);
  } else {
    values[name] = result;
  }
}

function checkOptions(options) {
  for (const name of new SafeArrayIterator(ObjectKeys(options))) {
    const option = options[name];
    validateObject(option, `options.${name}`);
    const type = own(option, 'type');
    validateUnion(type, `options.${name}.type`, ['string', 'boolean']);
    if (ObjectPrototypeHasOwnProperty(option, 'short')) {
      const { short } = option;
      validateString(short, `options.${name}.short`);
      if (short.length !== 1) {
        throw new ERR_INVALID_ARG_VALUE(`options.${name}.short`, short, 'must be a single character');
      }
    }
    const multiple = own(option, 'multiple');
    if (ObjectPrototypeHasOwnProperty(option, 'multiple')) {
      validateBoolean(multiple, `options.${name}.multiple`);
    }
    const fallback = own(option, 'default');
    if (fallback !== undefined) {
      const check = type === 'string' ? (multiple ? validateStringArray : validateString)
        : (multiple ? validateBooleanArray : validateBoolean);
      check(fallback, `options.${name}.default`);
    }
  }
}

function mainArguments() {
  const { argv, execArgv } = require('process');
  // With `-e` or `-p` there is no script among the arguments.
  for (const flag of new SafeArrayIterator(['-e', '--eval', '-p', '--print'])) {
    if (ArrayPrototypeIncludes(execArgv, flag)) {
      return ArrayPrototypeSlice(argv, 1);
    }
  }
  return ArrayPrototypeSlice(argv, 2);
}

exports.parseArgs = (config = kEmptyObject) => {
  const args = own(config, 'args') ?? mainArguments();
  const strict = own(config, 'strict') ?? true;
  const allowPositionals = own(config, 'allowPositionals') ?? !strict;
  const returnTokens = own(config, 'tokens') ?? false;
  const allowNegative = own(config, 'allowNegative') ?? false;
  const options = own(config, 'options') ?? { __proto__: null };
  const settings = { args, strict, options, allowPositionals, allowNegative };
  validateArray(args, 'args');
  validateBoolean(strict, 'strict');
  validateBoolean(allowPositionals, 'allowPositionals');
  validateBoolean(returnTokens, 'tokens');
  validateBoolean(allowNegative, 'allowNegative');
  validateObject(options, 'options');
  checkOptions(options);
  const tokens = tokenize(args, options);
  const result = { values: { __proto__: null }, positionals: [] };
  if (returnTokens) {
    result.tokens = tokens;
  }
  for (const token of new SafeArrayIterator(tokens)) {
    if (token.kind === 'option') {
      if (strict) {
        checkUsage(settings, token);
        checkOptionLikeValue(token);
      }
      store(token, options, result.values, allowNegative);
    } else if (token.kind === 'positional') {
      if (!allowPositionals) {
        throw new ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL(token.value);
      }
      ArrayPrototypePush(result.positionals, token.value);
    }
  }
  for (const name of new SafeArrayIterator(ObjectKeys(options))) {
    const fallback = own(options[name], 'default');
    if (fallback !== undefined && result.values[name] === undefined) {
      result.values[name] = fallback;
    }
  }
  return result;
};
