// Loaded into the measured server: SIGURG, which means nothing to it, begins to watch its event loop, and the next one
// writes what was seen. A timer is due every millisecond, which is part of each delay.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const NANOSECONDS = 1e6;
const histogram = monitorEventLoopDelay({ resolution: 1 });
let watching = false;

process.on('SIGURG', () => {
  if (watching) {
    histogram.disable();
    const [p50, p99] = [50, 99].map((share) => histogram.percentile(share) / NANOSECONDS);
    const seen = { p50, p99, max: histogram.max / NANOSECONDS };
    writeFileSync(process.env.BENCH_LOOP_DELAY_FILE, JSON.stringify(seen));
  } else {
    histogram.reset();
    histogram.enable();
  }
  watching = !watching;
});
