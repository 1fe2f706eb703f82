// The `dgram` module, which opens no socket: every call is refused.
'use strict';

const EventEmitter = require('events');
const { refuseClass, refuseFunctions } = require('internal/refuse');

refuseFunctions(exports, 'dgram', 'Net', ['_createSocketHandle', 'createSocket']);
exports.Socket = refuseClass('dgram', 'Socket', 'Net', EventEmitter);
