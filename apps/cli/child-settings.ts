import { accounts, modules } from './demonstration-data.js';
import type { DemonstrationModule } from './demonstration.js';
import { type LaunchPlan, type ModuleKey } from './launcher-settings.js';

/** What is not set by the person: made in development, never in production. */
export interface Generated {
  readonly keyEncryptionKeys?: string;
  readonly databaseUrl?: string;
  readonly clientSecrets: Readonly<Partial<Record<ModuleKey, string>>>;
  /** The demonstration is in the database, so that the sign-in page may offer its accounts. */
  readonly demonstration?: boolean;
}

/** The server's environment: what was given wins over what was generated. */
export function serverEnvironment(plan: LaunchPlan, generated: Generated): Record<string, string> {
  const values: Record<string, string> = {};
  if (!plan.production) Object.assign(values, developmentSettings(plan.host));
  if (generated.keyEncryptionKeys) values['CORE_AUTH_KEY_ENCRYPTION_KEYS'] = generated.keyEncryptionKeys;
  if (generated.demonstration) {
    values['CORE_AUTH_DEMO_ACCOUNTS'] = accounts.map(({ email }) => email).join(',');
  }
  if (generated.databaseUrl) values['DATABASE_URL'] = generated.databaseUrl;
  return { ...values, ...Object.fromEntries(plan.serverValues) };
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** So that a developer can try every flow (docs/guides/oauth-flow.md) with nothing but `npm start`. */
function developmentSettings(host = 'localhost'): Record<string, string> {
  const personal = ['openid', 'profile', 'email', 'offline_access'];
  return {
    // the modules that the launcher starts hear of sign-outs on this machine
    CORE_AUTH_OUTBOUND_NETWORKS: '127.0.0.0/8,::1/128',
    // nobody else reaches the server, so nobody else registers clients at it
    ...(LOOPBACK.test(host)
      ? {
          CORE_AUTH_REGISTRATION: 'open',
          CORE_AUTH_REGISTRATION_SCOPES: [
            ...new Set([...personal, ...modules.flatMap(({ scopes }) => scopes)]),
          ].join(' '),
          CORE_AUTH_CLIENT_ID_METADATA_DOCUMENTS: 'on',
        }
      : {}),
  };
}

/** A module's environment, of the names that the module itself reads. */
export function moduleEnvironment(
  plan: LaunchPlan,
  key: ModuleKey,
  server: { readonly issuer: string; readonly databaseUrl: string; readonly environment: string },
  clientSecret: string,
): Record<string, string> {
  const { port, url, clientId } = plan.modules[key];
  const logLevel = plan.serverValues.get('LOG_LEVEL');
  return {
    NODE_ENV: server.environment,
    PORT: String(port),
    MODULE_URL: url,
    CORE_AUTH_URL: server.issuer,
    OAUTH_CLIENT_ID: clientId,
    OAUTH_CLIENT_SECRET: clientSecret,
    ...(plan.host ? { HOST: plan.host } : {}),
    ...(logLevel ? { LOG_LEVEL: logLevel } : {}),
    ...(key === 'projects'
      ? { DATABASE_URL: server.databaseUrl }
      : { PROJECTS_URL: plan.modules.projects.url }),
  };
}

export function clientSecret(plan: LaunchPlan, generated: Generated, key: ModuleKey): string {
  const secret = plan.modules[key].clientSecret ?? generated.clientSecrets[key];
  if (!secret) throw new Error(`no client secret for ${key}`);
  return secret;
}

/** The modules as the demonstration registers them. */
export function demonstrationModules(
  plan: LaunchPlan,
  generated: Generated,
): Record<ModuleKey, DemonstrationModule> {
  const of = (key: ModuleKey): DemonstrationModule => ({
    url: plan.modules[key].url,
    clientId: plan.modules[key].clientId,
    clientSecret: clientSecret(plan, generated, key),
  });
  return { projects: of('projects'), reports: of('reports') };
}
