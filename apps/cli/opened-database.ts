import { Configuration, ConfigurationError, openDatabase, PublicError, type Database } from '#platform';
import { serverEnvironment } from './child-settings.js';
import { requireDatabase } from './development/checks.js';
import { DataFolder } from './development/data-folder.js';
import { LaunchError } from './development/launch-error.js';
import { readLaunchPlan, serverSettings } from './launcher-settings.js';
import { terminal } from './terminal.js';

export interface OpenedDatabase {
  readonly database: Database;
  readonly configuration: Configuration;
}

/**
 * The settings of the server, when its database lets us in. Where none is named, and never in production, that of the
 * development system that runs.
 * @throws ConfigurationError, LaunchError
 */
export async function reachableConfiguration(env: NodeJS.ProcessEnv): Promise<Configuration> {
  const named = env['NODE_ENV'] === 'production' || env['DATABASE_URL'] || env['DATABASE_URL_FILE'];
  const configuration = Configuration.load(named ? serverSettings(env) : developmentSettings(env));
  await requireDatabase(configuration.databaseUrl, configuration.databaseConnectTimeout);
  return configuration;
}

/** @throws ConfigurationError; LaunchError when no system runs, or none that says how to reach it */
function developmentSettings(env: NodeJS.ProcessEnv): Record<string, string> {
  const problems: string[] = [];
  const plan = readLaunchPlan(env, problems);
  if (problems.length > 0) throw new ConfigurationError(problems);
  const running = DataFolder.running(plan.dataFolder);
  if (running === 'none') {
    throw new LaunchError(
      `DATABASE_URL is not set, and no development system runs on ${plan.dataFolder}. Start it with "npm start", name its folder with DATA_DIR, or set DATABASE_URL.`,
    );
  }
  if (running === 'silent') {
    throw new LaunchError(
      `DATABASE_URL is not set, and the development system on ${plan.dataFolder} is not ready, or was given a DATABASE_URL that has to be set here too.`,
    );
  }
  const { issuer, databaseUrl, keyEncryptionKeys } = running;
  terminal.complain(`Working on the development system on ${plan.dataFolder}.`);
  const generated = { databaseUrl, keyEncryptionKeys, clientSecrets: {} };
  return { CORE_AUTH_URL: issuer, ...serverEnvironment(plan, generated) };
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
