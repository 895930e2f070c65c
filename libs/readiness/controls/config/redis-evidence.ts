import type { RedisConnection } from '#platform';
import { unknown } from '../../control.js';
import type { Finding } from '../../report.js';

/** Every key of ours begins so. */
export const KEY_PREFIX = 'core-auth:';
const MOST_SAMPLED = 500;

/** What every Redis control says when there is none: no Redis, no evidence. */
export function withoutRedis(): Finding {
  return unknown('REDIS_URL is not set: limits and caches hold per process', 'a Redis: set REDIS_URL');
}

/** One section of INFO as a record. */
export async function redisInfo(redis: RedisConnection, section: string): Promise<Record<string, string>> {
  const text = await redis.run((client) => client.info(section));
  return Object.fromEntries(
    text
      .split(/\r?\n/)
      .filter((line) => line.includes(':') && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
}

export interface SampledKeys {
  readonly sampled: number;
  /** Keys of ours that never expire. */
  readonly lasting: readonly string[];
}

/** Looks at up to 500 keys of ours. */
export async function sampleKeys(redis: RedisConnection): Promise<SampledKeys> {
  const found = new Set<string>();
  let cursor = 0;
  do {
    const page = await redis.run((client) => client.scan(cursor, { MATCH: `${KEY_PREFIX}*`, COUNT: 200 }));
    page.keys.forEach((key) => found.add(key));
    cursor = page.cursor;
  } while (cursor !== 0 && found.size < MOST_SAMPLED);
  const lasting: string[] = [];
  for (const key of found) {
    // -1: there and without an expiry; -2: gone meanwhile
    if ((await redis.run((client) => client.pTTL(key))) === -1) lasting.push(key);
  }
  return { sampled: found.size, lasting };
}
