// `navigator`: what it says of the machine is the same on each.
'use strict';

const { ObjectDefineProperties, ObjectFreeze } = primordials;

const {
  codes: { ERR_ILLEGAL_CONSTRUCTOR },
} = require('internal/errors');
const { kEnumerableProperty } = require('internal/util');

const kOwn = { __proto__: null };

class Navigator {
  constructor(own) {
    if (own !== kOwn) {
      throw new ERR_ILLEGAL_CONSTRUCTOR();
    }
  }

  get hardwareConcurrency() {
    return require('os').availableParallelism();
  }

  get language() {
    return 'en-US';
  }

  get languages() {
    return ObjectFreeze(['en-US']);
  }

  get userAgent() {
    const { versions } = require('process');
    return `Node.js/${primordials.StringPrototypeSplit(versions.node, '.')[0]}`;
  }

  get platform() {
    const { arch } = require('process');
    return arch === 'x64' ? 'Linux x86_64' : `Linux ${arch}`;
  }

  get locks() {
    return require('worker_threads').locks;
  }
}
ObjectDefineProperties(Navigator.prototype, {
  hardwareConcurrency: kEnumerableProperty,
  language: kEnumerableProperty,
  languages: kEnumerableProperty,
  userAgent: kEnumerableProperty,
  platform: kEnumerableProperty,
  locks: kEnumerableProperty,
});
module.exports = { Navigator, navigator: new Navigator(kOwn) };
