// What `os` publishes everywhere alike: names, constants, refusals.
'use strict';
const os = require('os');
console.log(JSON.stringify(os.constants), JSON.stringify(os.EOL), os.devNull, os.platform(), os.type(), os.endianness(), os.arch(), os.machine());
console.log(Object.keys(os).join(), `${os.platform}`, Object.isFrozen(os.constants.signals), typeof os.cpus()[0].times.idle, os.loadavg().length);
const constants = require('constants');
console.log(JSON.stringify(constants), Object.isFrozen(constants));
for (const f of [() => os.getPriority(), () => os.getPriority('x'), () => os.getPriority(999999), () => os.setPriority(0, 100), () => os.setPriority('a', 1), () => os.setPriority(0, 0), () => Object.keys(os.userInfo()).join(), () => typeof os.userInfo({ encoding: 'buffer' }).username]) {
  try { console.log(f()); } catch (e) { console.log(e.name, e.code, e.message, e.errno, e.syscall); }
}
