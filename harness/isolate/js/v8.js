// Gives `node:v8` as far as it looks into no more than the guest's own values; the rest refuses.
'use strict';

const {
  SafeArrayIterator, StringPrototypeCharCodeAt,
} = primordials;
const {
  codes: { ERR_ACCESS_DENIED },
} = require('internal/errors');
const { validateString } = require('internal/validators');

function refused(name) {
  const refusal = { [name]() {
    throw new ERR_ACCESS_DENIED(`Access to this API has been restricted: v8.${name}`, 'v8', name);
  } };
  return refusal[name];
}

// Fixed figures: those of the host's process are not the guest's to see.
function getHeapStatistics() {
  return {
    total_heap_size: 8388608,
    total_heap_size_executable: 262144,
    total_physical_size: 8388608,
    total_available_size: 67108864,
    used_heap_size: 4194304,
    heap_size_limit: 67108864,
    malloced_memory: 262144,
    peak_malloced_memory: 524288,
    does_zap_garbage: 0,
    number_of_native_contexts: 1,
    number_of_detached_contexts: 0,
    total_global_handles_size: 8192,
    used_global_handles_size: 2112,
    external_memory: 2272646,
    total_allocated_bytes: 4194304,
  };
}

function isStringOneByteRepresentation(content) {
  validateString(content, 'content');
  for (let i = 0; i < content.length; i++) {
    if (StringPrototypeCharCodeAt(content, i) > 255) {
      return false;
    }
  }
  return true;
}

function cachedDataVersionTag() {
  return 0;
}

// A flag could lift a limit of the runtime.
function setFlagsFromString(flags) {
  validateString(flags, 'flags');
  return refused('setFlagsFromString')();
}

module.exports = {
  cachedDataVersionTag,
  getHeapStatistics,
  setFlagsFromString,
  isStringOneByteRepresentation,
  startupSnapshot: {
    isBuildingSnapshot() {
      return false;
    },
  },
};
for (const name of new SafeArrayIterator([
  'getHeapSnapshot', 'getHeapSpaceStatistics', 'getHeapCodeStatistics', 'getCppHeapStatistics', 'Serializer',
  'Deserializer', 'DefaultSerializer', 'DefaultDeserializer', 'deserialize', 'takeCoverage', 'stopCoverage',
  'serialize', 'writeHeapSnapshot', 'queryObjects', 'setHeapSnapshotNearHeapLimit', 'GCProfiler', 'startCpuProfile',
])) {
  module.exports[name] = refused(name);
}
