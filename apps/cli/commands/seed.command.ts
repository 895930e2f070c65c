import { Configuration, ConfigurationError, openDatabase, OutboundHttp } from '#platform';
import { demonstrationModules, serverEnvironment } from '../child-settings.js';
import { ensureDemonstration } from '../demonstration.js';
import { requireDatabase } from '../development/checks.js';
import { LaunchError } from '../development/launch-error.js';
import { BILLING_CLIENT_SECRET, MODULE_KEYS, readLaunchPlan, type LaunchPlan } from '../launcher-settings.js';
import { migrate } from '../migrate.js';
import { terminal } from '../terminal.js';

/** Fills the database of DATABASE_URL; here nothing is generated, so that everything has to be given. */
export async function seedCommand(env: NodeJS.ProcessEnv): Promise<number> {
  const problems: string[] = [];
  const plan = readLaunchPlan(env, problems);
  if (plan.production) throw new LaunchError('The demonstration is not for production; nothing was changed.');
  const { demonstrationPassword: password, billingClientSecret } = plan;
  if (!password) problems.push('CORE_AUTH_DEMO_PASSWORD is not set');
  for (const key of MODULE_KEYS) {
    if (!plan.modules[key].clientSecret) problems.push(`${key.toUpperCase()}_OAUTH_CLIENT_SECRET is not set`);
  }
  if (!billingClientSecret) problems.push(`${BILLING_CLIENT_SECRET} is not set`);
  const configuration = load(plan, problems);
  if (!configuration || !password || !billingClientSecret) throw new ConfigurationError(problems);
  await requireDatabase(configuration.databaseUrl, configuration.databaseConnectTimeout);
  await migrate(configuration);
  const database = await openDatabase(configuration);
  try {
    const modules = demonstrationModules(plan, { clientSecrets: {} });
    const state = await ensureDemonstration(database, {
      password,
      modules,
      billingClientSecret,
      outbound: new OutboundHttp(configuration.outboundNetworks),
    });
    terminal.say(said[state]);
    return state === 'absent' ? 1 : 0;
  } finally {
    await database.close();
  }
}

const said = {
  created: 'The demonstration is there.',
  present: 'The demonstration was there already; its addresses and clients are up to date.',
  absent: 'The database is not empty; nothing was changed.',
} as const;

function load(plan: LaunchPlan, problems: string[]): Configuration | undefined {
  try {
    const configuration = Configuration.load(serverEnvironment(plan, { clientSecrets: {} }));
    return problems.length > 0 ? undefined : configuration;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}
