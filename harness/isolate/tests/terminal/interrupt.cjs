// ^C ends a program that does not listen.
process.on('exit', () => console.log('never said'));
setInterval(() => {}, 1000);
console.log('waiting');
