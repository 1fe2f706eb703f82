// The `trace_events` module: nothing is traced.
'use strict';

const { refuseFunctions } = require('internal/refuse');

refuseFunctions(exports, 'trace_events', 'TraceEvents', ['createTracing']);
exports.getEnabledCategories = function getEnabledCategories() {
  return undefined;
};
