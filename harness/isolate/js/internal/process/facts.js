// What process tells of the runtime: the same for every execution, and nothing of the host.
'use strict';

const { ObjectDefineProperty, ObjectFreeze } = primordials;

// Not frozen: Node lets a program add to it.
function readOnly(object) {
  for (const key in object) {
    ObjectDefineProperty(object, key, { __proto__: null, writable: false });
  }
  return object;
}

const version = 'v24.19.0';

const versions = readOnly({
  node: '24.19.0',
  acorn: '8.17.0',
  ada: '3.4.4',
  amaro: '1.1.10',
  ares: '1.34.6',
  brotli: '1.2.0',
  cldr: '48.0',
  icu: '78.3',
  llhttp: '9.4.3',
  merve: '1.2.2',
  modules: '137',
  napi: '10',
  nbytes: '0.1.4',
  ncrypto: '0.0.1',
  nghttp2: '1.69.0',
  nghttp3: '',
  ngtcp2: '',
  openssl: '3.5.7',
  simdjson: '4.6.4',
  simdutf: '6.4.0',
  sqlite: '3.53.3',
  tz: '2026b',
  undici: '7.29.0',
  unicode: '17.0',
  uv: '1.52.1',
  uvwasi: '0.0.23',
  v8: '13.6.233.17-node.51',
  zlib: '1.3.2.1-motley-3246f1b',
  zstd: '1.5.7',
});

const release = { name: 'node', lts: 'Krypton' };

const features = ObjectFreeze({
  inspector: false,
  debug: false,
  uv: true,
  ipv6: true,
  tls_alpn: true,
  tls_sni: true,
  tls_ocsp: true,
  tls: true,
  openssl_is_boringssl: false,
  cached_builtins: true,
  require_module: true,
  quic: false,
  typescript: false,
});

const config = ObjectFreeze({
  target_defaults: ObjectFreeze({
    cflags: ObjectFreeze([]),
    default_configuration: 'Release',
    defines: ObjectFreeze([]),
    include_dirs: ObjectFreeze([]),
    libraries: ObjectFreeze([]),
  }),
  variables: ObjectFreeze({
    host_arch: 'x64',
    target_arch: 'x64',
    napi_build_version: '10',
    node_module_version: 137,
    node_byteorder: 'little',
    node_shared: false,
    v8_enable_i18n_support: 1,
  }),
});

const signals = ObjectFreeze({
  __proto__: null,
  SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGIOT: 6, SIGBUS: 7, SIGFPE: 8, SIGKILL: 9,
  SIGUSR1: 10, SIGSEGV: 11, SIGUSR2: 12, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGCHLD: 17, SIGSTKFLT: 16, SIGCONT: 18,
  SIGSTOP: 19, SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22, SIGURG: 23, SIGXCPU: 24, SIGXFSZ: 25, SIGVTALRM: 26, SIGPROF: 27,
  SIGWINCH: 28, SIGIO: 29, SIGPOLL: 29, SIGPWR: 30, SIGSYS: 31,
});

module.exports = {
  arch: 'x64',
  config,
  execPath: '/usr/local/bin/node',
  features,
  platform: 'linux',
  release,
  signals,
  version,
  versions,
};
