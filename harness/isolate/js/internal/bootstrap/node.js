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

// Read through a getter, and never written.
function exposeGetter(name, make) {
  const { get } = ReflectGetOwnPropertyDescriptor({ get [name]() {
    return make();
  } }, name);
  ObjectDefineProperty(globalThis, name, { __proto__: null, configurable: true, enumerable: true, get, set: undefined });
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
  const { defineLazily } = requireBuiltin('internal/lazy');
  const exposeLazily = (id, names, enumerable = false) => defineLazily(globalThis, id, names, enumerable);
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
  exposeLazily('internal/structured_clone', ['structuredClone'], true);
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

  exposeLazily('internal/url', ['URL', 'URLSearchParams']);
  exposeLazily('internal/encoding', ['TextEncoder', 'TextDecoder']);
  exposeLazily('internal/abort_controller', ['AbortController', 'AbortSignal']);
  exposeLazily('internal/event_target', ['Event', 'EventTarget', 'CustomEvent']);
  exposeLazily('internal/dom_exception', ['DOMException']);
  exposeLazily('stream/web', [
    'TransformStream', 'TransformStreamDefaultController', 'WritableStream', 'WritableStreamDefaultController',
    'WritableStreamDefaultWriter', 'ReadableStream', 'ReadableStreamDefaultReader', 'ReadableStreamBYOBReader',
    'ReadableStreamBYOBRequest', 'ReadableByteStreamController', 'ReadableStreamDefaultController',
    'ByteLengthQueuingStrategy', 'CountQueuingStrategy', 'TextEncoderStream', 'TextDecoderStream', 'CompressionStream',
    'DecompressionStream',
  ]);
  exposeLazily('internal/messages', [
    'BroadcastChannel', 'MessageChannel', 'MessagePort', 'MessageEvent', 'CloseEvent', 'WebSocket',
  ]);
  exposeLazily('internal/buffer_blob', ['Blob', 'File']);
  exposeLazily('internal/fetch/fetch', ['fetch'], true);
  exposeLazily('internal/fetch/fetch', ['FormData', 'Headers', 'Request', 'Response']);
  exposeLazily('internal/crypto/webcrypto', ['Crypto', 'CryptoKey', 'SubtleCrypto']);
  exposeLazily('internal/navigator', ['Navigator']);
  exposeGetter('crypto', () => requireBuiltin('internal/crypto/webcrypto').crypto);
  exposeGetter('navigator', () => requireBuiltin('internal/navigator').navigator);
  exposeLazily('perf_hooks', [
    'Performance', 'PerformanceEntry', 'PerformanceMark', 'PerformanceMeasure', 'PerformanceObserver',
    'PerformanceObserverEntryList', 'PerformanceResourceTiming',
  ]);

  // V8's own console only reaches an inspector. Ours replaces it as a plain property, as Node's does.
  expose('console', requireBuiltin('console'));
}

function loadHooks(requireBuiltin) {
  const timers = requireBuiltin('internal/timers');
  const execution = requireBuiltin('internal/process/execution');
  const esm = requireBuiltin('internal/modules/esm');
  const main = requireBuiltin('internal/modules/run_main');
  const { guardShared, guardWebAssembly } = requireBuiltin('internal/bootstrap/memory');
  const { isHandlerLoaded, loadHandler, rehearseRequest, runHandler } = requireBuiltin('internal/modules/handler');
  const { rehearse } = requireBuiltin('internal/bootstrap/rehearsal');
  return {
    __proto__: null,
    alive: timers.hasRefs,
    // Few executions have a terminal.
    attachTerminal: (device) => requireBuiltin('internal/process/terminal').attach(device),
    beforeExit: execution.beforeExit,
    builtinExports: requireBuiltin,
    describeFatal: execution.describeFatal,
    exit: execution.exit,
    exitIfIdle: execution.exitIfIdle,
    immediates: timers.processImmediates,
    importMeta: esm.initializeImportMeta,
    evaluateCommonJs: esm.evaluateCommonJs,
    explainNotDefined: esm.explainNotDefined,
    isExecuting: esm.isExecuting,
    isHandlerLoaded,
    isIdle: timers.isIdle,
    guardShared,
    guardWebAssembly,
    jsonModule: esm.jsonModule,
    lazyValue: requireBuiltin('internal/lazy').lazyValue,
    loadHandler,
    nodeError: esm.nodeError,
    prepareCommonJs: esm.prepareCommonJs,
    rehearse,
    rehearseRequest,
    runHandler,
    runMain: main.runMain,
    signal: (number) => requireBuiltin('internal/process/signals').deliver(number),
    tick: requireBuiltin('internal/task_queues').processTicks,
    timers: timers.processTimers,
    typelessWarning: esm.typelessWarning,
    uncaught: execution.uncaught,
    unhandledRejections: execution.unhandledRejections,
  };
}

// Part of the snapshot beside what the globals need: what most programs use. To evaluate it anew would cost an execution several times
// what its objects cost every context; what few programs use is compiled when it is asked for.
const CORE = ['fs', 'internal/process/env', 'module', 'path', 'querystring'];

module.exports = function bootstrap(requireBuiltin) {
  setUpGlobals(requireBuiltin);
  ArrayPrototypeForEach(CORE, (id) => requireBuiltin(id));
  return loadHooks(requireBuiltin);
};

