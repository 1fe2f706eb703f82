// What asynchronous tests are given: how they say that they are over.
function $DONE(error) {
  print(error ? 'Test262:AsyncTestFailure:' + String(error) : 'Test262:AsyncTestComplete');
}
