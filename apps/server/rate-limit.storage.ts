import { ThrottlerStorageService, type ThrottlerStorage } from '@nestjs/throttler';
import type { RedisConnection } from '#platform';

type StorageRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

const COUNT = `
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { hits, redis.call('PTTL', KEYS[1]) }`;

/** Counts in Redis by one script; while Redis is away each node counts for itself, so a limit never disappears. */
export class SharedThrottlerStorage implements ThrottlerStorage {
  private readonly local = new ThrottlerStorageService();

  constructor(private readonly redis: RedisConnection) {}

  async increment(
    key: string,
    ttl: number,
    limit: number,
    blockDuration: number,
    name: string,
  ): Promise<StorageRecord> {
    if (!this.redis.ready) return this.local.increment(key, ttl, limit, blockDuration, name);
    try {
      const [hits, left] = (await this.redis.run((client) =>
        client.eval(COUNT, { keys: [`core-auth:rate-limit:${name}:${key}`], arguments: [String(ttl)] }),
      )) as [number, number];
      const seconds = Math.max(1, Math.ceil(left / 1000));
      const isBlocked = hits > limit;
      return {
        totalHits: hits,
        timeToExpire: seconds,
        isBlocked,
        timeToBlockExpire: isBlocked ? seconds : 0,
      };
    } catch {
      return this.local.increment(key, ttl, limit, blockDuration, name);
    }
  }
}
