import { Injectable } from '@nestjs/common';
import { caching, type Cache as Store } from 'cache-manager';
import { redisInsStore } from 'cache-manager-redis-yet';
import type { RedisConnection } from './redis-connection.js';

const PREFIX = 'core-auth:cache:';

/**
 * A shared cache that is never the only copy of anything: an error or a slow answer is a miss, every entry carries a
 * time to live. With Redis it is shared by all nodes, otherwise it is this process's own and holds 1,000 entries.
 */
@Injectable()
export class Cache {
  private store: Promise<Store> | undefined;

  constructor(private readonly redis: RedisConnection) {}

  async get<T>(key: string): Promise<T | undefined> {
    return this.attempt((store) => store.get<T>(PREFIX + key));
  }

  /** @param ttl milliseconds */
  async set(key: string, value: unknown, ttl: number): Promise<void> {
    await this.attempt((store) => store.set(PREFIX + key, value, ttl));
  }

  private async attempt<T>(work: (store: Store) => Promise<T>): Promise<T | undefined> {
    this.store ??= this.open();
    const store = await this.store;
    if (!this.redis.client) return work(store);
    return this.redis.run(() => work(store)).catch(() => undefined);
  }

  private open(): Promise<Store> {
    if (!this.redis.client) return caching('memory', { max: 1000, ttl: 60_000 });
    return caching(redisInsStore(this.redis.client));
  }
}
