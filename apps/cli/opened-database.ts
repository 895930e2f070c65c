import { Configuration, openDatabase, PublicError, type Database } from '#platform';
import { requireDatabase } from './development/checks.js';
import { serverSettings } from './launcher-settings.js';
import { terminal } from './terminal.js';

export interface OpenedDatabase {
  readonly database: Database;
  readonly configuration: Configuration;
}

/** The settings of the server, when its database lets us in. @throws ConfigurationError, LaunchError */
export async function reachableConfiguration(env: NodeJS.ProcessEnv): Promise<Configuration> {
  const configuration = Configuration.load(serverSettings(env));
  await requireDatabase(configuration.databaseUrl, configuration.databaseConnectTimeout);
  return configuration;
}

/** Opens the server's database for `work`, and closes it again. @throws ConfigurationError, LaunchError */
export async function withDatabase<T>(
  env: NodeJS.ProcessEnv,
  work: (opened: OpenedDatabase) => Promise<T>,
): Promise<T> {
  const configuration = await reachableConfiguration(env);
  const database = await openDatabase(configuration);
  try {
    return await work({ database, configuration });
  } finally {
    await database.close();
  }
}

/** The exit code of `run`; what refuses it is told, and changed nothing. */
export async function refusalsTold(run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof PublicError)) throw error;
    terminal.complain(`${error.publicMessage} Nothing was changed.`);
    return 1;
  }
}
