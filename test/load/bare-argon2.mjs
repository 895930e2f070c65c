// What the machine does when it does nothing but verify: for so many seconds, as many at once as there are cores, as our
// server does it. Prints how many, in how many seconds, what one cost in microseconds of processor time, and how late
// the event loop was (p99, milliseconds).
import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { verify } from '@node-rs/argon2';

const [hash, password, seconds] = process.argv.slice(2);
let verified = 0;

async function loop(end) {
  while (performance.now() < end) {
    if (!(await verify(hash, password))) throw new Error('the password is not right');
    verified += 1;
  }
}

const all = (end) => Promise.all(Array.from({ length: availableParallelism() }, () => loop(end)));

await all(performance.now() + 200);
verified = 0;
const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();
const start = performance.now();
const before = process.cpuUsage();
await all(start + Number(seconds) * 1000);
const { user, system } = process.cpuUsage(before);
const took = (performance.now() - start) / 1000;
const seen = {
  verified,
  seconds: took,
  cpu: (user + system) / verified,
  delay: histogram.percentile(99) / 1e6,
};
process.stdout.write(JSON.stringify(seen));
