import { resolve } from 'node:path';
import { passwordProblem } from '#accounts';
import { readEnvironment, settings, unknownSettings, type SettingDescription } from '#platform';

export type ModuleKey = 'projects' | 'reports';
export const MODULE_KEYS: readonly ModuleKey[] = ['projects', 'reports'];

const defaultPort = { server: 3000, projects: 3001, reports: 3002 } as const;

export const BILLING_CLIENT_SECRET = 'BILLING_OAUTH_CLIENT_SECRET';

/** What `npm start` understands beside the server's own settings. */
export const launcherSettings: readonly SettingDescription[] = [
  {
    name: 'DATA_DIR',
    description: 'Folder for the embedded database, its log and the generated secrets. Development only.',
    default: '.data',
  },
  ...MODULE_KEYS.flatMap(settingsOfModule),
  {
    name: BILLING_CLIENT_SECRET,
    description:
      'Secret of the client `billing` of the demonstration, which administers licenses: at least 32 characters.',
    default: 'generated',
    secret: true,
  },
  {
    name: 'CORE_AUTH_DEMO_PASSWORD',
    description:
      'Password of the demonstration accounts: at least 15 characters, and none that attackers try first. Read when an empty database is filled.',
    default: 'generated and printed',
    secret: true,
  },
];

/** What the names of a module's settings begin with. */
function prefixOf(key: ModuleKey): string {
  return `${key.toUpperCase()}_`;
}

function settingsOfModule(key: ModuleKey): SettingDescription[] {
  const prefix = key.toUpperCase();
  return [
    { name: `${prefix}_PORT`, description: `Port of the module ${key}.`, default: String(defaultPort[key]) },
    {
      name: `${prefix}_URL`,
      description: `Address by which browsers reach the module ${key}: an origin, without path.`,
      default: `http://localhost:${prefix}_PORT; none in production`,
      required: 'in production',
    },
    { name: `${prefix}_OAUTH_CLIENT_ID`, description: `Client of the module ${key}.`, default: key },
    {
      name: `${prefix}_OAUTH_CLIENT_SECRET`,
      description: `Secret of that client, at least 32 characters.`,
      default: 'generated; none in production',
      secret: true,
      required: 'in production',
    },
  ];
}

export interface ModulePlan {
  readonly port: number;
  readonly url: string;
  readonly clientId: string;
  /** Undefined in development until one is generated. */
  readonly clientSecret: string | undefined;
}

export interface LaunchPlan {
  readonly production: boolean;
  readonly dataFolder: string;
  /** Where to listen; undefined leaves it to each program. */
  readonly host: string | undefined;
  readonly port: number;
  readonly demonstrationPassword: string | undefined;
  readonly billingClientSecret: string | undefined;
  readonly modules: Readonly<Record<ModuleKey, ModulePlan>>;
  /** The server's own settings that were given, as they were given. */
  readonly serverValues: ReadonlyMap<string, string>;
  /** The environment without any setting of ours: what every child inherits. */
  readonly inherited: NodeJS.ProcessEnv;
}

/** Reads everything and adds a sentence for whatever is wrong; the server's values are checked by its own class. */
export function readLaunchPlan(env: NodeJS.ProcessEnv, problems: string[]): LaunchPlan {
  const known = [...settings(), ...launcherSettings];
  const values = readEnvironment(env, known, problems);
  problems.push(...unknownSettings(env, known, 'CORE_AUTH_', 'BILLING_OAUTH_', ...MODULE_KEYS.map(prefixOf)));
  const production = values.get('NODE_ENV') === 'production';
  const port = readPort(values, 'PORT', defaultPort.server, problems);
  const modules = {
    projects: readModule(values, 'projects', production, problems),
    reports: readModule(values, 'reports', production, problems),
  };
  if (new Set([port, modules.projects.port, modules.reports.port]).size < 3) {
    problems.push('PORT, PROJECTS_PORT and REPORTS_PORT must differ');
  }
  const demonstrationPassword = values.get('CORE_AUTH_DEMO_PASSWORD');
  const problem = demonstrationPassword && passwordProblem(demonstrationPassword);
  if (problem) problems.push(`CORE_AUTH_DEMO_PASSWORD is refused: ${problem}`);
  const billingClientSecret = values.get(BILLING_CLIENT_SECRET);
  requireSoundSecret(BILLING_CLIENT_SECRET, billingClientSecret, problems);
  const names = new Set(known.flatMap(({ name }) => [name, `${name}_FILE`]));
  return {
    production,
    dataFolder: resolve(values.get('DATA_DIR') ?? '.data'),
    host: values.get('HOST'),
    port,
    demonstrationPassword,
    billingClientSecret,
    modules,
    serverValues: new Map(settings().flatMap(({ name }) => pair(name, values.get(name)))),
    inherited: Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name))),
  };
}

/** The server's own settings, out of an environment that may hold those of the launcher too. */
export function serverSettings(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const ofLauncher = new Set(launcherSettings.flatMap(({ name }) => [name, `${name}_FILE`]));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ofLauncher.has(name)));
}

function pair(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]];
}

function readModule(
  values: ReadonlyMap<string, string>,
  key: ModuleKey,
  production: boolean,
  problems: string[],
): ModulePlan {
  const prefix = key.toUpperCase();
  const port = readPort(values, `${prefix}_PORT`, defaultPort[key], problems);
  const url = values.get(`${prefix}_URL`) ?? (production ? '' : `http://localhost:${port}`);
  const clientId = values.get(`${prefix}_OAUTH_CLIENT_ID`) ?? key;
  const clientSecret = values.get(`${prefix}_OAUTH_CLIENT_SECRET`);
  if (url === '') problems.push(`${prefix}_URL is not set`);
  else if (!/^https?:\/\/[^/?#\s@]+$/.test(url)) {
    problems.push(`${prefix}_URL must be an http(s) origin without path, query, user or trailing slash`);
  } else if (production && url.startsWith('http:'))
    problems.push(`${prefix}_URL must be https in production`);
  if (!/^[A-Za-z0-9._~-]{1,128}$/.test(clientId)) {
    problems.push(`${prefix}_OAUTH_CLIENT_ID must be 1 to 128 of A-Z a-z 0-9 . _ ~ -`);
  }
  if (production && !clientSecret) problems.push(`${prefix}_OAUTH_CLIENT_SECRET is not set`);
  requireSoundSecret(`${prefix}_OAUTH_CLIENT_SECRET`, clientSecret, problems);
  return { port, url, clientId, clientSecret };
}

function requireSoundSecret(name: string, secret: string | undefined, problems: string[]): void {
  if (secret && secret.length < 32) problems.push(`${name} must have at least 32 characters`);
}

/** A launcher prints addresses and hands them to others, so that "any free port" is no choice. */
function readPort(
  values: ReadonlyMap<string, string>,
  name: string,
  fallback: number,
  problems: string[],
): number {
  const text = values.get(name) ?? String(fallback);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) problems.push(`${name} must be a port, 1 to 65535`);
  return port;
}
