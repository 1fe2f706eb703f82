// What Duplex needs of the insides of Readable and Writable, which are not to be seen on those classes.
'use strict';

// Filled in by the two when they are evaluated: maybeReadMore(stream, state), constructed(stream), takeMethods(stream, options).
module.exports = { __proto__: null, maybeReadMore: undefined, constructed: undefined, takeMethods: undefined };
