// What becomes of a signal: its listeners hear of it, or it does what it does by default.
'use strict';

const { signals } = require('internal/process/facts');

// Nobody is there who could continue what a key stopped: such signals are ignored, as the kernel does for a group without a parent.
const ignored = {
  __proto__: null,
  [signals.SIGCHLD]: true,
  [signals.SIGCONT]: true,
  [signals.SIGTSTP]: true,
  [signals.SIGTTIN]: true,
  [signals.SIGTTOU]: true,
  [signals.SIGURG]: true,
  [signals.SIGWINCH]: true,
};

// The name under which somebody listens to it, if anybody does and may.
function heardAs(number) {
  const process = require('process');
  for (const name in signals) {
    if (signals[name] === number && process.listenerCount(name) > 0 && number !== signals.SIGKILL && number !== signals.SIGSTOP) {
      return name;
    }
  }
  return undefined;
}

function byDefault(number) {
  if (!ignored[number]) {
    native.process.exit(128 + number);
  }
}

// A signal to ourselves: its listeners hear of it in the poll phase.
function raise(number) {
  const name = heardAs(number);
  if (name === undefined) {
    byDefault(number);
  } else {
    native.loop.defer(() => require('process').emit(name, name, number));
  }
}

// A signal that arrived in the poll phase.
function deliver(number) {
  const name = heardAs(number);
  if (name === undefined) {
    byDefault(number);
  } else {
    require('process').emit(name, name, number);
  }
}

module.exports = { deliver, raise };
