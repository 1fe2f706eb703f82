// A file that a test must ask for.
var extra = 'included';
