// Channels inside one program, and their events.
const { receiveMessageOnPort, MessageChannel: Named } = require('worker_threads');
console.log(Named === MessageChannel);
const { port1, port2 } = new MessageChannel();
port1.postMessage({ a: [1, new Date(0)] });
console.log(receiveMessageOnPort(port2), receiveMessageOnPort(port2));
port2.onmessage = (event) => {
  console.log(event.constructor.name, event.type, event.data, event.target === port2);
  if (event.data === 'last') {
    port2.close();
  }
};
port2.on('close', () => console.log('close 2'));
port1.postMessage('first');
port1.postMessage('last');
console.log('sent');
try {
  port1.postMessage(() => {});
} catch (error) {
  console.log(error.name, error.code);
}
for (const wrong of [() => new MessagePort(), () => new MessageChannel().port1.postMessage(), () => new BroadcastChannel()]) {
  try {
    wrong();
  } catch (error) {
    console.log(error.name, error.code);
  }
}
const a = new BroadcastChannel('news');
const b = new BroadcastChannel('news');
b.onmessage = (event) => {
  console.log('news', event.data);
  a.close();
  b.close();
};
a.postMessage('hello');
const event = new MessageEvent('message', { data: 5, origin: 'x' });
console.log(event.data, event.origin, event.ports, new CloseEvent('close', { code: 1000, reason: 'done', wasClean: true }).code);
const { isMarkedAsUntransferable, markAsUncloneable, markAsUntransferable } = require('worker_threads');
const kept = new ArrayBuffer(4);
markAsUntransferable(kept);
const whole = { a: 1 };
markAsUncloneable(whole);
markAsUncloneable(5);
console.log(isMarkedAsUntransferable(kept), isMarkedAsUntransferable(whole), isMarkedAsUntransferable(1));
for (const wrong of [() => structuredClone(kept, { transfer: [kept] }), () => structuredClone(whole)]) {
  try {
    wrong();
  } catch (error) {
    console.log(error.name, error.code);
  }
}
