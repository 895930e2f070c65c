import { failed, minutes, notApplicable, seconds, unknown, verified, type Control } from '../../control.js';
import { redisInfo, sampleKeys, withoutRedis } from './redis-evidence.js';

const MOST_CLIENTS = 0.8;
const MOST_MEMORY = 0.8;
const FITTING_POLICIES = ['noeviction', 'volatile-ttl'];

/** Redis has room for more clients. How long this process's queue of commands is, its client does not tell. */
export const redisPool: Control = {
  id: 'config.redis.pool',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(1),
  async verify({ redis }) {
    if (!redis.configured) return withoutRedis();
    const { connected_clients: connected = '0', maxclients = '0' } = await redisInfo(redis, 'clients');
    const seen = `${connected} clients of ${maxclients}`;
    if (!(Number(connected) <= Number(maxclients) * MOST_CLIENTS)) {
      return failed(
        `clients up to ${MOST_CLIENTS * 100} % of maxclients`,
        seen,
        'redis-cli CONFIG SET maxclients 10000',
      );
    }
    return unknown(seen, "the length of this process's command queue and its bound");
  },
};

/** No key of ours stays for ever. */
export const redisExpiry: Control = {
  id: 'config.redis.expiry',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(5),
  async verify({ redis }) {
    if (!redis.configured) return withoutRedis();
    const { sampled, lasting } = await sampleKeys(redis);
    if (lasting.length > 0) {
      return failed(
        'a time to live on every key of ours',
        `none on ${lasting.slice(0, 5).join(', ')} (${lasting.length} of ${sampled} sampled)`,
        `redis-cli PEXPIRE '${lasting[0]}' 60000, and find who writes it without one`,
      );
    }
    return verified(`${sampled} keys of ours sampled, each with a time to live`);
  },
};

/** Redis ends before the machine's memory does, and evicts only what would have ended soon. */
export const redisMemory: Control = {
  id: 'config.redis.memory-limit',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(1),
  async verify({ redis }) {
    if (!redis.configured) return withoutRedis();
    const {
      maxmemory = '0',
      maxmemory_policy: policy = '',
      used_memory: used = '0',
    } = await redisInfo(redis, 'memory');
    if (Number(maxmemory) === 0) {
      return failed(
        'maxmemory above 0',
        'maxmemory 0: Redis takes all there is',
        'redis-cli CONFIG SET maxmemory 256mb',
      );
    }
    if (!FITTING_POLICIES.includes(policy)) {
      return failed(
        `maxmemory-policy ${FITTING_POLICIES.join(' or ')}`,
        policy,
        'redis-cli CONFIG SET maxmemory-policy noeviction',
      );
    }
    const share = Number(used) / Number(maxmemory);
    const seen = `${(share * 100).toFixed(1)} % of ${maxmemory} bytes used, policy ${policy}`;
    if (share >= MOST_MEMORY) {
      return failed(`less than ${MOST_MEMORY * 100} % in use`, seen, 'raise maxmemory');
    }
    return verified(seen);
  },
};

/** What Redis holds decides: counters and copies with an end need no persistence. */
export const redisPersistence: Control = {
  id: 'config.redis.persistence',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(5),
  async verify({ redis }) {
    if (!redis.configured) return withoutRedis();
    const { sampled, lasting } = await sampleKeys(redis);
    if (lasting.length === 0) {
      return notApplicable(
        `Redis holds nothing durable: caches and limits, each with an end (${sampled} keys sampled); PostgreSQL has the rest`,
      );
    }
    const persistence = await redisInfo(redis, 'persistence');
    const aof = persistence.aof_enabled === '1' && persistence.aof_last_write_status === 'ok';
    const age = Date.now() / 1000 - Number(persistence.rdb_last_save_time ?? 0);
    const recent = persistence.rdb_last_bgsave_status === 'ok' && age < 3_600;
    const seen = `${lasting.length} keys without an end; AOF ${aof ? 'on' : 'off'}, last snapshot ${Math.round(age)} s ago`;
    if (!aof && !(recent && (await savesByItself(redis)))) {
      return failed(
        'AOF on, or snapshots that run and are younger than an hour',
        seen,
        'redis-cli CONFIG SET appendonly yes',
      );
    }
    return verified(seen);
  },
};

async function savesByItself(redis: Parameters<typeof redisInfo>[0]): Promise<boolean> {
  const { save = '' } = await redis.run((client) => client.configGet('save'));
  return save !== '';
}
