// Tells the harness which error ended the process; leaves no trace of itself for the guest.
'use strict';
const { writeFileSync } = require('fs');
const place = __filename + '.json';
delete require.cache[__filename];
process.execArgv.length = 0;
process.on('uncaughtExceptionMonitor', (error) => {
  // With a listener of the guest's own the error does not end the process.
  if (process.listenerCount('uncaughtException') > 0) return;
  const isObject = (typeof error === 'object' && error !== null) || typeof error === 'function';
  const part = (name) => {
    try { return isObject && error[name] !== undefined ? String(error[name]) : null; } catch { return null; }
  };
  let message = part('message');
  if (message === null) { try { message = String(error); } catch { message = ''; } }
  writeFileSync(place, JSON.stringify({ name: part('name'), code: part('code'), message, stack: part('stack') ?? '' }));
});
