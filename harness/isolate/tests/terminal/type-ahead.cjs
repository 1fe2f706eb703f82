// What is typed before anybody reads, and while the program paused.
console.log('sleeping');
setTimeout(() => {
  process.stdin.on('data', (d) => { console.log('data', JSON.stringify(String(d))); process.stdin.pause(); 
    setTimeout(() => { console.log('again'); process.stdin.once('data', (e) => console.log('more', JSON.stringify(String(e)))); process.stdin.resume(); setTimeout(() => process.stdin.unref(), 300); }, 200); });
}, 300);
