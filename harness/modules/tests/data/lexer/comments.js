/* exports.no1 = 1 */ exports./* a */yes1/* b */ = 1; // exports.no2 = 1
exports // here
  .yes2 // there
  = 2;
'exports.no3 = 1'; "exports.no4 = 1"; `exports.no5 = 1 ${ exports.yes3 = 1 } exports.no6 = 1`;
/exports.no7 = 1/.test(x); a = b / exports.yes4 / c; "\
exports.no8 = 1"; /[/]exports.no9 = 1/;
module/**/./**/exports/**/=/**/{/**/yes5/**/,/**/'yes6'/**/}/**/;
