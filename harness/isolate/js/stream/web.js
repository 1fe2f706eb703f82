// The `stream/web` module: the streams of the web.
'use strict';

const readable = require('internal/webstreams/readable');
const shared = require('internal/webstreams/shared');
const transform = require('internal/webstreams/transform');
const writable = require('internal/webstreams/writable');

module.exports = {
  ReadableStream: readable.ReadableStream,
  ReadableStreamDefaultReader: readable.ReadableStreamDefaultReader,
  ReadableStreamBYOBReader: readable.ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest: readable.ReadableStreamBYOBRequest,
  ReadableByteStreamController: readable.ReadableByteStreamController,
  ReadableStreamDefaultController: readable.ReadableStreamDefaultController,
  TransformStream: transform.TransformStream,
  TransformStreamDefaultController: transform.TransformStreamDefaultController,
  WritableStream: writable.WritableStream,
  WritableStreamDefaultController: writable.WritableStreamDefaultController,
  WritableStreamDefaultWriter: writable.WritableStreamDefaultWriter,
  ByteLengthQueuingStrategy: shared.ByteLengthQueuingStrategy,
  CountQueuingStrategy: shared.CountQueuingStrategy,
  TextEncoderStream: transform.TextEncoderStream,
  TextDecoderStream: transform.TextDecoderStream,
  CompressionStream: transform.CompressionStream,
  DecompressionStream: transform.DecompressionStream,
};
