import { createClient } from 'redis';
import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import { isLoopback } from '../config/database-address.js';
import { withoutRedis } from '../config/redis-evidence.js';

const MEND_ACL =
  "redis-cli ACL SETUSER core-auth on '>…' '~core-auth:*' +@all -@dangerous +info; ACL SETUSER default off; and name that user in REDIS_URL";

/** Nobody comes in without a password, we come in with no more than we need, and nobody listens on the way. */
export const redisCredentials: Control = {
  id: 'security.data.redis-credentials',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(10),
  async verify({ configuration, redis }) {
    if (!redis.configured || !configuration.redisUrl) return withoutRedis();
    const url = new URL(configuration.redisUrl);
    if (await letsInWithoutPassword(url)) {
      return failed('NOAUTH without a password', 'PING answered without one', MEND_ACL);
    }
    const user = await redis.run((client) => client.aclWhoAmI());
    if (user === 'default' && (await mayDoEverything(url))) {
      return failed(
        'a user of its own, or default without dangerous commands',
        'default with all commands',
        MEND_ACL,
      );
    }
    if (!isLoopback(url.hostname) && url.protocol !== 'rediss:') {
      return failed(
        'TLS off loopback',
        `${url.protocol}//${url.hostname}`,
        'let REDIS_URL begin with rediss://',
      );
    }
    const transport = url.protocol === 'rediss:' ? 'over TLS' : 'on this machine';
    return verified(`a password is asked for; connected as ${user} ${transport}`);
  },
};

async function letsInWithoutPassword(url: URL): Promise<boolean> {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return tries(bare, (client) => client.ping());
}

/** ACL LIST is of the dangerous commands: who may call it with the default user may call all. */
async function mayDoEverything(url: URL): Promise<boolean> {
  return tries(url, (client) => client.sendCommand(['ACL', 'LIST']));
}

async function tries(
  url: URL,
  command: (client: ReturnType<typeof createClient>) => Promise<unknown>,
): Promise<boolean> {
  const client = createClient({ url: url.href, socket: { connectTimeout: 500, reconnectStrategy: false } });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await command(client);
    return true;
  } catch (error) {
    if (/NOAUTH|NOPERM|WRONGPASS/.test(String(error))) return false;
    throw error;
  } finally {
    if (client.isOpen) await client.disconnect();
  }
}
