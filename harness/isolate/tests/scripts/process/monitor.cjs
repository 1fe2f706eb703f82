// uncaughtExceptionMonitor, the capture callback, and errors thrown at the top.
process.on('uncaughtExceptionMonitor', (e, origin) => console.log('monitor', e.message, origin));
process.once('uncaughtException', (e, origin) => { console.log('took', e.message, origin); second(); });
function second() {
  process.setUncaughtExceptionCaptureCallback((e) => { console.log('captured', e.message); process.setUncaughtExceptionCaptureCallback(null); third(); });
  try { process.setUncaughtExceptionCaptureCallback(() => {}); } catch (e) { console.log(e.code); }
  console.log(process.hasUncaughtExceptionCaptureCallback());
  setTimeout(() => { throw new Error('second'); }, 1);
}
function third() {
  process.once('uncaughtException', (e, origin) => console.log('rejection took', e.message, origin, e.code));
  Promise.reject(new Error('rejected'));
  setTimeout(() => { process.once('uncaughtException', (e, origin) => console.log('reason', e.code, origin, e.name)); Promise.reject('no error'); }, 1);
}
setTimeout(() => console.log('still here'), 900);
throw new Error('top');
