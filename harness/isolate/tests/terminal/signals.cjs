// Signals of the program to itself, and one of the keyboard.
process.on('SIGWINCH', () => console.log('winch'));
process.kill(process.pid, 'SIGWINCH');
process.stdout.on('resize', () => console.log('no resize'));
process.stdin.resume();
process.on('SIGINT', () => { console.log('int'); process.exitCode = 3; process.stdin.pause(); });
process.stdin.on('end', () => console.log('no end'));
process.on('exit', () => console.log('exiting', process.listenerCount('SIGWINCH')));
console.log('go');
