// Sets up the environment that every context starts with, and gives the engine its hooks.
'use strict';

const {
  ArrayPrototypeForEach,
  ObjectDefineProperty,
  Promise,
  PromisePrototype,
  ReflectGetOwnPropertyDescriptor,
  SymbolSpecies,
  SymbolToStringTag,
} = primordials;

// Non-enumerable, as classes of the platform are.
function expose(name, value) {
  ObjectDefineProperty(globalThis, name, {
    __proto__: null,
    configurable: true,
    enumerable: false,
    value,
    writable: true,
  });
}

// Enumerable, as functions of the platform are.
function exposeEnumerable(name, value) {
  ObjectDefineProperty(globalThis, name, {
    __proto__: null,
    configurable: true,
    enumerable: true,
    value,
    writable: true,
  });
}

// Read through a getter as Node does, and a plain property once it is written.
function exposeAccessor(name, get, enumerable) {
  ObjectDefineProperty(globalThis, name, {
    __proto__: null,
    configurable: true,
    enumerable,
    get,
    set(value) {
      ObjectDefineProperty(globalThis, name, {
        __proto__: null,
        configurable: true,
        enumerable,
        value,
        writable: true,
      });
    },
  });
}

function nameAccessors(names) {
  ArrayPrototypeForEach(names, (name) => {
    const descriptor = ReflectGetOwnPropertyDescriptor(globalThis, name);
    ObjectDefineProperty(descriptor.get, 'name', { __proto__: null, value: `get ${name}` });
    ObjectDefineProperty(descriptor.set, 'name', { __proto__: null, value: `set ${name}` });
  });
}

// V8 13.6 checks, fatally for the process, that `then` on a module's own promise does not throw; a replaced species makes it throw.
// Plain attributes cost nothing, while an accessor would slow every `await` down.
function pinPromiseSpecies() {
  ObjectDefineProperty(Promise, SymbolSpecies, { __proto__: null, configurable: false });
  ObjectDefineProperty(PromisePrototype, 'constructor', { __proto__: null, configurable: false, writable: false });
}

function setUpGlobals(requireBuiltin) {
  pinPromiseSpecies();
  requireBuiltin('internal/bootstrap/memory').guardBuffers();
  ObjectDefineProperty(globalThis, SymbolToStringTag, {
    __proto__: null,
    configurable: true,
    enumerable: false,
    value: 'global',
    writable: false,
  });
  exposeEnumerable('global', globalThis);

  const timers = requireBuiltin('timers');
  exposeEnumerable('clearImmediate', timers.clearImmediate);
  exposeEnumerable('setImmediate', timers.setImmediate);
  exposeEnumerable('clearInterval', timers.clearInterval);
  exposeEnumerable('clearTimeout', timers.clearTimeout);
  exposeEnumerable('setInterval', timers.setInterval);
  exposeEnumerable('setTimeout', timers.setTimeout);
  exposeEnumerable('queueMicrotask', requireBuiltin('internal/task_queues').queueMicrotask);
  exposeEnumerable('structuredClone', requireBuiltin('internal/structured_clone').structuredClone);
  const buffer = requireBuiltin('buffer');
  exposeEnumerable('atob', buffer.atob);
  exposeEnumerable('btoa', buffer.btoa);
  const perf = () => requireBuiltin('perf_hooks');
  exposeAccessor('performance', () => perf().performance, true);
  nameAccessors(['performance']);

  const process = requireBuiltin('process');
  exposeAccessor('process', () => process, false);
  exposeAccessor('Buffer', () => buffer.Buffer, false);
  nameAccessors(['process', 'Buffer']);

  const url = requireBuiltin('internal/url');
  expose('URL', url.URL);
  expose('URLSearchParams', url.URLSearchParams);
  const encoding = requireBuiltin('internal/encoding');
  expose('TextEncoder', encoding.TextEncoder);
  expose('TextDecoder', encoding.TextDecoder);
  const abort = requireBuiltin('internal/abort_controller');
  expose('AbortController', abort.AbortController);
  expose('AbortSignal', abort.AbortSignal);
  const events = requireBuiltin('internal/event_target');
  expose('Event', events.Event);
  expose('EventTarget', events.EventTarget);
  expose('CustomEvent', events.CustomEvent);
  expose('DOMException', requireBuiltin('internal/dom_exception').DOMException);
  expose('Blob', buffer.Blob);
  expose('File', buffer.File);
  exposeAccessor('Performance', () => perf().performance.constructor, false);
  exposeAccessor('PerformanceEntry', () => perf().PerformanceEntry, false);
  exposeAccessor('PerformanceMark', () => perf().PerformanceMark, false);
  exposeAccessor('PerformanceMeasure', () => perf().PerformanceMeasure, false);

  // V8's own console only reaches an inspector. Ours replaces it as a plain property, as Node's does.
  expose('console', requireBuiltin('console'));
}

function loadHooks(requireBuiltin) {
  const timers = requireBuiltin('internal/timers');
  const execution = requireBuiltin('internal/process/execution');
  const esm = requireBuiltin('internal/modules/esm');
  const main = requireBuiltin('internal/modules/run_main');
  const { guardShared, guardWebAssembly } = requireBuiltin('internal/bootstrap/memory');
  const { runHandler } = requireBuiltin('internal/modules/handler');
  return {
    __proto__: null,
    alive: timers.hasRefs,
    beforeExit: execution.beforeExit,
    builtinExports: requireBuiltin,
    describeFatal: execution.describeFatal,
    exit: execution.exit,
    immediates: timers.processImmediates,
    importMeta: esm.initializeImportMeta,
    evaluateCommonJs: esm.evaluateCommonJs,
    explainNotDefined: esm.explainNotDefined,
    isExecuting: esm.isExecuting,
    guardShared,
    guardWebAssembly,
    jsonModule: esm.jsonModule,
    nodeError: esm.nodeError,
    prepareCommonJs: esm.prepareCommonJs,
    runHandler,
    runMain: main.runMain,
    tick: requireBuiltin('internal/task_queues').processTicks,
    timers: timers.processTimers,
    typelessWarning: esm.typelessWarning,
    uncaught: execution.uncaught,
    unhandledRejections: execution.unhandledRejections,
  };
}

// Part of the snapshot beside what the globals need: what most programs use. To evaluate it anew would cost an execution several times
// what its objects cost every context; what few programs use is compiled when it is asked for.
const CORE = [
  'fs', 'internal/process/env', 'internal/process/stdio', 'internal/streams/writable', 'internal/util/format', 'module', 'path',
];

module.exports = function bootstrap(requireBuiltin) {
  setUpGlobals(requireBuiltin);
  ArrayPrototypeForEach(CORE, (id) => requireBuiltin(id));
  return loadHooks(requireBuiltin);
};

