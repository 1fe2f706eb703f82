// TransformStream of the Streams Standard, and the streams of text and compression that stand on it.
'use strict';

const { PromisePrototypeThen, ReflectApply, Uint8Array } = primordials;

const {
  codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE },
} = require('internal/errors');
const {
  deferred, dictionary, finish, handled, highWaterMarkOf, illegal, invoke, kOwn, methodOf, sizeOf, wrongState,
} = require('internal/webstreams/shared');
const {
  closeReadable, desiredSize, enqueue, errorCore, makeReadable,
} = require('internal/webstreams/readable');
const { WritableStream, errorWritable, writableCore } = require('internal/webstreams/writable');

function errorBoth(state, error) {
  errorCore(state.readable.controller.core, error);
  state.flush = undefined;
  state.transform = undefined;
  errorWritable(writableCore(state.writable), error);
  release(state);
}

// The writable side waits while nobody reads.
function release(state) {
  if (state.backpressure) {
    state.backpressure = false;
    state.change.resolve(undefined);
    state.change = deferred();
  }
}

function hold(state) {
  if (!state.backpressure) {
    state.backpressure = true;
    state.change.resolve(undefined);
    state.change = deferred();
  }
}

class TransformStreamDefaultController {
  #state;

  constructor(own, state) {
    if (own !== kOwn) {
      illegal();
    }
    this.#state = state;
  }

  get desiredSize() {
    return desiredSize(this.#state.readable.controller);
  }

  enqueue(chunk = undefined) {
    const state = this.#state;
    const { controller } = state.readable;
    if (controller.closing || controller.core.state !== 'readable') {
      throw wrongState('Unable to enqueue');
    }
    try {
      enqueue(controller, chunk);
    } catch (error) {
      errorBoth(state, error);
      throw controller.core.error;
    }
    // The side that writes waits unless somebody waits for the next chunk.
    const { reader } = controller.core;
    if (desiredSize(controller) <= 0 && (reader === undefined || reader.requests.length === 0)) {
      hold(state);
    }
  }

  error(reason = undefined) {
    errorBoth(this.#state, reason);
  }

  terminate() {
    const state = this.#state;
    if (state.readable.controller.core.state === 'readable' && !state.readable.controller.closing) {
      closeReadable(state.readable.controller);
    }
    errorWritable(writableCore(state.writable), wrongState('TransformStream terminated'));
    release(state);
  }
}
finish(TransformStreamDefaultController, 'TransformStreamDefaultController', ['desiredSize', 'enqueue', 'error', 'terminate']);

function makeState(transformer, { writableStrategy, readableStrategy }) {
  const state = {
    __proto__: null, transformer, backpressure: true, change: deferred(), readable: undefined, writable: undefined,
    controller: undefined, transform: methodOf(transformer, 'transform'), flush: methodOf(transformer, 'flush'),
    cancel: methodOf(transformer, 'cancel'),
  };
  state.controller = new TransformStreamDefaultController(kOwn, state);
  const started = deferred();
  state.readable = makeReadable({
    hwm: highWaterMarkOf(readableStrategy, 0),
    size: sizeOf(readableStrategy),
    pull() {
      release(state);
      return state.change.promise;
    },
    cancel(reason) {
      return PromisePrototypeThen(invoke(state.cancel, transformer, reason), () => {
        errorWritable(writableCore(state.writable), reason);
        release(state);
      });
    },
  });
  state.writable = new WritableStream({
    start: () => started.promise,
    write: (chunk) => write(state, chunk),
    abort(reason) {
      return PromisePrototypeThen(invoke(state.cancel, transformer, reason),
        () => errorCore(state.readable.controller.core, reason));
    },
    close: () => close(state),
  }, { highWaterMark: highWaterMarkOf(writableStrategy, 1), size: sizeOf(writableStrategy) });
  const start = methodOf(transformer, 'start');
  started.resolve(start === undefined ? undefined : ReflectApply(start, transformer, [state.controller]));
  handled(started.promise);
  return state;
}

async function write(state, chunk) {
  while (state.backpressure) {
    await state.change.promise;
    const core = writableCore(state.writable);
    if (core.state === 'erroring') {
      throw core.error;
    }
  }
  if (state.transform === undefined) {
    state.controller.enqueue(chunk);
    return;
  }
  try {
    await ReflectApply(state.transform, state.transformer, [chunk, state.controller]);
  } catch (error) {
    errorBoth(state, error);
    throw error;
  }
}

async function close(state) {
  const { controller } = state.readable;
  const { flush } = state;
  state.flush = undefined;
  try {
    if (flush !== undefined) {
      await ReflectApply(flush, state.transformer, [state.controller]);
    }
  } catch (error) {
    errorBoth(state, error);
    throw error;
  }
  if (controller.core.state === 'errored') {
    throw controller.core.error;
  }
  if (controller.core.state === 'readable' && !controller.closing) {
    closeReadable(controller);
  }
}

class TransformStream {
  #state;

  constructor(transformer = {}, writableStrategy = { __proto__: null }, readableStrategy = { __proto__: null }) {
    if (transformer === null || (typeof transformer !== 'object' && typeof transformer !== 'function')) {
      throw new ERR_INVALID_ARG_TYPE('transformer', 'Object', transformer);
    }
    if (transformer.readableType !== undefined) {
      throw new ERR_INVALID_ARG_VALUE.RangeError('transformer.readableType', transformer.readableType);
    }
    if (transformer.writableType !== undefined) {
      throw new ERR_INVALID_ARG_VALUE.RangeError('transformer.writableType', transformer.writableType);
    }
    this.#state = makeState(transformer, {
      writableStrategy: dictionary(writableStrategy, 'writableStrategy'),
      readableStrategy: dictionary(readableStrategy, 'readableStrategy'),
    });
  }

  get readable() {
    return this.#state.readable.stream;
  }

  get writable() {
    return this.#state.writable;
  }
}
finish(TransformStream, 'TransformStream', ['readable', 'writable']);

// A class with the two sides of a transform stream that its constructor's arguments make.
function pairClass(name, make, members) {
  const Pair = { [name]: class {
    #stream;
    #facts;

    constructor(...args) {
      const { facts, transformer } = make(...new primordials.SafeArrayIterator(args));
      this.#facts = facts;
      this.#stream = new TransformStream(transformer);
    }

    get readable() {
      return this.#stream.readable;
    }

    get writable() {
      return this.#stream.writable;
    }

    static factOf(object, fact) {
      return object.#facts[fact];
    }
  } }[name];
  const { factOf } = Pair;
  delete Pair.factOf;
  primordials.ArrayPrototypeForEach(members, (member) => {
    primordials.ObjectDefineProperty(Pair.prototype, member, {
      __proto__: null, configurable: true, enumerable: true, get() {
        return factOf(this, member);
      },
    });
  });
  finish(Pair, name, ['readable', 'writable']);
  return Pair;
}

function encoder() {
  const { TextEncoder } = require('internal/encoding');
  const encode = new TextEncoder();
  let high = '';
  return {
    facts: { encoding: 'utf-8' },
    transformer: {
      transform(chunk, controller) {
        let text = `${high}${chunk}`;
        high = '';
        // A pair may be cut in two.
        const last = primordials.StringPrototypeCharCodeAt(text, text.length - 1);
        if (last >= 0xd800 && last <= 0xdbff) {
          high = primordials.StringPrototypeSlice(text, -1);
          text = primordials.StringPrototypeSlice(text, 0, -1);
        }
        if (text !== '') {
          controller.enqueue(encode.encode(text));
        }
      },
      flush(controller) {
        if (high !== '') {
          controller.enqueue(new Uint8Array([0xef, 0xbf, 0xbd]));
        }
      },
    },
  };
}

function decoder(encoding = 'utf-8', options = { __proto__: null }) {
  const { TextDecoder } = require('internal/encoding');
  const decode = new TextDecoder(encoding, options);
  return {
    facts: { encoding: decode.encoding, fatal: decode.fatal, ignoreBOM: decode.ignoreBOM },
    transformer: {
      transform(chunk, controller) {
        const text = decode.decode(chunk, { stream: true });
        if (text !== '') {
          controller.enqueue(text);
        }
      },
      flush(controller) {
        const text = decode.decode();
        if (text !== '') {
          controller.enqueue(text);
        }
      },
    },
  };
}

const compressions = {
  '__proto__': null,
  'deflate': ['createDeflate', 'createInflate'],
  'deflate-raw': ['createDeflateRaw', 'createInflateRaw'],
  'gzip': ['createGzip', 'createGunzip'],
};

function compression(format, which) {
  const names = compressions[`${format}`];
  if (names === undefined) {
    throw new ERR_INVALID_ARG_VALUE('format', format, "must be one of: 'deflate', 'deflate-raw', 'gzip'");
  }
  const engine = require('zlib')[names[which]]();
  let ended;
  return {
    facts: {},
    transformer: {
      start(controller) {
        ended = new primordials.Promise((resolve, reject) => {
          engine.on('data', (bytes) => controller.enqueue(new Uint8Array(bytes)));
          engine.on('end', resolve);
          engine.on('error', reject);
        });
        handled(ended);
      },
      transform(chunk) {
        return new primordials.Promise((resolve, reject) => {
          engine.write(chunk, (error) => (error ? reject(error) : resolve()));
        });
      },
      flush() {
        engine.end();
        return ended;
      },
    },
  };
}

module.exports = {
  CompressionStream: pairClass('CompressionStream', (format) => compression(format, 0), []),
  DecompressionStream: pairClass('DecompressionStream', (format) => compression(format, 1), []),
  TextDecoderStream: pairClass('TextDecoderStream', decoder, ['encoding', 'fatal', 'ignoreBOM']),
  TextEncoderStream: pairClass('TextEncoderStream', encoder, ['encoding']),
  TransformStream,
  TransformStreamDefaultController,
};
