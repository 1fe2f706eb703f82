// Timeouts and immediates: the lists behind setTimeout, setInterval and setImmediate, and what the event loop runs of them.
'use strict';

const {
  MathMax, MathTrunc, ObjectCreate, ReflectApply, SafeMap, Symbol, SymbolDispose, SymbolToPrimitive,
} = primordials;

const { validateFunction } = require('internal/validators');
const taskQueues = require('internal/task_queues');
const asyncFrame = require('internal/async_context_frame');

const TIMEOUT_MAX = 2 ** 31 - 1;

const kRefed = Symbol('refed');
const kHasPrimitive = Symbol('kHasPrimitive');
const kAsyncId = Symbol('asyncId');
const kTriggerId = Symbol('triggerId');
const kFrame = Symbol('kAsyncContextFrame');

let lastId = 0;
let activeTimeouts = 0;
let activeImmediates = 0;

function now() {
  return MathTrunc(native.loop.now());
}

// ---- Lists: one for each duration, a ring of timers in order of their start; the lists themselves in a binary heap by expiry.

const lists = new SafeMap();
const heap = [];

function lessThan(a, b) {
  return a.expiry < b.expiry || (a.expiry === b.expiry && a.order < b.order);
}

function siftUp(index) {
  const list = heap[index];
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!lessThan(list, heap[parent])) {
      break;
    }
    heap[index] = heap[parent];
    heap[index].index = index;
    index = parent;
  }
  heap[index] = list;
  list.index = index;
}

function siftDown(index) {
  const list = heap[index];
  const { length } = heap;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= length) {
      break;
    }
    if (child + 1 < length && lessThan(heap[child + 1], heap[child])) {
      child++;
    }
    if (!lessThan(heap[child], list)) {
      break;
    }
    heap[index] = heap[child];
    heap[index].index = index;
    index = child;
  }
  heap[index] = list;
  list.index = index;
}

function pushList(list) {
  heap[heap.length] = list;
  siftUp(heap.length - 1);
}

function removeList(list) {
  const { index } = list;
  const last = heap[heap.length - 1];
  heap.length -= 1;
  if (last !== list) {
    heap[index] = last;
    last.index = index;
    siftDown(index);
    siftUp(last.index);
  }
  lists.delete(list.duration);
}

let listOrder = 0;

class TimersList {
  constructor(duration, expiry) {
    this._idleNext = this;
    this._idlePrev = this;
    this.expiry = expiry;
    this.order = listOrder++;
    this.duration = duration;
    this.index = 0;
  }
}

function unlink(timer) {
  if (timer._idleNext) {
    timer._idleNext._idlePrev = timer._idlePrev;
  }
  if (timer._idlePrev) {
    timer._idlePrev._idleNext = timer._idleNext;
  }
  timer._idleNext = null;
  timer._idlePrev = null;
}

function insert(timer, duration, start = now()) {
  const whole = MathTrunc(duration);
  timer._idleStart = start;
  let list = lists.get(whole);
  if (list === undefined) {
    list = new TimersList(whole, start + whole);
    lists.set(whole, list);
    pushList(list);
  }
  if (timer._idleNext) {
    unlink(timer);
  }
  // At the end of the ring.
  timer._idleNext = list;
  timer._idlePrev = list._idlePrev;
  list._idlePrev._idleNext = timer;
  list._idlePrev = timer;
}

// ---- Timeout

function normaliseDelay(after) {
  if (after === undefined) {
    return 1;
  }
  after *= 1;
  if (after >= 1 && after <= TIMEOUT_MAX) {
    return after;
  }
  if (after > TIMEOUT_MAX) {
    warnDelay(`${after} does not fit into a 32-bit signed integer.\nTimeout duration was set to 1.`, 'TimeoutOverflowWarning');
  } else if (after < 0) {
    warnDelay(`${after} is a negative number.\nTimeout duration was set to 1.`, 'TimeoutNegativeWarning');
  } else if (after !== after) {
    warnDelay(`${after} is not a number.\nTimeout duration was set to 1.`, 'TimeoutNaNWarning');
  }
  return 1;
}

let warnedNegative = false;
let warnedNotNumber = false;

// Node repeats the overflow warning and gives the two others once.
function warnDelay(message, name) {
  if (name === 'TimeoutNegativeWarning') {
    if (warnedNegative) {
      return;
    }
    warnedNegative = true;
  } else if (name === 'TimeoutNaNWarning') {
    if (warnedNotNumber) {
      return;
    }
    warnedNotNumber = true;
  }
  require('internal/process/warning').emitWarning(message, name);
}

// Timers known by the number that they convert to.
const knownTimersById = ObjectCreate(null);

class Timeout {
  constructor(callback, after, args, isRepeat, isRefed) {
    const delay = normaliseDelay(after);
    this._idleTimeout = delay;
    this._idlePrev = this;
    this._idleNext = this;
    this._idleStart = null;
    this._onTimeout = null;
    this._onTimeout = callback;
    this._timerArgs = args;
    this._repeat = isRepeat ? delay : null;
    this._destroyed = false;
    if (isRefed) {
      activeTimeouts++;
    }
    this[kRefed] = isRefed;
    this[kHasPrimitive] = false;
    this[kAsyncId] = ++lastId;
    this[kTriggerId] = 1;
    this[kFrame] = asyncFrame.current();
    this._idleNext = null;
    this._idlePrev = null;
  }

  refresh() {
    if (this[kRefed]) {
      activate(this);
    } else {
      unrefActivate(this);
    }
    return this;
  }

  unref() {
    if (this[kRefed]) {
      this[kRefed] = false;
      if (!this._destroyed) {
        activeTimeouts--;
      }
    }
    return this;
  }

  ref() {
    if (this[kRefed] === false) {
      this[kRefed] = true;
      if (!this._destroyed) {
        activeTimeouts++;
      }
    }
    return this;
  }

  hasRef() {
    return this[kRefed];
  }

  close() {
    clearTimeout(this);
    return this;
  }

  [SymbolDispose]() {
    clearTimeout(this);
  }

  [SymbolToPrimitive]() {
    const id = this[kAsyncId];
    if (!this[kHasPrimitive] && !this._destroyed) {
      this[kHasPrimitive] = true;
      knownTimersById[id] = this;
    }
    return id;
  }
}

// Starts a timer, or starts it again, and lets it keep the loop alive.
function activate(timer) {
  const msecs = timer._idleTimeout;
  if (msecs < 0 || msecs === undefined) {
    return;
  }
  insert(timer, msecs);
  if (timer[kRefed] === undefined) {
    timer[kAsyncId] ??= ++lastId;
    timer[kRefed] = true;
    activeTimeouts++;
  } else if (timer._destroyed) {
    timer._destroyed = false;
    if (timer[kRefed]) {
      activeTimeouts++;
    }
  }
}

function unrefActivate(timer) {
  const msecs = timer._idleTimeout;
  if (msecs < 0 || msecs === undefined) {
    return;
  }
  insert(timer, msecs);
  timer[kRefed] ??= false;
  if (timer._destroyed) {
    timer._destroyed = false;
  }
}

function unenroll(timer) {
  if (timer._destroyed) {
    return;
  }
  timer._destroyed = true;
  if (timer[kHasPrimitive]) {
    delete knownTimersById[timer[kAsyncId]];
  }
  const duration = MathTrunc(timer._idleTimeout);
  unlink(timer);
  const list = lists.get(duration);
  if (list !== undefined && list._idleNext === list && list !== running) {
    removeList(list);
  }
  if (timer[kRefed]) {
    activeTimeouts--;
  }
  timer._idleTimeout = -1;
}

function setTimeout(callback, after, ...args) {
  validateFunction(callback, 'callback');
  const timer = new Timeout(callback, after, args.length === 0 ? undefined : args, false, true);
  insert(timer, timer._idleTimeout);
  return timer;
}

function setInterval(callback, repeat, ...args) {
  validateFunction(callback, 'callback');
  const timer = new Timeout(callback, repeat, args.length === 0 ? undefined : args, true, true);
  insert(timer, timer._idleTimeout);
  return timer;
}

function clearTimeout(timer) {
  if (timer?._onTimeout) {
    timer._onTimeout = null;
    unenroll(timer);
    return;
  }
  if (typeof timer === 'number' || typeof timer === 'string') {
    const known = knownTimersById[timer];
    if (known !== undefined) {
      known._onTimeout = null;
      unenroll(known);
    }
  }
}

function clearInterval(timer) {
  clearTimeout(timer);
}

// The list whose timers run at this moment: its removal is left to the one who runs it.
let running = null;

function endTimer(timer, start) {
  if (timer._repeat && timer._idleTimeout !== -1) {
    timer._idleTimeout = timer._repeat;
    insert(timer, timer._idleTimeout, start);
  } else if (!timer._idleNext && !timer._idlePrev && !timer._destroyed) {
    if (timer[kHasPrimitive]) {
      delete knownTimersById[timer[kAsyncId]];
    }
    if (timer[kRefed]) {
      activeTimeouts--;
    }
    timer._destroyed = true;
  }
}

function runTimer(timer, time) {
  let start;
  if (timer._repeat) {
    start = time();
  }
  const before = asyncFrame.exchange(timer[kFrame]);
  try {
    const args = timer._timerArgs;
    if (args === undefined) {
      timer._onTimeout();
    } else {
      ReflectApply(timer._onTimeout, timer, args);
    }
  } finally {
    asyncFrame.set(before);
    endTimer(timer, start);
  }
}

function runList(list, time) {
  const { duration } = list;
  let ranAtLeastOne = false;
  for (;;) {
    const timer = list._idleNext;
    if (timer === list) {
      break;
    }
    const waited = time.now - timer._idleStart;
    if (waited < duration) {
      list.expiry = MathMax(timer._idleStart + duration, time.now + 1);
      siftDown(list.index);
      return;
    }
    if (ranAtLeastOne) {
      taskQueues.processTicks();
    } else {
      ranAtLeastOne = true;
    }
    // A tick may have ended this one.
    if (timer !== list._idleNext) {
      continue;
    }
    unlink(timer);
    if (!timer._onTimeout) {
      endDead(timer);
      continue;
    }
    runTimer(timer, time.fresh);
  }
  // Every timer of the list is done; one that an interval put back is in it again.
  if (list === lists.get(duration) && list._idleNext === list) {
    removeList(list);
  }
}

function endDead(timer) {
  if (!timer._destroyed) {
    timer._destroyed = true;
    if (timer[kHasPrimitive]) {
      delete knownTimersById[timer[kAsyncId]];
    }
    if (timer[kRefed]) {
      activeTimeouts--;
    }
  }
}

// Runs what is due. Returns when to come again: positive if a timer that keeps the loop alive waits, negative if only others do,
// 0 if none does. An error of a timer leaves through here; called again, it goes on with the rest.
function processTimers(nowMs) {
  const time = {
    __proto__: null,
    now: MathTrunc(nowMs),
    fresh() {
      return (time.now = now());
    },
  };
  let ranAtLeastOneList = false;
  while (heap.length !== 0) {
    const list = heap[0];
    if (list.expiry > time.now) {
      time.fresh();
      if (list.expiry > time.now) {
        break;
      }
    }
    if (ranAtLeastOneList) {
      taskQueues.processTicks();
      if (heap[0] !== list) {
        continue;
      }
    } else {
      ranAtLeastOneList = true;
    }
    running = list;
    try {
      runList(list, time);
    } finally {
      running = null;
    }
  }
  if (ranAtLeastOneList) {
    taskQueues.processTicks();
  }
  if (heap.length === 0) {
    return 0;
  }
  return activeTimeouts > 0 ? heap[0].expiry : -heap[0].expiry;
}

// ---- Immediates

// What was queued so far, and what the present phase still has to run.
let queueHead = null;
let queueTail = null;
let outstanding = null;

class Immediate {
  constructor(callback, args) {
    this._idleNext = null;
    this._idlePrev = null;
    this._onImmediate = callback;
    this._argv = args;
    this._destroyed = false;
    this[kRefed] = false;
    this[kAsyncId] = ++lastId;
    this[kTriggerId] = 1;
    this[kFrame] = asyncFrame.current();
    this.ref();
    if (queueTail === null) {
      queueHead = this;
    } else {
      this._idlePrev = queueTail;
      queueTail._idleNext = this;
    }
    queueTail = this;
  }

  ref() {
    if (this[kRefed] === false) {
      this[kRefed] = true;
      activeImmediates++;
    }
    return this;
  }

  unref() {
    if (this[kRefed] === true) {
      this[kRefed] = false;
      activeImmediates--;
    }
    return this;
  }

  hasRef() {
    return !!this[kRefed];
  }

  [SymbolDispose]() {
    clearImmediate(this);
  }
}

function setImmediate(callback, ...args) {
  validateFunction(callback, 'callback');
  return new Immediate(callback, args.length === 0 ? undefined : args);
}

function clearImmediate(immediate) {
  if (!immediate?._onImmediate || immediate._destroyed) {
    return;
  }
  immediate._destroyed = true;
  if (immediate[kRefed]) {
    activeImmediates--;
  }
  immediate[kRefed] = null;
  immediate._onImmediate = null;
  const { _idleNext: next, _idlePrev: previous } = immediate;
  if (previous !== null) {
    previous._idleNext = next;
  }
  if (next !== null) {
    next._idlePrev = previous;
  }
  if (queueHead === immediate) {
    queueHead = next;
  }
  if (queueTail === immediate) {
    queueTail = previous;
  }
  if (outstanding === immediate) {
    outstanding = next;
  }
  immediate._idleNext = null;
  immediate._idlePrev = null;
}

function runImmediate(immediate) {
  immediate._destroyed = true;
  if (immediate[kRefed]) {
    activeImmediates--;
  }
  immediate[kRefed] = null;
  const before = asyncFrame.exchange(immediate[kFrame]);
  try {
    const { _argv: args } = immediate;
    if (args === undefined) {
      immediate._onImmediate();
    } else {
      ReflectApply(immediate._onImmediate, immediate, args);
    }
  } finally {
    asyncFrame.set(before);
    immediate._onImmediate = null;
  }
}

// Runs the immediates queued so far, not those they queue. Returns whether there are more that keep the loop alive. An error
// of an immediate leaves through here; called again while some are outstanding, it goes on with those alone.
function processImmediates() {
  if (outstanding === null) {
    outstanding = queueHead;
    queueHead = null;
    queueTail = null;
  }
  let ran = false;
  while (outstanding !== null) {
    if (ran) {
      taskQueues.processTicks();
      if (outstanding === null) {
        break;
      }
    }
    ran = true;
    const immediate = outstanding;
    outstanding = immediate._idleNext;
    if (outstanding !== null) {
      outstanding._idlePrev = null;
    }
    immediate._idleNext = null;
    runImmediate(immediate);
  }
  if (ran) {
    taskQueues.processTicks();
  }
  return activeImmediates > 0;
}

// For our own uses, where the arguments are validated already (timers/promises, AbortSignal.timeout).
function makeTimeout(callback, after, args, isRepeat, isRefed) {
  const timer = new Timeout(callback, after, args, isRepeat, isRefed);
  insert(timer, timer._idleTimeout);
  return timer;
}

function activeResources() {
  return { timeouts: activeTimeouts, immediates: activeImmediates };
}

// Whether anything here keeps the loop alive.
function hasRefs() {
  return activeTimeouts > 0 || activeImmediates > 0;
}

// Whether nothing at all is left to run, be it what keeps the loop alive or not.
function isIdle() {
  return heap.length === 0 && queueHead === null && outstanding === null;
}

module.exports = {
  Immediate,
  TIMEOUT_MAX,
  Timeout,
  activeResources,
  clearImmediate,
  clearInterval,
  clearTimeout,
  hasRefs,
  isIdle,
  makeTimeout,
  processImmediates,
  processTimers,
  setImmediate,
  setInterval,
  setTimeout,
};
