// The `tls` module, which connects nowhere: every call is refused.
'use strict';

const { refuseClass, refuseFunctions } = require('internal/refuse');
const net = require('net');

for (const [name, value] of [
  ['CLIENT_RENEG_LIMIT', 3],
  ['CLIENT_RENEG_WINDOW', 600],
  ['DEFAULT_CIPHERS', 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA256:DHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:DHE-RSA-AES256-SHA384:ECDHE-RSA-AES256-SHA256:DHE-RSA-AES256-SHA256:HIGH:!aNULL:!eNULL:!EXPORT:!DES:!RC4:!MD5:!PSK:!SRP:!CAMELLIA'],
  ['DEFAULT_ECDH_CURVE', 'auto'],
  ['DEFAULT_MIN_VERSION', 'TLSv1.2'],
  ['DEFAULT_MAX_VERSION', 'TLSv1.3'],
]) {
  exports[name] = value;
}
refuseFunctions(exports, 'tls', 'Net', [
  'getCiphers', 'getCertificateCompressionAlgorithms', 'getCACertificates', 'setDefaultCACertificates',
  'convertALPNProtocols', 'checkServerIdentity',
]);
exports.rootCertificates = [];
exports.SecureContext = refuseClass('tls', 'SecureContext', 'Net');
exports.TLSSocket = refuseClass('tls', 'TLSSocket', 'Net', net.Socket);
exports.Server = refuseClass('tls', 'Server', 'Net', net.Server);
refuseFunctions(exports, 'tls', 'Net', ['createSecureContext', 'createServer', 'connect']);
