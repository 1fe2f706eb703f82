// The `http2` module: constants and classes; sessions are refused.
'use strict';

const { Symbol } = primordials;

const { refuseClass, refuseFunctions } = require('internal/refuse');
const Readable = require('internal/streams/readable');
const { Stream } = require('internal/streams/legacy');

refuseFunctions(exports, 'http2', 'Net', ['connect']);
exports.constants = require('internal/refuse/http2_constants');
refuseFunctions(exports, 'http2', 'Net', [
  'createServer', 'createSecureServer', 'getDefaultSettings', 'getPackedSettings', 'getUnpackedSettings',
  'performServerHandshake',
]);
exports.sensitiveHeaders = Symbol('sensitiveHeaders');
exports.Http2ServerRequest = refuseClass('http2', 'Http2ServerRequest', 'Net', Readable);
exports.Http2ServerResponse = refuseClass('http2', 'Http2ServerResponse', 'Net', Stream);
