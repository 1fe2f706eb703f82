// The `child_process` module, which starts nothing: every call is refused.
'use strict';

const EventEmitter = require('events');
const { refuseClass, refuseFunctions } = require('internal/refuse');

refuseFunctions(exports, 'child_process', 'ChildProcess', ['_forkChild']);
exports.ChildProcess = refuseClass('child_process', 'ChildProcess', 'ChildProcess', EventEmitter);
refuseFunctions(exports, 'child_process', 'ChildProcess', [
  'exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync',
]);
