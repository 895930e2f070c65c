import { createClient } from 'redis';
import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import { withoutRedis } from './redis-evidence.js';

const MOST_PING = 5;
const ENOUGH_SAMPLES = 30;
const MEND = 'start Redis, or look for slow commands and the network between: redis-cli --latency';

/** Redis answers fast, and a connection that it drops comes back by itself. */
export const redisConnection: Control = {
  id: 'config.redis.connection',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(1),
  async verify({ configuration, redis, vitals }, signal) {
    if (!redis.configured || !configuration.redisUrl) return withoutRedis();
    if (!redis.ready) return failed('a connection to Redis', 'Redis is not connected', MEND);
    const { count, p99 } = vitals.redisPing;
    if (count < ENOUGH_SAMPLES) return unknown(`${count} samples of PING`, 'half a minute of samples');
    const seen = `PING p99 ${p99.toFixed(1)} ms over ${count} samples`;
    if (!(p99 < MOST_PING)) return failed(`PING p99 below ${MOST_PING} ms`, seen, MEND);
    const taken = await reconnectDrill(configuration.redisUrl, signal);
    return verified(`${seen}; a probe's connection that Redis closed was back after ${Math.round(taken)} ms`);
  },
};

/** Lets Redis close a connection of the probe's own (QUIT) and times its return. */
async function reconnectDrill(url: string, signal: AbortSignal): Promise<number> {
  const client = createClient({ url, socket: { connectTimeout: 500, reconnectStrategy: 50 } });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const back = new Promise<void>((resolve, reject) => {
      client.once('ready', () => resolve());
      signal.addEventListener('abort', () => reject(new Error('the connection did not come back')), {
        once: true,
      });
    });
    const start = performance.now();
    await client.sendCommand(['QUIT']).catch(() => undefined);
    await back;
    await client.ping();
    return performance.now() - start;
  } finally {
    if (client.isOpen) await client.disconnect();
  }
}
