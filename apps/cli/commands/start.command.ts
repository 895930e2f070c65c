import { randomBytes } from 'node:crypto';
import { AccountRepository, PasswordHasher } from '#accounts';
import { Configuration, ConfigurationError, openDatabase, OutboundHttp, type Database } from '#platform';
import {
  clientSecret,
  demonstrationModules,
  moduleEnvironment,
  serverEnvironment,
  type Generated,
} from '../child-settings.js';
import { accounts } from '../demonstration-data.js';
import { ensureDemonstration } from '../demonstration.js';
import { ChildProgram, type Program } from '../development/child-program.js';
import { requireDatabase, requireFreePorts, requireRedis } from '../development/checks.js';
import { DataFolder } from '../development/data-folder.js';
import { EmbeddedPostgres } from '../development/embedded-postgres.js';
import { Supervisor } from '../development/supervisor.js';
import { MODULE_KEYS, readLaunchPlan, type LaunchPlan } from '../launcher-settings.js';
import { migrate } from '../migrate.js';
import { summary, type Demonstration } from '../summary.js';
import { terminal } from '../terminal.js';

/** milliseconds */
const REDIS_WITHIN = 5000;

/** Starts the whole system and keeps it running until Ctrl-C or SIGTERM. */
export async function startCommand(env: NodeJS.ProcessEnv): Promise<number> {
  const problems: string[] = [];
  const plan = readLaunchPlan(env, problems);
  requireSoundSettings(plan, problems);
  const supervisor = new Supervisor();
  await supervisor.run(() => launch(plan, supervisor));
  terminal.say('Stopped.');
  return 0;
}

/** @throws ConfigurationError that names every problem of the launcher's and of the server's settings */
function requireSoundSettings(plan: LaunchPlan, problems: string[]): void {
  // what a first start would generate, so that only what the person has to set is missed
  const stand: Generated = plan.production
    ? { clientSecrets: {} }
    : {
        keyEncryptionKeys: `check:${randomBytes(32).toString('base64url')}`,
        databaseUrl: 'postgres://embedded',
        clientSecrets: {},
      };
  try {
    Configuration.load(serverEnvironment(plan, stand));
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const named = new Set(problems.map(settingOf));
    problems.push(...error.problems.filter((problem) => !named.has(settingOf(problem))));
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
}

/** The launcher and the server look at the same setting; one sentence about it is enough. */
function settingOf(problem: string): string {
  return problem.split(/[ ,:;]/, 1)[0] ?? problem;
}

async function launch(plan: LaunchPlan, supervisor: Supervisor): Promise<void> {
  const began = Date.now();
  const folder = plan.production ? undefined : openFolder(plan, supervisor);
  const { configuration, generated } = await prepare(plan, folder, supervisor);
  supervisor.signal.throwIfAborted();
  terminal.say('Migrating ...');
  await migrate(configuration);
  supervisor.signal.throwIfAborted();
  const demonstration = folder && (await demonstrate(plan, configuration, generated, folder));
  supervisor.signal.throwIfAborted();
  await startPrograms(
    plan,
    configuration,
    { ...generated, demonstration: demonstration !== undefined },
    folder,
    supervisor,
  );
  if (folder && generated.databaseUrl) {
    const { CORE_AUTH_KEY_ENCRYPTION_KEYS: keyEncryptionKeys = '' } = serverEnvironment(plan, generated);
    folder.announce({ issuer: configuration.issuer, databaseUrl: generated.databaseUrl, keyEncryptionKeys });
  }
  terminal.say(summary(plan, configuration, demonstration, folder?.path));
  terminal.say(`ready after ${((Date.now() - began) / 1000).toFixed(1)} s: open ${configuration.issuer}`);
}

function openFolder(plan: LaunchPlan, supervisor: Supervisor): DataFolder {
  const folder = DataFolder.open(plan.dataFolder, plan.demonstrationPassword);
  supervisor.onStop(() => folder.release());
  return folder;
}

/** Everything that the programs need to be there: free ports, Redis where one is set, a database. */
async function prepare(
  plan: LaunchPlan,
  folder: DataFolder | undefined,
  supervisor: Supervisor,
): Promise<{ configuration: Configuration; generated: Generated }> {
  await requireFreePorts(plan.host ?? (plan.production ? '0.0.0.0' : '127.0.0.1'), [
    { setting: 'PORT', port: plan.port },
    ...MODULE_KEYS.map((key) => ({ setting: `${key.toUpperCase()}_PORT`, port: plan.modules[key].port })),
  ]);
  const redisUrl = plan.serverValues.get('REDIS_URL');
  if (redisUrl) await requireRedis(redisUrl, REDIS_WITHIN);
  const secrets = folder && {
    keyEncryptionKeys: folder.secrets.keyEncryptionKeys,
    clientSecrets: {
      projects: folder.secrets.projectsClientSecret,
      reports: folder.secrets.reportsClientSecret,
    },
  };
  const embedded =
    plan.serverValues.has('DATABASE_URL') || !folder ? undefined : await startPostgres(folder, supervisor);
  const generated: Generated = {
    clientSecrets: {},
    ...secrets,
    ...(embedded ? { databaseUrl: embedded.url('postgres') } : {}),
  };
  const configuration = Configuration.load(serverEnvironment(plan, generated));
  await requireDatabase(configuration.databaseUrl, configuration.databaseConnectTimeout);
  return { configuration, generated };
}

async function startPostgres(folder: DataFolder, supervisor: Supervisor): Promise<EmbeddedPostgres> {
  terminal.say('Starting PostgreSQL ...');
  const logFile = folder.logFile('postgres');
  const postgres = await EmbeddedPostgres.start({
    dataFolder: folder.clusterFolder,
    logFile,
    password: folder.secrets.databasePassword,
  });
  supervisor.onStop(() => postgres.stop());
  postgres.onExit(() => supervisor.partEnded(`PostgreSQL stopped by itself; its log is ${logFile}.`));
  return postgres;
}

async function demonstrate(
  plan: LaunchPlan,
  configuration: Configuration,
  generated: Generated,
  folder: DataFolder,
): Promise<Demonstration | undefined> {
  const modules = demonstrationModules(plan, generated);
  const password = plan.demonstrationPassword ?? folder.secrets.demonstrationPassword;
  const database = await openDatabase(configuration);
  try {
    const state = await ensureDemonstration(database, {
      password,
      modules,
      billingClientSecret: plan.billingClientSecret ?? folder.secrets.billingClientSecret,
      outbound: new OutboundHttp(configuration.outboundNetworks),
    });
    if (state === 'absent') return undefined;
    if (state === 'created') folder.keepDemonstrationPassword(password);
    return {
      state,
      password: await knownPassword(database, [password, folder.secrets.demonstrationPassword]),
    };
  } finally {
    await database.close();
  }
}

/** Which of the passwords that we know opens the first account; none when its owner has changed it. */
async function knownPassword(database: Database, candidates: readonly string[]): Promise<string | undefined> {
  const [first] = accounts;
  const account = first && (await new AccountRepository(database).findForSignIn(first.email));
  const hasher = new PasswordHasher();
  for (const candidate of new Set(candidates)) {
    if (await hasher.verify(candidate, account?.passwordHash)) return candidate;
  }
  return undefined;
}

/** The server first: the modules ask it for its keys. */
async function startPrograms(
  plan: LaunchPlan,
  configuration: Configuration,
  generated: Generated,
  folder: DataFolder | undefined,
  supervisor: Supervisor,
): Promise<void> {
  const host = reachable(configuration.host);
  const start = async (
    name: string,
    program: Omit<Program, 'name' | 'logFile' | 'readyUrl'>,
    readyUrl: string,
  ) => {
    terminal.say(`Starting the ${name} ...`);
    const logFile = folder?.logFile(name.replace('module ', ''));
    const child = ChildProgram.spawn({ name: `the ${name}`, ...program, readyUrl, logFile });
    supervisor.onStop(() => child.stop());
    child.onEnd((sentence) => supervisor.partEnded(sentence));
    await child.untilReady(supervisor.signal);
  };
  const serverEnv = { ...plan.inherited, ...serverEnvironment(plan, generated) };
  await start(
    'server',
    { entry: 'apps/server/main.js', env: serverEnv },
    `http://${host}:${plan.port}/health/ready`,
  );
  await Promise.all(
    MODULE_KEYS.map((key) => {
      const env = {
        ...plan.inherited,
        ...moduleEnvironment(plan, key, configuration, clientSecret(plan, generated, key)),
      };
      const readyUrl = `http://${host}:${plan.modules[key].port}/.well-known/oauth-protected-resource`;
      return start(`module ${key}`, { entry: `apps/${key}/main.js`, env }, readyUrl);
    }),
  );
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
