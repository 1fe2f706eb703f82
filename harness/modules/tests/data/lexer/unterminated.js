exports.unfinished = "abc
