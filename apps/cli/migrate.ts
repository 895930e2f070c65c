import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from '#migrations';
import { dataSourceOptions, type Configuration } from '#platform';

/** "core_auth" in ASCII, cut to a positive bigint: only our own migrations take this lock. */
const LOCK = '7165065861825654369';

/**
 * Runs what has not run yet, each migration in a transaction of its own. Several at once (two nodes that start) wait
 * for each other. @returns the names of those that ran now
 */
export async function migrate(configuration: Configuration): Promise<string[]> {
  const turn = new Client({
    connectionString: configuration.databaseUrl,
    connectionTimeoutMillis: configuration.databaseConnectTimeout,
  });
  await turn.connect();
  try {
    await turn.query('SELECT pg_advisory_lock($1)', [LOCK]);
    return await run(configuration);
  } finally {
    await turn.end();
  }
}

async function run(configuration: Configuration): Promise<string[]> {
  const options = dataSourceOptions(configuration, migrations);
  // a migration may take longer than any request; waiting for locks stays limited
  const dataSource = new DataSource({
    ...options,
    extra: { ...(options.extra as object), statement_timeout: 0, idle_in_transaction_session_timeout: 0 },
  });
  await dataSource.initialize();
  try {
    const done = await dataSource.runMigrations({ transaction: 'each' });
    return done.map(({ name }) => name);
  } finally {
    await dataSource.destroy();
  }
}
