// The `stream/consumers` module: a whole stream as text, JSON, bytes or a blob.
'use strict';

const { ArrayPrototypePush, JSONParse, Uint8Array } = primordials;

const { Buffer, Blob } = require('buffer');
const { TextDecoder } = require('internal/encoding');

async function blob(stream) {
  const chunks = [];
  for await (const chunk of stream) {
    ArrayPrototypePush(chunks, chunk);
  }
  return new Blob(chunks);
}

async function buffer(stream) {
  const chunks = [];
  for await (const chunk of stream) {
    ArrayPrototypePush(chunks, typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  }
  return Buffer.concat(chunks);
}

async function arrayBuffer(stream) {
  const bytes = await buffer(stream);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

async function text(stream) {
  const decoder = new TextDecoder();
  let result = '';
  for await (const chunk of stream) {
    result += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
  }
  // What was left of a character cut in two.
  return result + decoder.decode(undefined, { stream: false });
}

async function json(stream) {
  return JSONParse(await text(stream));
}

async function bytes(stream) {
  const whole = await buffer(stream);
  return new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength);
}

module.exports = { arrayBuffer, blob, buffer, bytes, text, json };
