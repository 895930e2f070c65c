import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from '#migrations';
import { dataSourceOptions, isUnavailable, type Configuration } from '#platform';
import { LaunchError, systemReason } from './development/launch-error.js';

/** "core_auth" in ASCII, cut to a positive bigint: only our own migrations take this lock. */
const LOCK = '7165065861825654369';

/**
 * Runs what has not run yet, each migration in a transaction of its own. Several at once (two nodes that start) wait
 * for each other.
 * @returns the names of those that ran now
 * @throws LaunchError when the database, or the connection that holds the turn, is lost: another may have begun by then
 */
export async function migrate(configuration: Configuration): Promise<string[]> {
  const turn = new Client({
    connectionString: configuration.databaseUrl,
    connectionTimeoutMillis: configuration.databaseConnectTimeout,
  });
  const lost = new Promise<never>((_, reject) => turn.on('error', reject));
  // nobody may be waiting for it any more
  lost.catch(() => undefined);
  await turn.connect();
  try {
    return await Promise.race([lost, inTurn(turn, configuration)]);
  } catch (error) {
    throw isLost(error) ? brokenOff(error) : error;
  } finally {
    await turn.end().catch(() => undefined);
  }
}

async function inTurn(turn: Client, configuration: Configuration): Promise<string[]> {
  await turn.query('SELECT pg_advisory_lock($1)', [LOCK]);
  return run(configuration);
}

/** The driver gives a socket that was closed on it no code. */
function isLost(error: unknown): boolean {
  return (
    isUnavailable(error) || (error instanceof Error && error.message.startsWith('Connection terminated'))
  );
}

function brokenOff(error: unknown): LaunchError {
  return new LaunchError(
    `The migration was broken off: ${systemReason(error)}. What was not finished is undone: run it again.`,
    { cause: error },
  );
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
