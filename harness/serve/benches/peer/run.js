// Measures the peer: reads what it is to run from standard input, prints its samples in milliseconds as JSON.
'use strict';

const { Engine } = require('./engine.js');

function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

async function main() {
  let text = '';
  for await (const piece of process.stdin) text += piece;
  const { files, request, answer, printed, ahead, restMs, warm, cold, isolates } = JSON.parse(text);
  const engine = new Engine(files, 128, ahead);
  const check = (result) => {
    if (result.status !== 200 || result.body !== answer || result.logs.join('') !== printed) throw new Error(`another answer: ${JSON.stringify(result)}`);
  };
  const told = { node: process.version, warm: [], cold: [] };
  const seat = engine.start();
  for (let n = 0; n < warm + 50; n++) {
    const began = now();
    const { result, done } = await engine.execute(seat, request);
    const took = now() - began;
    check(result);
    if (n >= 50) told.warm.push(took);
    done();
    // Between two requests, not within one.
    engine.prepare(seat);
    await new Promise((resume) => setTimeout(resume, Math.max(1, Math.ceil(restMs - (now() - began - took)))));
  }
  for (let n = 0; n < cold; n++) {
    const began = now();
    const seat = engine.start();
    const { result, done } = await engine.execute(seat, request);
    told.cold.push(now() - began);
    check(result);
    done();
    seat.isolate.dispose();
  }
  const before = process.memoryUsage().rss;
  const seats = [];
  for (let n = 0; n < isolates; n++) {
    const seat = engine.start();
    const { done } = await engine.execute(seat, request);
    done();
    seats.push(seat);
  }
  told.bytesPerIsolate = (process.memoryUsage().rss - before) / isolates;
  process.stdout.write(JSON.stringify(told));
  process.exit(0);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
