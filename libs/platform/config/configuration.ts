import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  Matches,
  Max,
  Min,
  validateSync,
  type ValidationError,
} from 'class-validator';
import type { KeyEncryptionKey } from '../crypto/key-encryption.js';
import { combinationProblems } from './combinations.js';
import { ConfigurationError } from './configuration-error.js';
import { readEnvironment, unknownSettings } from './read-environment.js';
import { assign } from './setting-values.js';
import { describedSettings, Setting, type SettingDescription } from './setting.js';
import { WholeNumber } from './whole-number.js';

export type Environment = 'development' | 'test' | 'production';

/** Everything that can be set, validated once at boot. */
export class Configuration {
  @Setting('NODE_ENV', { description: '`development`, `test` or `production`.', default: 'development' })
  @IsIn(['development', 'test', 'production'], { message: 'must be development, test or production' })
  environment: Environment = 'development';

  @Setting('HOST', {
    description: 'Address to listen on.',
    default: '127.0.0.1; in production 0.0.0.0',
  })
  @Matches(/^[0-9A-Za-z.:_-]+$/, { message: 'must be an address or a host name' })
  host = '127.0.0.1';

  @Setting('PORT', { description: 'Port to listen on.', default: '3000' })
  @WholeNumber(0, 65535)
  port = 3000;

  @Setting('CORE_AUTH_URL', {
    description:
      'The address by which browsers and modules reach the server: its issuer identifier. An origin, without path; https in production.',
    default: 'http://localhost:PORT; none in production',
    required: 'in production',
  })
  @Matches(/^https?:\/\/[^/?#\s@]+$/, {
    message: 'must be an http(s) origin without path, query, user or trailing slash',
  })
  issuer = '';

  @Setting('DATABASE_URL', {
    description:
      'PostgreSQL connection string (`postgres://user:password@host:port/database?sslmode=verify-full`).',
    secret: true,
    required: 'always',
  })
  @Matches(/^postgres(ql)?:\/\/\S+$/, { message: 'must be a postgres:// URL' })
  databaseUrl = '';

  @Setting('REDIS_URL', {
    description:
      'Redis connection string (`rediss://user:password@host:port`). Without it limits hold per process.',
    secret: true,
  })
  @IsOptional()
  @Matches(/^rediss?:\/\/\S+$/, { message: 'must be a redis:// or rediss:// URL' })
  redisUrl?: string;

  @Setting('CORE_AUTH_KEY_ENCRYPTION_KEYS', {
    description:
      'Key-encryption keys, `kid:key` separated by commas; a key is 32 random bytes in base64url. The first encrypts, all decrypt. Make one: `node -p "crypto.randomBytes(32).toString(\'base64url\')"`.',
    secret: true,
    required: 'always',
  })
  @IsArray()
  keyEncryptionKeys: readonly KeyEncryptionKey[] = [];

  @Setting('LOG_LEVEL', { description: 'trace, debug, info, warn, error, fatal or silent.', default: 'info' })
  @IsIn(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], { message: 'is not a log level' })
  logLevel = 'info';

  @Setting('CORE_AUTH_TRUSTED_PROXIES', {
    description:
      'Addresses or networks (CIDR), separated by commas, whose X-Forwarded-* headers are believed. None unless set.',
  })
  @IsArray()
  trustedProxies: readonly string[] = [];

  @Setting('CORE_AUTH_OUTBOUND_NETWORKS', {
    description:
      'Addresses or networks (CIDR), separated by commas, that are not public and may be called all the same: webhooks, back-channel logout and client metadata there may also be http. None unless set; `npm start` sets the loopback networks in development.',
  })
  @IsArray()
  outboundNetworks: readonly string[] = [];

  @Setting('CORE_AUTH_DATABASE_POOL_SIZE', { description: 'Connections per process.', default: '10' })
  @WholeNumber(2, 200)
  databasePoolSize = 10;

  @Setting('CORE_AUTH_DATABASE_CONNECT_TIMEOUT', {
    description: 'Milliseconds to wait for a connection.',
    default: '5000',
  })
  @WholeNumber(1000, 10_000)
  databaseConnectTimeout = 5000;

  @Setting('CORE_AUTH_DATABASE_STATEMENT_TIMEOUT', {
    description: 'Milliseconds a statement may take.',
    default: '5000',
  })
  @WholeNumber(100, 60_000)
  databaseStatementTimeout = 5000;

  @Setting('CORE_AUTH_DATABASE_LOCK_TIMEOUT', {
    description: 'Milliseconds to wait for a lock.',
    default: '3000',
  })
  @WholeNumber(100, 60_000)
  databaseLockTimeout = 3000;

  @Setting('CORE_AUTH_SESSION_IDLE', {
    description: 'Seconds without use after which a session ends.',
    default: '3600',
  })
  @WholeNumber(60, 2_592_000)
  sessionIdleSeconds = 3600;

  @Setting('CORE_AUTH_SESSION_ABSOLUTE', {
    description: 'Seconds after which a session ends in any case.',
    default: '86400',
  })
  @WholeNumber(300, 2_592_000)
  sessionAbsoluteSeconds = 86_400;

  @Setting('CORE_AUTH_KEY_ROTATION_DAYS', {
    description:
      'Days after which a key that signs is followed by another; 0 leaves that to `keys rotate`. No token stops working by it.',
    default: '90',
  })
  @WholeNumber(0, 3650)
  keyRotationDays = 90;

  @Setting('CORE_AUTH_SIGN_IN_FAILURES', {
    description:
      'Failed sign-ins of one account after which each further failure delays the next try, twice as long each time; ten times as many from one network. Somebody who has signed in from the same browser before is not delayed by what others did.',
    default: '5',
  })
  @WholeNumber(3, 100)
  signInFailures = 5;

  @Setting('CORE_AUTH_RATE_LIMIT_SIGN_IN', {
    description: 'Sign-in tries per minute and address.',
    default: '30',
  })
  @WholeNumber(1)
  rateLimitSignIn = 30;

  @Setting('CORE_AUTH_RATE_LIMIT_DEVICE', {
    description: 'Device codes entered, approved or denied per minute and address.',
    default: '30',
  })
  @WholeNumber(1)
  rateLimitDevice = 30;

  @Setting('CORE_AUTH_RATE_LIMIT_TOKEN', {
    description: 'Requests per minute and address at the endpoints that authenticate clients.',
    default: '6000',
  })
  @WholeNumber(1)
  rateLimitToken = 6000;

  @Setting('CORE_AUTH_RATE_LIMIT_REGISTRATION', {
    description: 'Registrations of clients, and calls that manage one, per minute and address.',
    default: '30',
  })
  @WholeNumber(1)
  rateLimitRegistration = 30;

  @Setting('CORE_AUTH_RATE_LIMIT_DOCUMENTS', {
    description:
      'Documents of clients that this server fetches per minute for one address; one that it remembers does not count.',
    default: '30',
  })
  @WholeNumber(1)
  rateLimitDocuments = 30;

  @Setting('CORE_AUTH_REGISTRATION', {
    description:
      'Who may register clients by themselves (RFC 7591): `closed` nobody, `token` who has an initial access token (`registration-token create`), `open` anybody. `npm start` sets `open` in development, while it listens on this machine alone.',
    default: 'closed',
  })
  @IsIn(['closed', 'token', 'open'], { message: 'must be closed, token or open' })
  registration: 'closed' | 'token' | 'open' = 'closed';

  @Setting('CORE_AUTH_REGISTRATION_SCOPES', {
    description:
      'Scopes, separated by spaces, that a client which registered itself, or has a metadata document, may have. `npm start` adds those of the modules in development.',
    default: '`openid profile email offline_access`',
  })
  @Matches(/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/, {
    message: 'must be scopes separated by single spaces',
  })
  registrationScopes = 'openid profile email offline_access';

  @Setting('CORE_AUTH_CLIENT_ID_METADATA_DOCUMENTS', {
    description:
      'Whether a client may be known by the https URL of a document that describes it, without any registration: `on` or `off`. `npm start` sets `on` in development, while it listens on this machine alone.',
    default: 'off',
  })
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  clientIdMetadataDocuments: 'on' | 'off' = 'off';

  @Setting('CORE_AUTH_LICENSE_ENDING_DAYS', {
    description:
      'Days before the end of a license, separated by commas, at which `license-ending` is announced; at most 10 of them.',
    default: '14,7,1',
  })
  @ArrayMaxSize(10, { message: 'must be at most 10 numbers' })
  @IsInt({ each: true, message: 'must be whole numbers separated by commas' })
  @Min(1, { each: true, message: 'must be 1 to 365 each' })
  @Max(365, { each: true, message: 'must be 1 to 365 each' })
  licenseEndingDays: readonly number[] = [14, 7, 1];

  @Setting('CORE_AUTH_SMTP_URL', {
    description:
      'Mail server: `smtp://user:password@host:587` (STARTTLS, which production insists on) or `smtps://user:password@host:465`. Without it no mail leaves: in development a mailbox page at `/mailbox` shows it, in production nobody can register, reset a password or prove an address, and notices are dropped.',
    secret: true,
  })
  @IsOptional()
  @Matches(/^smtps?:\/\/([^:@/?#\s]+:[^:@/?#\s]*@)?(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(:\d{1,5})?\/?$/, {
    message: 'must be smtp://user:password@host:port or smtps://, with reserved characters percent-encoded',
  })
  smtpUrl?: string;

  @Setting('CORE_AUTH_MAIL_FROM', {
    description:
      'Sender of all mail: `Name <address>` or an address. Required with CORE_AUTH_SMTP_URL in production.',
    default: '`Core Auth <no-reply@localhost>`; none in production',
  })
  @Matches(/^([^<>"@\p{Cc}]{1,100} <[^<>\s@\p{Cc}]+@[^<>\s@\p{Cc}]+>|[^<>\s@\p{Cc}]+@[^<>\s@\p{Cc}]+)$/u, {
    message: 'must be an address, or a name followed by an address in angle brackets',
  })
  mailFrom = 'Core Auth <no-reply@localhost>';

  @Setting('CORE_AUTH_SELF_REGISTRATION', {
    description: 'Whether anybody who proves an e-mail address may make an account: `on` or `off`.',
    default: 'on; in production off',
  })
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  selfRegistration: 'on' | 'off' = 'on';

  @Setting('CORE_AUTH_BREACHED_PASSWORDS_URL', {
    description:
      'A service that knows breached passwords by the first five digits of their SHA-1 (`GET URL/21BD1`, as Have I Been Pwned: `https://api.pwnedpasswords.com/range`). Asked for every new password beside the list that ships with the server; while it does not answer, that list decides alone. No password is asked about unless set.',
  })
  @IsOptional()
  @Matches(/^https?:\/\/[^?#\s@]+$/, { message: 'must be an http(s) URL without query' })
  breachedPasswordsUrl?: string;

  @Setting('CORE_AUTH_RATE_LIMIT_MAIL', {
    description:
      'Requests per minute and address that lead to mail: registration, forgotten passwords, new addresses, deletions of accounts and organizations.',
    default: '10',
  })
  @WholeNumber(1)
  rateLimitMail = 10;

  @Setting('CORE_AUTH_RATE_LIMIT_EXPORT', { description: 'Exports per minute and address.', default: '10' })
  @WholeNumber(1)
  rateLimitExport = 10;

  @Setting('CORE_AUTH_ORGANIZATION_CREATION', {
    description:
      'Whether anybody who is signed in may create an organization, and then owns it: `on` or `off`. With `off` they are created by `core-auth organizations create` alone.',
    default: 'on',
  })
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  organizationCreation: 'on' | 'off' = 'on';

  @Setting('CORE_AUTH_ORGANIZATIONS_PER_PERSON', {
    description: 'Organizations that one person may have created.',
    default: '10',
  })
  @WholeNumber(1, 1000)
  organizationsPerPerson = 10;

  @Setting('CORE_AUTH_DELETION_GRACE_DAYS', {
    description:
      'Days after which an organization or an account whose deletion was asked for is removed; until then the deletion can be undone.',
    default: '14',
  })
  @WholeNumber(1, 90)
  deletionGraceDays = 14;

  @Setting('CORE_AUTH_DEMO_ACCOUNTS', {
    description:
      'E-mail addresses of demonstration accounts, separated by commas, that the sign-in page offers. Set by `npm start`; refused in production.',
  })
  @IsArray()
  demonstrationAccounts: readonly string[] = [];

  get production(): boolean {
    return this.environment === 'production';
  }

  /** Cookies are Secure and carry the `__Host-` prefix wherever the server is reached by https. */
  get secureCookies(): boolean {
    return this.issuer.startsWith('https:');
  }

  /** Whether mail is shown by the server itself, since there is nobody to send it by. */
  get mailbox(): boolean {
    return !this.production && this.smtpUrl === undefined;
  }

  /** Whether a mail that is queued reaches anybody. */
  get sendsMail(): boolean {
    return this.mailbox || this.smtpUrl !== undefined;
  }

  /** @throws ConfigurationError that names every problem of `env` */
  static load(env: NodeJS.ProcessEnv): Configuration {
    const problems: string[] = [];
    const settings = [...describedSettings().values()];
    const values = readEnvironment(env, settings, problems);
    problems.push(...unknownSettings(env, settings, 'CORE_AUTH_'));

    const configuration = new Configuration();
    for (const [property, setting] of describedSettings()) {
      const text = values.get(setting.name);
      if (text !== undefined) assign(configuration, property, text, setting, problems);
    }
    configuration.applyDefaults(values);
    configuration.check(values, problems);
    if (problems.length > 0) throw new ConfigurationError(problems);
    return configuration;
  }

  private applyDefaults(values: ReadonlyMap<string, string>): void {
    if (this.production && !values.has('HOST')) this.host = '0.0.0.0';
    if (this.production && !values.has('CORE_AUTH_SELF_REGISTRATION')) this.selfRegistration = 'off';
    if (!this.production && !values.has('CORE_AUTH_URL')) this.issuer = `http://localhost:${this.port}`;
  }

  private check(values: ReadonlyMap<string, string>, problems: string[]): void {
    for (const setting of describedSettings().values()) {
      const needed =
        setting.required === 'always' || (setting.required === 'in production' && this.production);
      if (needed && !values.has(setting.name)) problems.push(`${setting.name} is not set`);
    }
    for (const error of validateSync(this)) {
      const setting = describedSettings().get(error.property);
      if (!setting || !values.has(setting.name)) continue;
      problems.push(`${setting.name} ${firstMessage(error)}`);
    }
    problems.push(...combinationProblems(this, values));
  }
}

/** Every setting of the server, for the reference and the example file. */
export function settings(): SettingDescription[] {
  return [...describedSettings().values()];
}

function firstMessage(error: ValidationError): string {
  return Object.values(error.constraints ?? {})[0] ?? 'is not valid';
}
