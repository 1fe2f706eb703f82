"use strict";
// What TypeScript writes for re-exports, getters and `export *`.
var __createBinding = (this && this.__createBinding) || (Object.create ? (function(o, m, k, k2) {
    if (k2 === undefined) k2 = k;
    Object.defineProperty(o, k2, { enumerable: true, get: function() { return m[k]; } });
}) : (function(o, m, k, k2) { o[k2] = m[k]; }));
var __exportStar = (this && this.__exportStar) || function(m, exports) {
    for (var p in m) if (p !== "default" && !Object.prototype.hasOwnProperty.call(exports, p)) __createBinding(exports, m, p);
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.late = exports.early = void 0;
__exportStar(require("./star"), exports);
tslib_1.__exportStar(require("./tslib-star"), exports);
__export(require("./old-star"));
tslib.__export(require('./tslib-old'));
var color_1 = require("./color");
Object.defineProperty(exports, "color", { enumerable: true, get: function () { return color_1.color; } });
Object.defineProperty(exports, "shade", { enumerable: true, get: function () { return color_1["shade"]; } });
Object.defineProperty(exports, "named", { enumerable: true, get: function named() { return color_1.named; }, });
Object.defineProperty(exports, "short", { enumerable: true, get() { return color_1.short } });
Object.defineProperty(exports, 'plain', { get: function () { return plain; } });
Object.defineProperty(module.exports, 'whole', { enumerable: true, get: function () { return whole; } });
Object.defineProperty(exports, 'busy', { enumerable: true, get: function () { count++; return busy; } });
Object.defineProperty(exports, 'hidden', { enumerable: false, get: function () { return busy; } });
Object.defineProperty(exports, 'call', { enumerable: true, get: function () { return busy(); } });
Object.defineProperty(exports, 'valued', { enumerable: true, value: 1 });
Object.defineProperty(exports, 'later', { configurable: true, value: 1 });
Object.defineProperty(exports, computed, { value: 1 });
Object.defineProperty(other, 'other', { value: 1 });
(function (Kind) { Kind[Kind["A"] = 0] = "A"; })(exports.Kind || (exports.Kind = {}));
