// Gives `node:perf_hooks`: the clock, marks and measures, and observers of them.
'use strict';

const {
  ArrayIsArray, ArrayPrototypeFilter, ArrayPrototypeIncludes, ArrayPrototypePush,
  ArrayPrototypeSlice, ArrayPrototypeSort, ArrayPrototypeSplice, DateNow, ObjectDefineProperties,
  ObjectDefineProperty, ObjectFreeze, ObjectKeys, PromisePrototypeThen, ReflectApply,
  ReflectConstruct, SafeArrayIterator, SafeSet, Symbol, SymbolFor, SymbolToStringTag,
} = primordials;
const {
  codes: {
    ERR_ACCESS_DENIED, ERR_ILLEGAL_CONSTRUCTOR, ERR_INVALID_ARG_TYPE, ERR_MISSING_ARGS,
    ERR_PERFORMANCE_INVALID_TIMESTAMP, ERR_PERFORMANCE_MEASURE_INVALID_OPTIONS,
  },
} = require('internal/errors');
const { EventTarget } = require('internal/event_target');
const { kEmptyObject, kEnumerableProperty, lazyDOMException } = require('internal/util');
const { validateFunction, validateNumber, validateObject, validateString } = require('internal/validators');

const kMake = Symbol('make');
const kCustomInspect = SymbolFor('nodejs.util.inspect.custom');

function now() {
  return native.loop.now();
}

let origin;
// The wall clock's time at the start, found when it is first asked for: a snapshot has no time.
function timeOrigin() {
  origin ??= DateNow() - now();
  return origin;
}

function inspectEntry(entry, fields, depth, options) {
  return require('internal/event_target').inspectFields(entry.constructor.name, fields, depth, options);
}

class PerformanceEntry {
  #name;
  #type;
  #start;
  #duration;

  constructor(token = undefined, name = undefined, type = undefined, start = undefined, duration = undefined) {
    if (token !== kMake) {
      throw new ERR_ILLEGAL_CONSTRUCTOR();
    }
    this.#name = name;
    this.#type = type;
    this.#start = start;
    this.#duration = duration;
  }

  get name() {
    return this.#name;
  }

  get entryType() {
    return this.#type;
  }

  get startTime() {
    return this.#start;
  }

  get duration() {
    return this.#duration;
  }

  toJSON() {
    return { name: this.name, entryType: this.entryType, startTime: this.startTime, duration: this.duration };
  }

  [kCustomInspect](depth, options) {
    return inspectEntry(this, this.toJSON(), depth, options);
  }
}
ObjectDefineProperties(PerformanceEntry.prototype, {
  name: kEnumerableProperty, entryType: kEnumerableProperty, startTime: kEnumerableProperty,
  duration: kEnumerableProperty, toJSON: kEnumerableProperty,
});

function cloned(detail) {
  return detail != null ? require('internal/structured_clone').structuredClone(detail) : null;
}

class PerformanceMark extends PerformanceEntry {
  #detail;

  constructor(name, options = kEmptyObject) {
    if (arguments.length === 0) {
      throw new ERR_MISSING_ARGS('name');
    }
    validateObject(options, 'options');
    const start = options.startTime ?? now();
    validateNumber(start, 'startTime');
    if (start < 0) {
      throw new ERR_PERFORMANCE_INVALID_TIMESTAMP(start);
    }
    super(kMake, `${name}`, 'mark', start, 0);
    this.#detail = cloned(options.detail);
  }

  get detail() {
    return this.#detail;
  }

  toJSON() {
    return {
      name: this.name, entryType: this.entryType, startTime: this.startTime, duration: this.duration,
      detail: this.#detail,
    };
  }
}
ObjectDefineProperty(PerformanceMark.prototype, 'detail', kEnumerableProperty);

class PerformanceMeasure extends PerformanceEntry {
  #detail;

  constructor(token = undefined, name = undefined, start = undefined, duration = undefined, detail = undefined) {
    super(token, name, 'measure', start, duration);
    this.#detail = cloned(detail);
  }

  get detail() {
    return this.#detail;
  }

  toJSON() {
    return {
      name: this.name, entryType: this.entryType, startTime: this.startTime, duration: this.duration,
      detail: this.#detail,
    };
  }
}
ObjectDefineProperty(PerformanceMeasure.prototype, 'detail', kEnumerableProperty);

class PerformanceResourceTiming extends PerformanceEntry {}

class PerformanceObserverEntryList {
  #entries;

  constructor(token = undefined, entries = undefined) {
    if (token !== kMake) {
      throw new ERR_ILLEGAL_CONSTRUCTOR();
    }
    this.#entries = entries;
  }

  getEntries() {
    return ArrayPrototypeSlice(this.#entries);
  }

  getEntriesByType(type) {
    return ArrayPrototypeFilter(this.#entries, (entry) => entry.entryType === `${type}`);
  }

  getEntriesByName(name, type = undefined) {
    return ArrayPrototypeFilter(this.#entries,
      (entry) => entry.name === `${name}` && (type === undefined || entry.entryType === `${type}`));
  }
}

const supported = ['function', 'gc', 'mark', 'measure', 'resource'];
const observers = new SafeSet();
const timeline = [];

class PerformanceObserver {
  #callback;
  #types = new SafeSet();
  #queue = [];
  #scheduled = false;

  constructor(callback) {
    validateFunction(callback, 'callback');
    this.#callback = callback;
  }

  observe(options = kEmptyObject) {
    validateObject(options, 'options');
    const { entryTypes, type, buffered } = options;
    if (entryTypes === undefined && type === undefined) {
      throw new ERR_MISSING_ARGS('options.entryTypes', 'options.type');
    }
    if (entryTypes !== undefined && !ArrayIsArray(entryTypes)) {
      throw new ERR_INVALID_ARG_TYPE('options.entryTypes', 'string[]', entryTypes);
    }
    const types = entryTypes ?? [type];
    for (const name of new SafeArrayIterator(types)) {
      if (ArrayPrototypeIncludes(supported, name)) {
        this.#types.add(name);
      }
    }
    observers.add(this);
    if (type !== undefined && buffered) {
      for (const entry of new SafeArrayIterator(timeline)) {
        this.notify(kMake, entry);
      }
    }
  }

  disconnect() {
    this.#types = new SafeSet();
    this.#queue = [];
    observers.delete(this);
  }

  takeRecords() {
    const list = this.#queue;
    this.#queue = [];
    return list;
  }

  // Only this file has the token.
  notify(token, entry) {
    if (token !== kMake || !this.#types.has(entry.entryType)) {
      return;
    }
    ArrayPrototypePush(this.#queue, entry);
    if (!this.#scheduled) {
      this.#scheduled = true;
      require('timers').setImmediate(() => {
        this.#scheduled = false;
        const entries = this.takeRecords();
        if (entries.length > 0) {
          ReflectApply(this.#callback, this, [new PerformanceObserverEntryList(kMake, entries), this]);
        }
      });
    }
  }

  static get supportedEntryTypes() {
    return ArrayPrototypeSlice(supported);
  }
}
const { notify } = PerformanceObserver.prototype;
delete PerformanceObserver.prototype.notify;

function record(entry) {
  ArrayPrototypePush(timeline, entry);
  observers.forEach((observer) => ReflectApply(notify, observer, [kMake, entry]));
}

function timeOf(mark) {
  if (mark === undefined) {
    return undefined;
  }
  if (typeof mark === 'number') {
    if (mark < 0) {
      throw new ERR_PERFORMANCE_INVALID_TIMESTAMP(mark);
    }
    return mark;
  }
  const name = `${mark}`;
  for (let i = timeline.length - 1; i >= 0; i--) {
    if (timeline[i].entryType === 'mark' && timeline[i].name === name) {
      return timeline[i].startTime;
    }
  }
  throw lazyDOMException(`The "${name}" performance mark has not been set`, 'SyntaxError');
}

function checkMeasure(options, endMark) {
  if (endMark !== undefined) {
    throw new ERR_PERFORMANCE_MEASURE_INVALID_OPTIONS('endMark must not be specified');
  }
  if (options.start === undefined && options.end === undefined) {
    throw new ERR_PERFORMANCE_MEASURE_INVALID_OPTIONS('One of options.start or options.end is required');
  }
  if (options.start !== undefined && options.end !== undefined && options.duration !== undefined) {
    throw new ERR_PERFORMANCE_MEASURE_INVALID_OPTIONS('Must not have options.start, options.end, and options.duration specified');
  }
}

function clear(type, name) {
  for (let i = timeline.length - 1; i >= 0; i--) {
    if (timeline[i].entryType === type && (name === undefined || timeline[i].name === `${name}`)) {
      ArrayPrototypeSplice(timeline, i, 1);
    }
  }
}

function byStart(list) {
  return ArrayPrototypeSort(list, (a, b) => a.startTime - b.startTime);
}

function eventLoopUtilization() {
  return { idle: 0, active: 0, utilization: 0 };
}

class Performance extends EventTarget {
  constructor(token = undefined) {
    if (token !== kMake) {
      throw new ERR_ILLEGAL_CONSTRUCTOR();
    }
    super();
  }

  clearMarks(name = undefined) {
    clear('mark', name);
  }

  clearMeasures(name = undefined) {
    clear('measure', name);
  }

  clearResourceTimings() {
    clear('resource');
  }

  getEntries() {
    return byStart(ArrayPrototypeSlice(timeline));
  }

  getEntriesByName(name, type = undefined) {
    return byStart(ArrayPrototypeFilter(timeline,
      (entry) => entry.name === `${name}` && (type === undefined || entry.entryType === `${type}`)));
  }

  getEntriesByType(type) {
    return byStart(ArrayPrototypeFilter(timeline, (entry) => entry.entryType === `${type}`));
  }

  mark(name, options = kEmptyObject) {
    if (arguments.length === 0) {
      throw new ERR_MISSING_ARGS('name');
    }
    const mark = new PerformanceMark(name, options);
    record(mark);
    return mark;
  }

  measure(name, startOrOptions = kEmptyObject, endMark = undefined) {
    validateString(name, 'name');
    let options = kEmptyObject;
    if (startOrOptions !== null && typeof startOrOptions === 'object') {
      options = startOrOptions;
      if (ObjectKeys(options).length > 0) {
        checkMeasure(options, endMark);
      }
    }
    let end;
    if (endMark !== undefined) {
      end = timeOf(endMark);
    } else if (options.end !== undefined) {
      end = timeOf(options.end);
    } else if (options.start !== undefined && options.duration !== undefined) {
      end = timeOf(options.start) + timeOf(options.duration);
    } else {
      end = now();
    }
    let start = 0;
    if (options.start !== undefined) {
      start = timeOf(options.start);
    } else if (options.end !== undefined && options.duration !== undefined) {
      start = end - timeOf(options.duration);
    } else if (typeof startOrOptions === 'string') {
      start = timeOf(startOrOptions);
    }
    const measure = new PerformanceMeasure(kMake, name, start, end - start, options.detail);
    record(measure);
    return measure;
  }

  now() {
    return now();
  }

  get timeOrigin() {
    return timeOrigin();
  }

  eventLoopUtilization() {
    return eventLoopUtilization();
  }

  timerify(fn, options = kEmptyObject) {
    return timerify(fn, options);
  }

  setResourceTimingBufferSize() {
    // No resource is ever loaded, so the size of their buffer means nothing.
  }

  toJSON() {
    return { nodeTiming: this.nodeTiming, timeOrigin: timeOrigin(), eventLoopUtilization: eventLoopUtilization() };
  }

  get nodeTiming() {
    return { name: 'node', entryType: 'node', startTime: 0, duration: now() };
  }

  [kCustomInspect](depth, options) {
    return require('internal/event_target').inspectFields('Performance', {
      nodeTiming: this.nodeTiming, timeOrigin: timeOrigin(),
    }, depth, options);
  }
}
for (const name of new SafeArrayIterator(['clearMarks', 'clearMeasures', 'clearResourceTimings', 'getEntries',
  'getEntriesByName', 'getEntriesByType', 'mark', 'measure', 'now', 'timeOrigin', 'toJSON'])) {
  ObjectDefineProperty(Performance.prototype, name, kEnumerableProperty);
}
for (const pair of new SafeArrayIterator([
  [PerformanceEntry, 'PerformanceEntry'], [PerformanceMark, 'PerformanceMark'],
  [PerformanceMeasure, 'PerformanceMeasure'], [Performance, 'Performance'], [PerformanceObserver, 'PerformanceObserver'],
])) {
  ObjectDefineProperty(pair[0].prototype, SymbolToStringTag, {
    __proto__: null, configurable: true, value: pair[1],
  });
}

function timerify(fn, options = kEmptyObject) {
  validateFunction(fn, 'fn');
  validateObject(options, 'options');
  function timed(...args) {
    const start = now();
    const result = new.target ? ReflectConstruct(fn, args, fn) : ReflectApply(fn, this, args);
    const finish = () => record(new PerformanceEntry(kMake, fn.name, 'function', start, now() - start));
    if (!new.target && native.util.isPromise(result)) {
      return PromisePrototypeThen(result, (value) => {
        finish();
        return value;
      });
    }
    finish();
    return result;
  }
  ObjectDefineProperties(timed, {
    length: { __proto__: null, configurable: false, enumerable: true, value: fn.length },
    name: { __proto__: null, configurable: false, enumerable: true, value: `timerified ${fn.name}` },
  });
  return timed;
}

// These watch the host's process.
function refused(name) {
  const refusal = { [name]() {
    throw new ERR_ACCESS_DENIED(`Access to this API has been restricted: perf_hooks.${name}`, 'perf_hooks', name);
  } };
  return refusal[name];
}

module.exports = {
  Performance,
  PerformanceEntry,
  PerformanceMark,
  PerformanceMeasure,
  PerformanceObserver,
  PerformanceObserverEntryList,
  PerformanceResourceTiming,
  monitorEventLoopDelay: refused('monitorEventLoopDelay'),
  eventLoopUtilization,
  timerify,
  createHistogram: refused('createHistogram'),
  performance: new Performance(kMake),
  constants: ObjectFreeze({
    __proto__: null,
    NODE_PERFORMANCE_GC_MAJOR: 4,
    NODE_PERFORMANCE_GC_MINOR: 1,
    NODE_PERFORMANCE_GC_INCREMENTAL: 8,
    NODE_PERFORMANCE_GC_WEAKCB: 16,
    NODE_PERFORMANCE_GC_FLAGS_NO: 0,
    NODE_PERFORMANCE_GC_FLAGS_CONSTRUCT_RETAINED: 2,
    NODE_PERFORMANCE_GC_FLAGS_FORCED: 4,
    NODE_PERFORMANCE_GC_FLAGS_SYNCHRONOUS_PHANTOM_PROCESSING: 8,
    NODE_PERFORMANCE_GC_FLAGS_ALL_AVAILABLE_GARBAGE: 16,
    NODE_PERFORMANCE_GC_FLAGS_ALL_EXTERNAL_MEMORY: 32,
    NODE_PERFORMANCE_GC_FLAGS_SCHEDULE_IDLE: 64,
  }),
};
