// What every test is given: claims that throw.
function assert(claim, message) {
  if (claim !== true) {
    throw new Test262Error(message || 'a claim does not hold');
  }
}
assert.sameValue = function (actual, expected, message) {
  assert(Object.is(actual, expected), (message || 'not the same') + ': ' + String(actual));
};
