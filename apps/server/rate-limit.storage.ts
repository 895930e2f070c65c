import type { ThrottlerStorage } from '@nestjs/throttler';
import { sha256, type RedisConnection } from '#platform';

type StorageRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

const COUNT = `
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { hits, redis.call('PTTL', KEYS[1]) }`;

/** Counts in Redis by one script; while Redis is away each node counts for itself, so a limit never disappears. */
export class SharedThrottlerStorage implements ThrottlerStorage {
  private readonly local = new LocalCounter();

  constructor(private readonly redis: RedisConnection) {}

  async increment(
    key: string,
    ttl: number,
    limit: number,
    _blockDuration: number,
    name: string,
  ): Promise<StorageRecord> {
    if (!this.redis.ready) return this.local.increment(key, ttl, limit);
    // Redis is told of no address
    const shared = `core-auth:rate-limit:${name}:${sha256(key).toString('base64url')}`;
    try {
      const [hits, left] = (await this.redis.run((client) =>
        client.eval(COUNT, { keys: [shared], arguments: [String(ttl)] }),
      )) as [number, number];
      return recordOf(hits, left, limit);
    } catch {
      return this.local.increment(key, ttl, limit);
    }
  }
}

interface Window {
  hits: number;
  readonly endsAt: number;
}

/**
 * Counts as the script does. The package's own storage keeps every hit for as long as it counts, and looks through all
 * of them at each: under load that was most of what a request cost.
 */
export class LocalCounter {
  private readonly windows = new Map<string, Window>();
  private sweepAt = 0;

  /** @param ttl milliseconds */
  increment(key: string, ttl: number, limit: number): StorageRecord {
    const now = performance.now();
    if (now >= this.sweepAt) this.sweep(now, ttl);
    let window = this.windows.get(key);
    if (!window || window.endsAt <= now) this.windows.set(key, (window = { hits: 0, endsAt: now + ttl }));
    window.hits += 1;
    return recordOf(window.hits, window.endsAt - now, limit);
  }

  /** How many addresses are remembered: those of the last two windows at most. */
  get size(): number {
    return this.windows.size;
  }

  private sweep(now: number, ttl: number): void {
    for (const [key, window] of this.windows) if (window.endsAt <= now) this.windows.delete(key);
    this.sweepAt = now + ttl;
  }
}

/** @param left milliseconds of the window */
function recordOf(hits: number, left: number, limit: number): StorageRecord {
  const seconds = Math.max(1, Math.ceil(left / 1000));
  const isBlocked = hits > limit;
  return { totalHits: hits, timeToExpire: seconds, isBlocked, timeToBlockExpire: isBlocked ? seconds : 0 };
}
