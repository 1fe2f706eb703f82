// Finds the shortest edit between two lists (Myers' O(ND) algorithm), for `assert`'s messages and `util.diff`.
'use strict';

const {
  ArrayPrototypePush, Int32Array, StringPrototypeEndsWith, TypedArrayPrototypeSlice,
} = primordials;
const kOperations = { DELETE: -1, NOP: 0, INSERT: 1 };

function same(actual, expected, checkCommas) {
  return actual === expected ||
    (checkCommas && (`${actual},` === expected || actual === `${expected},`));
}

// Gives `[operation, value]` pairs from last to first: INSERT is what only `actual` has, DELETE what only `expected` has.
function myersDiff(actual, expected, checkCommas = false) {
  const rows = actual.length;
  const columns = expected.length;
  const max = rows + columns;
  const furthest = new Int32Array(2 * max + 1);
  const trace = [];
  for (let edits = 0; edits <= max; edits++) {
    ArrayPrototypePush(trace, TypedArrayPrototypeSlice(furthest));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const offset = diagonal + max;
      const before = furthest[offset - 1];
      const after = furthest[offset + 1];
      let x = diagonal === -edits || (diagonal !== edits && before < after) ? after : before + 1;
      let y = x - diagonal;
      while (x < rows && y < columns && same(actual[x], expected[y], checkCommas)) {
        x++;
        y++;
      }
      furthest[offset] = x;
      if (x >= rows && y >= columns) {
        return backtrack(trace, actual, expected, checkCommas);
      }
    }
  }
  return [];
}

function backtrack(trace, actual, expected, checkCommas) {
  const max = actual.length + expected.length;
  let x = actual.length;
  let y = expected.length;
  const result = [];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const furthest = trace[edits];
    const diagonal = x - y;
    const offset = diagonal + max;
    const prior = diagonal === -edits || (diagonal !== edits && furthest[offset - 1] < furthest[offset + 1])
      ? diagonal + 1 : diagonal - 1;
    const priorX = furthest[prior + max];
    const priorY = priorX - prior;
    while (x > priorX && y > priorY) {
      const item = actual[x - 1];
      const value = checkCommas && !StringPrototypeEndsWith(item, ',') ? expected[y - 1] : item;
      ArrayPrototypePush(result, [kOperations.NOP, value]);
      x--;
      y--;
    }
    if (edits > 0) {
      if (x > priorX) {
        ArrayPrototypePush(result, [kOperations.INSERT, actual[--x]]);
      } else {
        ArrayPrototypePush(result, [kOperations.DELETE, expected[--y]]);
      }
    }
  }
  return result;
}

module.exports = { kOperations, myersDiff };
