global.__t = (global.__t ?? 0) + 1; if (global.__t === 1) throw new Error("once"); module.exports = global.__t
