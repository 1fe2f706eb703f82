// Gives `util.debuglog`: lines on stderr for the sections that `NODE_DEBUG` names.
'use strict';

const {
  ArrayPrototypeJoin, ObjectDefineProperty, RegExp, RegExpPrototypeExec,
  RegExpPrototypeSymbolReplace, SafeArrayIterator, StringPrototypeSplit, StringPrototypeToUpperCase,
  hardenRegExp,
} = primordials;
const { format, formatWithOptions } = require('internal/util/inspect');

// Read when a section is first used: the environment is not there yet when the start-up snapshot is made.
function enabledSections() {
  return require('process').env.NODE_DEBUG ?? '';
}

function matches(section) {
  for (const name of new SafeArrayIterator(StringPrototypeSplit(enabledSections(), ','))) {
    const escaped = RegExpPrototypeSymbolReplace(hardenRegExp(/[|\\{}()[\]^$+?.]/g), name, '\\$&');
    const pattern = `^${ArrayPrototypeJoin(StringPrototypeSplit(escaped, '*'), '.*')}$`;
    if (name !== '' && RegExpPrototypeExec(new RegExp(pattern, 'i'), section) !== null) {
      return true;
    }
  }
  return false;
}

function write(section, args) {
  const process = require('process');
  const { stderr } = process;
  const text = stderr.isTTY ? formatWithOptions({ colors: true }, ...new SafeArrayIterator(args))
    : format(...new SafeArrayIterator(args));
  native.console.write(2, `${section} ${process.pid}: ${text}\n`);
}

exports.debuglog = function debuglog(set, onReady) {
  const section = StringPrototypeToUpperCase(set);
  let enabled;
  function isEnabled() {
    enabled ??= matches(section);
    return enabled;
  }
  let log = (...args) => {
    if (isEnabled()) {
      log = (...rest) => write(section, rest);
      if (typeof onReady === 'function') {
        onReady(log);
      }
      write(section, args);
    } else {
      log = () => {};
      if (typeof onReady === 'function') {
        onReady(log);
      }
    }
  };
  const logger = (...args) => log(...new SafeArrayIterator(args));
  ObjectDefineProperty(logger, 'enabled', {
    __proto__: null, get: isEnabled, configurable: true, enumerable: true,
  });
  return logger;
};
