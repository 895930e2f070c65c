// Loaded into the measured server: SIGWINCH, which means nothing to it, begins a CPU profile, and the next one writes it.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';

const session = new Session();
let number = 0;
let running = false;

async function toggle() {
  if (running) {
    const { profile } = await session.post('Profiler.stop');
    number += 1;
    const name = `${String(number).padStart(2, '0')}.cpuprofile`;
    writeFileSync(join(process.env.BENCH_PROFILE_FOLDER, name), JSON.stringify(profile));
  } else {
    await session.post('Profiler.start');
  }
  running = !running;
}

session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: 500 });
process.on('SIGWINCH', () => {
  toggle().catch((error) => process.stderr.write(`${error.stack}\n`));
});
