// The `stream/promises` module: pipeline and finished as promises.
'use strict';

const { ArrayPrototypePop, Promise } = primordials;

const { isIterable, isNodeStream } = require('internal/streams/utils');
const { pipelineImpl } = require('internal/streams/pipeline');
const { finished } = require('internal/streams/end-of-stream');

// The stream class must be whole: whoever asks for this alone wants it as well.
require('stream');

function pipeline(...streams) {
  return new Promise((resolve, reject) => {
    let signal;
    let end;
    const last = streams[streams.length - 1];
    if (last && typeof last === 'object' && !isNodeStream(last) && !isIterable(last)) {
      const options = ArrayPrototypePop(streams);
      signal = options.signal;
      end = options.end;
    }
    pipelineImpl(streams, (error, value) => {
      if (error) {
        reject(error);
      } else {
        resolve(value);
      }
    }, { signal, end });
  });
}

module.exports = { finished, pipeline };
