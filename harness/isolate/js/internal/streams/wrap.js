// Readable's wrap: a stream of the old kind as a source.
'use strict';

const { ObjectKeys, ReflectApply } = primordials;

const { destroyer, errorOrDestroy } = require('internal/streams/destroy');

// Takes a stream of the old kind (only 'data', 'end', pause and resume) as the source of this one.
function wrap(stream) {
  let paused = false;
  stream.on('data', (chunk) => {
    if (!this.push(chunk) && stream.pause) {
      paused = true;
      stream.pause();
    }
  });
  stream.on('end', () => {
    this.push(null);
  });
  stream.on('error', (error) => {
    errorOrDestroy(this, error);
  });
  stream.on('close', () => {
    destroyer(this);
  });
  stream.on('destroy', () => {
    destroyer(this);
  });
  this._read = () => {
    if (paused && stream.resume) {
      paused = false;
      stream.resume();
    }
  };
  for (const key of ObjectKeys(stream)) {
    if (this[key] === undefined && typeof stream[key] === 'function') {
      const method = stream[key];
      this[key] = function() {
        return ReflectApply(method, stream, arguments);
      };
    }
  }
  return this;
}

module.exports = { wrap };
