// Puts a budget in front of the constructors whose memory V8 takes past its array buffer allocator.
'use strict';

const {
  MathMin,
  ObjectDefineProperty,
  Proxy,
  RangeError,
  ReflectApply,
  ReflectConstruct,
} = primordials;

const { memory } = native;

const PAGE = 65536;

function take(bytes, message) {
  if (!(bytes > 0)) {
    return 0;
  }
  if (!memory.reserve(bytes)) {
    throw new RangeError(message);
  }
  return bytes;
}

// Does what allocates; a reservation for something that was not made is given back.
function holding(bytes, make) {
  let made;
  try {
    made = make();
    return made;
  } finally {
    if (bytes > 0) {
      memory.track(made, bytes);
    }
  }
}

// `counts(args)` says how many bytes a call asks for beyond the allocator, and with which arguments the original is called then.
function guarded(Original, counts) {
  const Guarded = new Proxy(Original, {
    __proto__: null,
    construct(target, args, newTarget) {
      const { bytes, actual } = counts(args);
      return holding(bytes, () => ReflectConstruct(target, actual, newTarget === Guarded ? target : newTarget));
    },
  });
  return Guarded;
}

function replace(holder, name, prototype, Guarded) {
  ObjectDefineProperty(holder, name, {
    __proto__: null, configurable: true, enumerable: false, value: Guarded, writable: true,
  });
  // Also the way over an instance leads to the guarded one.
  ObjectDefineProperty(prototype, 'constructor', {
    __proto__: null, configurable: true, enumerable: false, value: Guarded, writable: true,
  });
}

function countsResizable(args) {
  const options = args[1];
  if (options === null || typeof options !== 'object') {
    return { bytes: 0, actual: args };
  }
  // Read once: a getter must not give V8 more than was counted.
  const { maxByteLength } = options;
  const actual = [args[0], { __proto__: null, maxByteLength }];
  return { bytes: maxByteLength === undefined ? 0 : take(+maxByteLength, 'Array buffer allocation failed'), actual };
}

function guardBuffers() {
  const { ArrayBuffer } = globalThis;
  replace(globalThis, 'ArrayBuffer', ArrayBuffer.prototype, guarded(ArrayBuffer, countsResizable));
}

// V8 installs this and WebAssembly in a context only when it comes from a snapshot, not in the one the snapshot is made of.
function guardShared() {
  const { SharedArrayBuffer } = globalThis;
  if (SharedArrayBuffer === undefined) {
    return;
  }
  replace(globalThis, 'SharedArrayBuffer', SharedArrayBuffer.prototype, guarded(SharedArrayBuffer, countsResizable));
}

function pagesOf(descriptor, name) {
  return descriptor[name] === undefined ? undefined : +descriptor[name];
}

function countsMemory(args) {
  const descriptor = args[0];
  if (descriptor === null || typeof descriptor !== 'object') {
    return { bytes: 0, actual: args };
  }
  const { initial, minimum, maximum, shared, address, index } = descriptor;
  const copy = { __proto__: null };
  const members = { __proto__: null, initial, minimum, maximum, shared, address, index };
  for (const key in members) {
    if (members[key] !== undefined) {
      copy[key] = members[key];
    }
  }
  const pages = pagesOf(copy, 'initial') ?? pagesOf(copy, 'minimum') ?? 0;
  return {
    bytes: take(MathMin(pages, 2 ** 32) * PAGE, 'WebAssembly.Memory(): could not allocate memory'),
    actual: [copy],
  };
}

function guardWebAssembly() {
  const { WebAssembly } = globalThis;
  if (WebAssembly === undefined) {
    return;
  }
  const { Memory } = WebAssembly;
  const { prototype } = Memory;
  replace(WebAssembly, 'Memory', prototype, guarded(Memory, countsMemory));
  const { grow } = prototype;
  prototype.grow = new Proxy(grow, {
    __proto__: null,
    apply(target, self, args) {
      const pages = typeof args[0] === 'bigint' ? Number(args[0]) : +args[0];
      const bytes = take(pages * PAGE, 'WebAssembly.Memory.grow(): Unable to grow instance memory');
      let grown = false;
      try {
        const result = ReflectApply(target, self, args);
        grown = true;
        return result;
      } finally {
        if (bytes > 0) {
          memory.track(grown ? self : undefined, bytes);
        }
      }
    },
  });
}

module.exports = { guardBuffers, guardShared, guardWebAssembly };
