"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
var _exportNames = { own: true, other: true };
exports.own = own;
exports["other"] = exports['dash-ed'] = void 0;
var _first = require("./first");
Object.keys(_first).forEach(function (key) {
  if (key === "default" || key === "__esModule") return;
  if (Object.prototype.hasOwnProperty.call(_exportNames, key)) return;
  if (key in exports && exports[key] === _first[key]) return;
  Object.defineProperty(exports, key, {
    enumerable: true,
    get: function () {
      return _first[key];
    }
  });
});
var _second = _interopRequireWildcard(require('./second'));
Object.keys(_second).forEach(function (key) {
  if (key === "default" || key === "__esModule") return;
  exports[key] = _second[key];
});
let _third = require('./third');
Object.keys(_third).forEach(function (k) { if (k !== 'default') exports[k] = _third[k]; });
const _fourth = require('./fourth');
Object.keys(_fourth).forEach(function (k) {
  if (k !== 'default' && !exports.hasOwnProperty(k)) Object.defineProperty(exports, k, {
    enumerable: true,
    get: function () { return _fourth[k]; }
  });
});
var _fifth = require('./fifth');
Object.keys(_fifth).forEach(function (k) {
  if (k !== 'default' && !Object.prototype.hasOwnProperty.call(exports, k)) exports[k] = _fifth[k];
});
Object.keys(_unknown).forEach(function (key) {
  if (key === "default" || key === "__esModule") return;
  exports[key] = _unknown[key];
});
var a = 1, _sixth = require('./sixth');
Object.keys(_sixth).forEach(function (key) {
  if (key === "default" || key === "__esModule") return;
  exports[key] = _sixth[key];
});
var _seventh = require('./seventh');
Object.keys(_seventh).forEach(function (key) {
  if (key === "default" || key === "__esModule") return;
  if (key in exports && exports[key] === _seventh[key]) return;
  module.exports[key] = _seventh[key];
});
function own() { Object.keys(_first).forEach(function (k) { if (k !== 'default') exports[k] = _first[k]; }); }
function _interopRequireWildcard(e, t) { return e }
