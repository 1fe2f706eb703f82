var a = b / c; var r = /exports.no = 1;'/;
(function () {
  if (x) /re'/.test(y);
  while (x) /[/']/.exec(y);
  for (;;) /`/.exec(y);
  foo(x) / 2; exports.one = 1;
  x = {} / 2; function f() {}
  class A { m() {} } /"/.test(x);
  typeof /"/; x = a++ / 2; y = 1. / 2; z = --a / 2;
  exports.two = a ? /'/ : b;
  `${a / b} ${`${"}" + /}/.source}`} \` \${`; exports.three = 3;
  switch (x) { case /'/: exports.four = 4 }
  void /'/, delete /'/, new /'/; x in /'/; do /'/.test(x); while (y)
  x = this / 2; y = super / 3; z = null / 4; w = a[0] / 5; exports.five = 5;
  /* exports.none = 1 */ // exports.none2 = 1
  return /'/;
})();
