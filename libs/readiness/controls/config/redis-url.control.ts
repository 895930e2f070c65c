import { randomUUID } from '#platform';
import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import { briefly } from '../../control-runner.js';
import { KEY_PREFIX, withoutRedis } from './redis-evidence.js';

/** The setting leads to a Redis that takes a key and gives it back. */
export const redisUrl: Control = {
  id: 'config.env.redis-url',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(1),
  async verify({ configuration, redis, instance }) {
    if (!redis.configured) {
      if (!configuration.production) return withoutRedis();
      return failed(
        'a Redis in production',
        'REDIS_URL is not set: limits and caches hold per process',
        'set REDIS_URL (rediss://user:password@host:port) and restart',
      );
    }
    const key = `${KEY_PREFIX}readiness-probe:${instance}`;
    const value = randomUUID();
    try {
      await redis.run((client) => client.ping());
      await redis.run((client) => client.set(key, value, { PX: seconds(10) }));
      const read = await redis.run((client) => client.getDel(key));
      if (read !== value) {
        return failed(
          'the probe key as written',
          read === null ? 'no such key' : 'another value',
          'point REDIS_URL at a primary',
        );
      }
    } catch (error) {
      return failed('a Redis that answers', briefly(cause(error)), 'start Redis, or correct REDIS_URL');
    }
    return verified('PING answered; a probe key was written, read and deleted');
  },
};

function cause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}
