import type { Client } from 'pg';
import { eventually } from './answers.js';

/**
 * Until so many statements of the database wait for a lock.
 * @param on any connection to it, also in a transaction: there PostgreSQL would go on to tell of the connections alone
 * that there were when it was first asked
 */
export function statementsWait(on: Client, count: number): Promise<unknown> {
  return eventually(async () => {
    await on.query('SELECT pg_stat_clear_snapshot()');
    const { rowCount } = await on.query(
      "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
    );
    return (rowCount ?? 0) >= count || undefined;
  }, `${count} statements that wait`);
}
