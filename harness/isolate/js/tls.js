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

// What Node puts between a socket of its own and a stream of the program's.
class JSStreamSocket extends net.Socket {
  constructor(stream) {
    super();
    this.stream = stream;
  }
}

// It can be made and looked at; whatever would begin to speak is refused by its connection.
class TLSSocket extends net.Socket {
  constructor(socket, options) {
    super(options);
    this._tlsOptions = options;
    this.authorized = false;
    this.authorizationError = null;
    this.alpnProtocol = null;
    this.servername = null;
    this.encrypted = true;
    if (socket !== undefined && socket !== null) {
      this._parent = socket;
      this._handle = { __proto__: null, _parentWrap: socket instanceof net.Socket ? socket : new JSStreamSocket(socket) };
    }
  }
}
refuseFunctions(TLSSocket.prototype, 'tls.TLSSocket', 'Net', [
  'renegotiate', 'setMaxSendFragment', 'getTLSTicket', 'getEphemeralKeyInfo', 'getPeerFinished', 'getFinished', 'getSession',
  'getPeerCertificate', 'getCertificate', 'getPeerX509Certificate', 'getX509Certificate', 'setKeyCert', 'exportKeyingMaterial',
  'enableTrace', 'getCipher', 'getSharedSigalgs', 'getProtocol', 'isSessionReused', 'disableRenegotiation', 'setServername',
  'setSession',
]);
exports.TLSSocket = TLSSocket;
exports.Server = refuseClass('tls', 'Server', 'Net', net.Server);
refuseFunctions(exports, 'tls', 'Net', ['createSecureContext', 'createServer', 'connect']);
