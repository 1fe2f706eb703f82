// The web's streams: readers, writers, transforms, pipes, tee, iteration, bytes.
import { ReadableStream as Named, CountQueuingStrategy } from 'node:stream/web';

const log = (...words) => console.log(...words);
log(Named === ReadableStream, Object.prototype.toString.call(new ReadableStream()), new CountQueuingStrategy({ highWaterMark: 3 }).size());

const numbers = (count) => {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next === count) {
        controller.close();
      } else {
        controller.enqueue(next++);
      }
    },
    cancel(reason) {
      log('cancel', reason?.message ?? reason);
    },
  });
};
const reader = numbers(2).getReader();
log(await reader.read(), await reader.read(), await reader.read(), await reader.closed);
for await (const value of numbers(5)) {
  if (value === 2) {
    break;
  }
  log('item', value);
}
const [left, right] = numbers(3).tee();
log(await Array.fromAsync(left), await Array.fromAsync(right));
log(await Array.fromAsync(ReadableStream.from(['a', 'b'])));

const written = [];
await numbers(4).pipeThrough(new TransformStream({
  transform(chunk, controller) {
    controller.enqueue(chunk * 10);
  },
  flush(controller) {
    controller.enqueue('end');
  },
})).pipeTo(new WritableStream({
  write(chunk) {
    written.push(chunk);
  },
  close() {
    log('closed', written);
  },
}));

const writer = new WritableStream({
  write(chunk) {
    if (chunk === 'bad') {
      throw new Error('refused');
    }
  },
}).getWriter();
log(writer.desiredSize);
await writer.write('good');
await writer.write('bad').catch((error) => log(error.message));
await writer.closed.catch((error) => log('closed by', error.message));
await writer.write('more').catch((error) => log('then', error.message));

const failing = new ReadableStream({
  start(controller) {
    controller.error(new TypeError('broken'));
  },
});
await failing.pipeTo(new WritableStream({
  abort(reason) {
    log('abort', reason.message);
  },
})).catch((error) => log(error.name, error.message));

const locked = numbers(1);
locked.getReader();
for (const wrong of [() => locked.getReader(), () => new ReadableStream(3), () => new ReadableStreamDefaultController(), () => locked.pipeThrough({}), () => new WritableStream({ type: 'x' })]) {
  try {
    wrong();
  } catch (error) {
    log(error.name, error.code);
  }
}
await locked.cancel().catch((error) => log(error.name, error.code));

const bytes = new ReadableStream({
  type: 'bytes',
  start(controller) {
    controller.enqueue(new Uint8Array([1, 2, 3, 4, 5]));
    controller.close();
  },
}).getReader({ mode: 'byob' });
log(await bytes.read(new Uint8Array(3)), await bytes.read(new Uint8Array(3)), await bytes.read(new Uint8Array(3)));

const text = ReadableStream.from([new Uint8Array([0xe2, 0x82]), new Uint8Array([0xac, 0x21])]).pipeThrough(new TextDecoderStream());
log(await Array.fromAsync(text));
const encoded = ReadableStream.from(['hé', '\ud83d', '\ude00']).pipeThrough(new TextEncoderStream());
log(Buffer.concat(await Array.fromAsync(encoded)).toString());
const packed = ReadableStream.from([Buffer.from('squeeze '), Buffer.from('me')]).pipeThrough(new CompressionStream('gzip'));
log(Buffer.concat(await Array.fromAsync(packed.pipeThrough(new DecompressionStream('gzip')))).toString());
const stop = new AbortController();
const endless = numbers(Infinity).pipeTo(new WritableStream({
  write(chunk) {
    if (chunk === 3) {
      stop.abort(new Error('enough'));
    }
  },
}), { signal: stop.signal });
await endless.catch((error) => log(error.message));
