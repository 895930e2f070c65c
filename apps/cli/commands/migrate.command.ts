import { Configuration } from '#platform';
import { requireDatabase } from '../development/checks.js';
import { serverSettings } from '../launcher-settings.js';
import { migrate } from '../migrate.js';
import { terminal } from '../terminal.js';

export async function migrateCommand(env: NodeJS.ProcessEnv): Promise<number> {
  const configuration = Configuration.load(serverSettings(env));
  await requireDatabase(configuration.databaseUrl, configuration.databaseConnectTimeout);
  const done = await migrate(configuration);
  terminal.say(done.length === 0 ? 'The tables are up to date.' : `Migrated: ${done.join(', ')}.`);
  return 0;
}
