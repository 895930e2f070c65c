import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Client } from 'pg';
import { failed, minutes, seconds, verified, type Control } from '../../control.js';

const LEAST = 1_000;
const MOST = 10_000;
/** Milliseconds that giving up may take beyond the limit. */
const TOLERANCE = 500;

/** Connecting to a server that never answers is given up in time. */
export const connectTimeout: Control = {
  id: 'config.db.connect-timeout',
  kind: 'probe',
  timeout: MOST + seconds(2),
  interval: minutes(60),
  async verify({ database }, signal) {
    const limit = database.connectTimeout;
    const mend = 'set CORE_AUTH_DATABASE_CONNECT_TIMEOUT to 1000…10000 (milliseconds) and restart';
    if (limit < LEAST || limit > MOST) {
      return failed(
        'a time-out of 1 to 10 s',
        limit === 0 ? 'none: it would wait for ever' : `${limit} ms`,
        mend,
      );
    }
    const taken = await timeAgainstSilence(limit, signal);
    if (taken > limit + TOLERANCE) {
      return failed(
        `giving up within ${limit} ms`,
        `${Math.round(taken)} ms against a server that never answers`,
        mend,
      );
    }
    return verified(
      `${limit} ms; against a server that never answers it gave up after ${Math.round(taken)} ms`,
    );
  },
};

/** A listener that takes connections and stays silent is what a black-holed address looks like to the driver. */
async function timeAgainstSilence(limit: number, signal: AbortSignal): Promise<number> {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: 'readiness-probe',
    connectionTimeoutMillis: limit,
  });
  client.on('error', () => undefined);
  signal.addEventListener('abort', () => sockets.forEach((socket) => socket.destroy()), { once: true });
  const start = performance.now();
  await client.connect().catch(() => undefined);
  const taken = performance.now() - start;
  sockets.forEach((socket) => socket.destroy());
  silent.close();
  return taken;
}
