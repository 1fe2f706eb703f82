// Which builtins a package may load, under which names, and loading them.
'use strict';

const {
  ArrayPrototypeForEach,
  ArrayPrototypeMap,
  ArrayPrototypePush,
  SafeSet,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
} = primordials;

const publicIds = native.modules.publicBuiltins();
const schemeOnlyIds = native.modules.schemeOnlyBuiltins();
const publicSet = new SafeSet(publicIds);
const schemeOnlySet = new SafeSet(schemeOnlyIds);

function stripScheme(id) {
  return StringPrototypeStartsWith(id, 'node:') ? StringPrototypeSlice(id, 5) : id;
}

// Whether `request` names a builtin: `fs`, `node:fs`, `node:test` but not `test`.
function canBeRequired(request) {
  if (StringPrototypeStartsWith(request, 'node:')) {
    const id = StringPrototypeSlice(request, 5);
    return publicSet.has(id) || schemeOnlySet.has(id);
  }
  return publicSet.has(request);
}

function isBuiltin(request) {
  return typeof request === 'string' && canBeRequired(request);
}

function loadPublicBuiltin(id) {
  return require(id);
}

const builtinModules = [];
ArrayPrototypeForEach(publicIds, (id) => ArrayPrototypePush(builtinModules, id));
ArrayPrototypeForEach(ArrayPrototypeMap(schemeOnlyIds, (id) => `node:${id}`), (id) => {
  ArrayPrototypePush(builtinModules, id);
});

module.exports = { builtinModules, canBeRequired, isBuiltin, loadPublicBuiltin, stripScheme };
