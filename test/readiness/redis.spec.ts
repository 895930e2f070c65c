import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient, type RedisClientType } from 'redis';
import { RedisConnection } from '#platform';
import { redisConnection } from '../../libs/readiness/controls/config/redis-connection.control.js';
import {
  redisExpiry,
  redisMemory,
  redisPersistence,
  redisPool,
} from '../../libs/readiness/controls/config/redis-limits.control.js';
import { redisUrl } from '../../libs/readiness/controls/config/redis-url.control.js';
import { redisCredentials } from '../../libs/readiness/controls/security/redis-credentials.control.js';
import type { Vitals } from '../../libs/readiness/vitals.js';
import { eventually } from '../../apps/cli/development/processes.js';
import { RedisServer } from '../support/redis.js';
import { configurationWith, ReadinessWorld } from './readiness-world.js';

let server: RedisServer;
let readiness: ReadinessWorld;
/** The administrator of that Redis. */
let admin: RedisClientType;

beforeAll(async () => {
  server = await RedisServer.start();
  readiness = await ReadinessWorld.start({ env: { REDIS_URL: server.url } });
  admin = createClient({ url: server.url });
  admin.on('error', () => undefined);
  await admin.connect();
  await eventually(() => readiness.context.redis.ready, 5_000);
}, 60_000);

afterAll(async () => {
  if (admin?.isOpen) await admin.disconnect();
  await readiness?.stop();
  await server?.stop();
});

const vitals = (count: number, p99: number) => ({ redisPing: { count, p99 } }) as Vitals;

describe('without REDIS_URL', () => {
  const nothing = { redis: new RedisConnection(undefined) };

  it.each([
    redisUrl,
    redisConnection,
    redisPool,
    redisExpiry,
    redisMemory,
    redisPersistence,
    redisCredentials,
  ])('$id is unknown and says what is missing', async (control) => {
    expect(await readiness.verify(control, nothing)).toMatchObject({
      state: 'unknown',
      missing: 'a Redis: set REDIS_URL',
    });
  });

  it('config.env.redis-url is red in production', async () => {
    const configuration = configurationWith(readiness.configuration, { environment: 'production' });
    expect(await readiness.verify(redisUrl, { ...nothing, configuration })).toMatchObject({
      state: 'failed',
    });
  });
});

describe('config.env.redis-url', () => {
  it('is verified when a probe key was written and read, and leaves nothing behind', async () => {
    expect(await readiness.verify(redisUrl)).toMatchObject({ state: 'verified' });
    expect(await admin.keys('*readiness-probe*')).toEqual([]);
  });
});

describe('config.redis.connection', () => {
  it('is verified when PING is fast and a closed connection comes back', async () => {
    expect(await readiness.verify(redisConnection, { vitals: vitals(300, 1) })).toMatchObject({
      state: 'verified',
      seen: expect.stringContaining('was back after'),
    });
  });

  it('is red when PING is slow, unknown while too few were timed', async () => {
    expect(await readiness.verify(redisConnection, { vitals: vitals(300, 6) })).toMatchObject({
      state: 'failed',
    });
    expect(await readiness.verify(redisConnection, { vitals: vitals(2, 1) })).toMatchObject({
      state: 'unknown',
    });
  });
});

describe('config.redis.pool', () => {
  it('is red without headroom, and unknown with it, since the queue of commands was not seen', async () => {
    await admin.configSet('maxclients', '2');
    expect(await readiness.verify(redisPool)).toMatchObject({ state: 'failed' });
    await admin.configSet('maxclients', '10000');
    expect(await readiness.verify(redisPool)).toMatchObject({
      state: 'unknown',
      missing: expect.stringContaining('queue'),
    });
  });
});

describe('config.redis.expiry', () => {
  it('is red for a key of ours without a time to live, and ignores what is not ours', async () => {
    await admin.set('core-auth:cache:kept', 'x');
    expect(await readiness.verify(redisExpiry)).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('core-auth:cache:kept'),
    });
    await admin.pExpire('core-auth:cache:kept', 60_000);
    await admin.set('somebody-else', 'x');
    expect(await readiness.verify(redisExpiry)).toMatchObject({ state: 'verified' });
    await admin.del(['core-auth:cache:kept', 'somebody-else']);
  });
});

describe('config.redis.memory-limit', () => {
  it('is red without a limit, with a policy that does not fit, and when nearly full', async () => {
    expect(await readiness.verify(redisMemory)).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('maxmemory 0'),
    });
    await admin.configSet('maxmemory', '256mb');
    await admin.configSet('maxmemory-policy', 'allkeys-lru');
    expect(await readiness.verify(redisMemory)).toMatchObject({ state: 'failed', seen: 'allkeys-lru' });
    await admin.configSet('maxmemory-policy', 'noeviction');
    expect(await readiness.verify(redisMemory)).toMatchObject({ state: 'verified' });
    await admin.configSet(
      'maxmemory',
      String(Number((/used_memory:(\d+)/.exec(await admin.info('memory')) ?? [])[1]) + 100_000),
    );
    expect(await readiness.verify(redisMemory)).toMatchObject({
      state: 'failed',
      expected: 'less than 80 % in use',
    });
    await admin.configSet('maxmemory', '256mb');
  });
});

describe('config.redis.persistence', () => {
  it('does not apply while every key of ours ends', async () => {
    expect(await readiness.verify(redisPersistence)).toMatchObject({ state: 'not-applicable' });
  });

  it('is red when something of ours stays and nothing persists it, verified with AOF', async () => {
    await admin.set('core-auth:kept', 'x');
    expect(await readiness.verify(redisPersistence)).toMatchObject({
      state: 'failed',
      mend: 'redis-cli CONFIG SET appendonly yes',
    });
    // Redis refuses while it cannot fork: a matter of moments
    while (!(await admin.configSet('appendonly', 'yes').catch(() => undefined))) await sleep(200);
    while (!/aof_enabled:1/.test(await admin.info('persistence'))) await sleep(20);
    expect(await readiness.verify(redisPersistence)).toMatchObject({ state: 'verified' });
    await admin.configSet('appendonly', 'no');
    await admin.del('core-auth:kept');
  });
});

describe('security.data.redis-credentials', () => {
  it('is red without a password, red for default with all commands, verified for a user of its own', async () => {
    expect(await readiness.verify(redisCredentials)).toMatchObject({
      state: 'failed',
      seen: 'PING answered without one',
    });
    await admin.configSet('requirepass', 'kV7w-2p0-long');
    const asDefault = `redis://:kV7w-2p0-long@127.0.0.1:${server.port}`;
    expect(await verifyAs(asDefault)).toMatchObject({ state: 'failed', seen: 'default with all commands' });
    await admin.sendCommand([
      'ACL',
      'SETUSER',
      'core-auth',
      'on',
      '>mQ3x-9z',
      '~core-auth:*',
      '&core-auth:*',
      '+@all',
      '-@dangerous',
      '+info',
    ]);
    expect(await verifyAs(`redis://core-auth:mQ3x-9z@127.0.0.1:${server.port}`)).toMatchObject({
      state: 'verified',
    });
    await admin.configSet('requirepass', '');
  });

  async function verifyAs(url: string) {
    const redis = new RedisConnection(url);
    try {
      await eventually(() => redis.ready, 5_000);
      const configuration = configurationWith(readiness.configuration, { redisUrl: url });
      return await readiness.verify(redisCredentials, { redis, configuration });
    } finally {
      await redis.onApplicationShutdown();
    }
  }
});

describe('a Redis that is killed', () => {
  it('is reported as degraded by /health/ready, which stays 200, and turns both connection items red until it is back', async () => {
    const { port } = server;
    server.signal('SIGKILL');
    await eventually(() => !readiness.context.redis.ready, 5_000);
    const down = await fetch(`${readiness.world.url}/health/ready`);
    expect(down.status).toBe(200);
    expect(await down.json()).toMatchObject({
      status: 'degraded',
      details: { redis: { status: 'degraded' } },
    });
    expect(await readiness.verify(redisUrl)).toMatchObject({ state: 'failed' });
    expect(await readiness.verify(redisConnection, { vitals: vitals(300, 1) })).toMatchObject({
      state: 'failed',
    });

    await server.stop();
    server = await RedisServer.start({ port });
    await eventually(() => readiness.context.redis.ready, 5_000);
    expect(await readiness.verify(redisUrl)).toMatchObject({ state: 'verified' });
    expect((await fetch(`${readiness.world.url}/health/ready`)).status).toBe(200);
  });
});
