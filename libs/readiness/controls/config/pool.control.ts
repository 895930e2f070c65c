import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import { instancesOf } from './instances.js';

const MOST_WAIT = 50;
const ENOUGH_SAMPLES = 30;

/** All processes' pools fit into the server's connections, and nobody waits for one. */
export const pool: Control = {
  id: 'config.db.pool',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(1),
  async verify({ database, vitals }) {
    const capacity = await database.capacity();
    const { count, named } = instancesOf(capacity.applications);
    const needed = database.poolSize * count + capacity.reserved;
    const sum = `${database.poolSize} × ${count} instance(s) + ${capacity.reserved} reserved = ${needed}`;
    if (needed > capacity.maxConnections) {
      return failed(
        `pool × instances + reserve ≤ max_connections (${capacity.maxConnections})`,
        sum,
        'lower CORE_AUTH_DATABASE_POOL_SIZE, or raise max_connections in postgresql.conf and restart PostgreSQL',
      );
    }
    const { count: samples, p99 } = vitals.poolWait;
    const wait = `wait and round trip p99 ${p99.toFixed(1)} ms over ${samples} samples`;
    if (samples < ENOUGH_SAMPLES) {
      return unknown(
        `${sum} of ${capacity.maxConnections}; ${samples} samples of the wait`,
        'half a minute of samples',
      );
    }
    if (!(p99 < MOST_WAIT)) {
      return failed(
        `a wait for a connection below ${MOST_WAIT} ms in 99 % of the last window`,
        wait,
        'raise CORE_AUTH_DATABASE_POOL_SIZE, or look for slow statements in pg_stat_activity',
      );
    }
    if (!named) {
      return unknown(
        `${sum} of ${capacity.maxConnections} if this is the only instance; ${wait}`,
        'a connection name per instance',
      );
    }
    return verified(`${sum} of ${capacity.maxConnections}; ${wait}`);
  },
};
