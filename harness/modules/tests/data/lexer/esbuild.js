var __defProp = Object.defineProperty;
var __export = (target, all) => { for (var name in all) __defProp(target, name, { get: all[name], enumerable: true }); };
var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);
var index_exports = {};
__export(index_exports, { alpha: () => alpha, beta: () => beta_default });
module.exports = __toCommonJS(index_exports);
__reExport(index_exports, require("./gamma"), module.exports);
var pattern = /[/'"`]/g, half = 4 / 2 / 1;
// Annotate the CommonJS export names for ESM import in node:
0 && (module.exports = {
  alpha,
  beta,
  ...require("./gamma")
});
