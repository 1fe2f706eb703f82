// Makes the builtins' own require and evaluates the environment; its value is what the engine calls.
'use strict';

// The parameters are those of every builtin, but only `native` is there yet; `module` names the bootstrap.
const { compileBuiltin } = native.modules;

const loaded = { __proto__: null };
let intrinsics;

function evaluate(id) {
  const fn = compileBuiltin(id);
  const builtin = { exports: {}, id, loaded: false };
  loaded[id] = builtin;
  try {
    fn(builtin.exports, requireBuiltin, builtin, native, intrinsics);
    builtin.loaded = true;
  } finally {
    if (!builtin.loaded) {
      delete loaded[id];
    }
  }
  return builtin;
}

// Gives the exports so far when a cycle asks again, as CommonJS does.
function requireBuiltin(id) {
  return (loaded[id] ?? evaluate(id)).exports;
}

intrinsics = evaluate('internal/primordials').exports;

return requireBuiltin(module)(requireBuiltin);
