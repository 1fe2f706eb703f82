// How many colours a terminal shows, by what the environment tells of it.
'use strict';

const {
  ArrayPrototypeSome,
  ObjectPrototypeHasOwnProperty,
  RegExpPrototypeExec,
  StringPrototypeToLowerCase,
  hardenRegExp,
} = primordials;

const { validateInteger } = require('internal/validators');

// Bits of a colour.
const none = 1;
const basic = 4;
const extended = 8;
const full = 24;

const forced = { __proto__: null, '': basic, '1': basic, 'true': basic, '2': extended, '3': full };

const terminals = {
  '__proto__': null, 'cons25': basic, 'console': basic, 'cygwin': basic, 'dtterm': basic, 'eterm': basic, 'gnome': basic, 'hurd': basic,
  'jfbterm': basic, 'konsole': basic, 'kterm': basic, 'mlterm': basic, 'mosh': full, 'putty': basic, 'rxvt-unicode-24bit': full, 'st': basic,
  'terminator': full, 'xterm-kitty': full,
};

// In the order in which they are asked.
const builders = [
  ['APPVEYOR', extended], ['BUILDKITE', extended], ['CIRCLECI', full], ['DRONE', extended], ['GITEA_ACTIONS', full],
  ['GITHUB_ACTIONS', full], ['GITLAB_CI', extended], ['TRAVIS', extended],
];

const families = [
  /ansi/, /color/, /linux/, /direct/, /^con[0-9]*x[0-9]/, /^rxvt/, /^screen/, /^xterm/, /^vt100/, /^vt220/,
].map(hardenRegExp);
const trueColor = hardenRegExp(/truecolor/);
const xterm256 = hardenRegExp(/^xterm-256/);
const teamCity = hardenRegExp(/^(9\.(0*[1-9]\d*)\.|\d{2,}\.)/);
const oldITerm = hardenRegExp(/^[0-2]\./);

let warned = false;

function isSet(value) {
  return value !== undefined && value !== '';
}

function warnOfIgnored(env) {
  const names = [];
  for (const name of ['NODE_DISABLE_COLORS', 'NO_COLOR']) {
    if (isSet(env[name])) {
      names[names.length] = name;
    }
  }
  if (!warned && names.length > 0) {
    const list = names.length === 2 ? `${names[0]}' and '${names[1]}` : names[0];
    require('process').emitWarning(`The '${list}' env is ignored due to the 'FORCE_COLOR' env being set.`, 'Warning');
    warned = true;
  }
}

function ofBuilder(env) {
  for (let i = 0; i < builders.length; i++) {
    if (ObjectPrototypeHasOwnProperty(env, builders[i][0])) {
      return builders[i][1];
    }
  }
  return env.CI_NAME === 'codeship' ? extended : none;
}

function ofProgram(env) {
  switch (env.TERM_PROGRAM) {
    case 'iTerm.app':
      return !env.TERM_PROGRAM_VERSION || RegExpPrototypeExec(oldITerm, env.TERM_PROGRAM_VERSION) !== null ? extended : full;
    case 'HyperTerm':
    case 'MacTerm':
      return full;
    case 'Apple_Terminal':
      return extended;
    default:
      return undefined;
  }
}

function ofName(env) {
  if (env.TERM) {
    if (RegExpPrototypeExec(trueColor, env.TERM) !== null) {
      return full;
    }
    if (RegExpPrototypeExec(xterm256, env.TERM) !== null) {
      return extended;
    }
    const name = StringPrototypeToLowerCase(env.TERM);
    if (terminals[name] !== undefined) {
      return terminals[name];
    }
    if (ArrayPrototypeSome(families, (family) => RegExpPrototypeExec(family, name) !== null)) {
      return basic;
    }
  }
  return env.COLORTERM ? basic : none;
}

function getColorDepth(env = require('process').env) {
  if (env.FORCE_COLOR !== undefined) {
    const depth = forced[env.FORCE_COLOR];
    if (depth !== undefined) {
      warnOfIgnored(env);
    }
    return depth ?? none;
  }
  if (isSet(env.NODE_DISABLE_COLORS) || isSet(env.NO_COLOR) || env.TERM === 'dumb') {
    return none;
  }
  if (env.TMUX) {
    return full;
  }
  if (ObjectPrototypeHasOwnProperty(env, 'TF_BUILD') && ObjectPrototypeHasOwnProperty(env, 'AGENT_NAME')) {
    return basic;
  }
  if (ObjectPrototypeHasOwnProperty(env, 'CI')) {
    return ofBuilder(env);
  }
  if ('TEAMCITY_VERSION' in env) {
    return RegExpPrototypeExec(teamCity, env.TEAMCITY_VERSION) !== null ? basic : none;
  }
  const depth = ofProgram(env);
  if (depth !== undefined) {
    return depth;
  }
  return env.COLORTERM === 'truecolor' || env.COLORTERM === '24bit' ? full : ofName(env);
}

function hasColors(count, env) {
  if (env === undefined && (count === undefined || (typeof count === 'object' && count !== null))) {
    env = count;
    count = 16;
  } else {
    validateInteger(count, 'count', 2);
  }
  return count <= 2 ** getColorDepth(env);
}

module.exports = { getColorDepth, hasColors };
