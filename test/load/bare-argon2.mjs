// What the machine does when it does nothing but verify, as many at once as there are cores, as our server does it. For
// each line, `{"seconds": 2, "watch": false}`, it prints one: how many, in how many seconds, and what they cost in
// microseconds of processor time; with `watch` how late the event loop was (p99, milliseconds). It ends with its input.
import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { verify } from '@node-rs/argon2';

const [hash, password] = process.argv.slice(2);
const histogram = monitorEventLoopDelay({ resolution: 1 });

async function loop(end) {
  let verified = 0;
  while (performance.now() < end) {
    if (!(await verify(hash, password))) throw new Error('the password is not right');
    verified += 1;
  }
  return verified;
}

async function round({ seconds, watch }) {
  histogram.reset();
  if (watch) histogram.enable();
  const start = performance.now();
  const before = process.cpuUsage();
  const loops = Array.from({ length: availableParallelism() }, () => loop(start + seconds * 1000));
  const verified = (await Promise.all(loops)).reduce((sum, number) => sum + number);
  const { user, system } = process.cpuUsage(before);
  const took = (performance.now() - start) / 1000;
  histogram.disable();
  return { verified, seconds: took, cpu: user + system, delay: histogram.percentile(99) / 1e6 };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await round(JSON.parse(line)))}\n`);
}
