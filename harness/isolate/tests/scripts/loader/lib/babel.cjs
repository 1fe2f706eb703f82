Object.defineProperty(exports, "__esModule", { value: true }); exports.named = 1; exports.default = 2; exports.later = undefined; exports.later = 3;
