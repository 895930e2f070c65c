import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below those from which a system takes one for each connection, which it might do between our look and our use; above
 * 10080, the last that a browser refuses.
 */
const FIRST = 11_000;
/** Each worker of a test run takes its ports from a share of its own. */
const SHARE = 2_400;
const SHARES = 9;

const first = FIRST + SHARE * (Number(process.env['JEST_WORKER_ID'] ?? 0) % SHARES);
let next = randomInt(SHARE);

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < SHARE; tries += 1) {
    const port = first + (next % SHARE);
    next += 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${first} to ${first + SHARE - 1} is free`);
}

export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
