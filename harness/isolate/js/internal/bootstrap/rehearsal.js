// Calls in a new context, before anybody waits for it, what nearly every execution calls: V8 readies a function of the snapshot with its first
// call. Nothing of it may show: what is called here keeps nothing, and the native side has no execution yet that it could tell.
'use strict';

const { ReflectApply } = primordials;

const console = require('console');
const { join } = require('path');
const { rehearse: rehearseLoader } = require('internal/modules/cjs');
const { rehearse: rehearseHandler } = require('internal/modules/handler');
const { resolveMain, shouldImport } = require('internal/modules/run_main');
const { processTicks } = require('internal/task_queues');
const { hasRefs, isIdle, processImmediates, processTimers } = require('internal/timers');

function rehearse() {
  resolveMain('/rehearsal.js');
  shouldImport('/rehearsal.js');
  rehearseLoader();
  rehearseHandler();
  // A write without an execution goes nowhere.
  ReflectApply(console.log, console, ['%s', 'rehearsal', 'of', 1]);
  join('/rehearsal', '..', 'rehearsal.js');
  processTicks();
  processTimers(0);
  processImmediates();
  hasRefs();
  isIdle();
}

module.exports = { rehearse };
