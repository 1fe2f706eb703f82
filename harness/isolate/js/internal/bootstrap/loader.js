// Sets up the module loader and nothing else: the environment of realms that are no programs, such as those of test262.
'use strict';

module.exports = function bootstrap(requireBuiltin) {
  const esm = requireBuiltin('internal/modules/esm');
  // All of its exports, so that no hook that the loader gets is missing here.
  return {
    __proto__: null,
    ...esm,
    builtinExports: requireBuiltin,
    importMeta: esm.initializeImportMeta,
  };
};
