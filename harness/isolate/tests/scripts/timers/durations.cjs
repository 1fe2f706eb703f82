// Timers by duration: coercion, order among lists, arguments and this.
const seen = [];
for (const [name, delay] of [['900', 900], ['300', 300], ['600', '600'], ['undefined', undefined], ['NaN', NaN], ['-5', -5],
  ['1.9', 1.9], ['0', 0], ['null', null], ['object', { valueOf: () => 450 }], ['2', 2]]) {
  const timer = setTimeout(function(...args) {
    seen.push(name);
    if (this !== timer || args.join() !== 'a,b') console.log('bad', name);
  }, delay, 'a', 'b');
  console.log(name, timer._idleTimeout, timer._repeat, timer.hasRef());
}
setTimeout(() => console.log(seen.join(' ')), 1200);
const busy = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };
setTimeout(() => {
  console.log('--- after a busy loop');
  const order = [];
  setTimeout(() => order.push('late 80'), 80);
  busy(120);
  setTimeout(() => order.push('now 1'), 1);
  busy(5);
  setTimeout(() => console.log(order.join()), 300);
}, 1300);
