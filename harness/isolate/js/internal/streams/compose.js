// compose(): several streams as one Duplex that writes into the first and reads from the last.
'use strict';

const { ArrayPrototypeSlice } = primordials;

const {
  AbortError,
  codes: { ERR_INVALID_ARG_VALUE, ERR_MISSING_ARGS },
} = require('internal/errors');
const { pipeline } = require('internal/streams/pipeline');
const Duplex = require('internal/streams/duplex');
const { destroyer } = require('internal/streams/destroy');
const { isNodeStream, isReadable, isWritable } = require('internal/streams/utils');

function checkNeighbours(given, streams) {
  for (let n = 0; n < streams.length; ++n) {
    if (!isNodeStream(streams[n])) {
      continue;
    }
    if (n < streams.length - 1 && !isReadable(streams[n])) {
      throw new ERR_INVALID_ARG_VALUE(`streams[${n}]`, given[n], 'must be readable');
    }
    if (n > 0 && !isWritable(streams[n])) {
      throw new ERR_INVALID_ARG_VALUE(`streams[${n}]`, given[n], 'must be writable');
    }
  }
}

function compose(...streams) {
  if (streams.length === 0) {
    throw new ERR_MISSING_ARGS('streams');
  }
  if (streams.length === 1) {
    return Duplex.from(streams[0]);
  }
  const given = ArrayPrototypeSlice(streams);
  const lastIndex = streams.length - 1;
  if (typeof streams[0] === 'function') {
    streams[0] = Duplex.from(streams[0]);
  }
  if (typeof streams[lastIndex] === 'function') {
    streams[lastIndex] = Duplex.from(streams[lastIndex]);
  }
  checkNeighbours(given, streams);

  let ondrain;
  let onfinish;
  let onreadable;
  let onclose;
  let composed;

  function onfinished(error) {
    const callback = onclose;
    onclose = null;
    if (callback) {
      callback(error);
    } else if (error) {
      composed.destroy(error);
    } else if (!readable && !writable) {
      composed.destroy();
    }
  }

  const head = streams[0];
  const tail = pipeline(streams, onfinished);
  const writable = !!isWritable(head);
  const readable = !!isReadable(tail);

  composed = new Duplex({
    writableObjectMode: !!head?.writableObjectMode,
    readableObjectMode: !!tail?.readableObjectMode,
    writable,
    readable,
  });

  if (writable) {
    composed._write = function(chunk, encoding, callback) {
      if (head.write(chunk, encoding)) {
        callback();
      } else {
        ondrain = callback;
      }
    };
    composed._final = function(callback) {
      head.end();
      onfinish = callback;
    };
    head.on('drain', () => {
      if (ondrain) {
        const callback = ondrain;
        ondrain = null;
        callback();
      }
    });
    require('internal/streams/end-of-stream').eos(tail, () => {
      if (onfinish) {
        const callback = onfinish;
        onfinish = null;
        callback();
      }
    });
  }

  if (readable) {
    tail.on('readable', () => {
      if (onreadable) {
        const callback = onreadable;
        onreadable = null;
        callback();
      }
    });
    tail.on('end', () => {
      composed.push(null);
    });
    composed._read = function() {
      for (;;) {
        const chunk = tail.read();
        if (chunk === null) {
          onreadable = composed._read;
          return;
        }
        if (!composed.push(chunk)) {
          return;
        }
      }
    };
  }

  composed._destroy = function(error, callback) {
    if (!error && onclose !== null) {
      error = new AbortError();
    }
    onreadable = null;
    ondrain = null;
    onfinish = null;
    if (isNodeStream(tail)) {
      destroyer(tail, error);
    }
    if (onclose === null) {
      callback(error);
    } else {
      onclose = callback;
    }
  };
  return composed;
}

module.exports = { compose };
