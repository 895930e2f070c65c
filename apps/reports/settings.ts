import { plainToInstance } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  IsUrl,
  Max,
  Min,
  MinLength,
  validateSync,
} from 'class-validator';
import { readFileSync } from 'node:fs';

const WEB_ADDRESS = { protocols: ['http', 'https'], require_protocol: true, require_tld: false };

/** Everything that the module reads from its environment; the names are those of the variables. */
export class Settings {
  @IsIn(['development', 'test', 'production'])
  NODE_ENV: 'development' | 'test' | 'production' = 'development';

  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL = 'info';

  @IsString()
  @IsNotEmpty()
  HOST = '127.0.0.1';

  @IsInt()
  @Min(1)
  @Max(65_535)
  PORT = 3002;

  @IsUrl(WEB_ADDRESS)
  MODULE_URL = 'http://localhost:3002';

  @IsUrl(WEB_ADDRESS)
  CORE_AUTH_URL = 'http://localhost:3000';

  /** Where this process reaches Core Auth, when that is not its public address. */
  @IsOptional()
  @IsUrl(WEB_ADDRESS)
  CORE_AUTH_INTERNAL_URL?: string;

  @IsString()
  @IsNotEmpty()
  OAUTH_CLIENT_ID = 'reports';

  @IsString()
  @MinLength(32)
  OAUTH_CLIENT_SECRET!: string;

  /** Where the projects module's API is. */
  @IsUrl(WEB_ADDRESS)
  PROJECTS_URL = 'http://localhost:3001';
}

const NAMES = [
  'NODE_ENV',
  'LOG_LEVEL',
  'HOST',
  'PORT',
  'MODULE_URL',
  'CORE_AUTH_URL',
  'CORE_AUTH_INTERNAL_URL',
  'OAUTH_CLIENT_ID',
  'OAUTH_CLIENT_SECRET',
  'PROJECTS_URL',
] as const;

/** Names every setting that is missing or wrong. */
export class SettingsError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
  }
}

/** Reads the settings, each also from the file that `NAME_FILE` names; throws `SettingsError`. */
export function loadSettings(env: NodeJS.ProcessEnv): Settings {
  const problems: string[] = [];
  const values: Record<string, string | number> = {};
  for (const name of NAMES) {
    const value = readValue(name, env, problems);
    if (value !== undefined) values[name] = name === 'PORT' ? Number(value) : value;
  }
  if (values['NODE_ENV'] === 'production') {
    values['HOST'] ??= '0.0.0.0';
    // Defaults are for development: production says where it is.
    for (const name of ['MODULE_URL', 'CORE_AUTH_URL', 'PROJECTS_URL'] as const) {
      if (values[name] === undefined) problems.push(`${name} must be set in production`);
    }
  }
  const settings = plainToInstance(Settings, values);
  for (const { constraints } of validateSync(settings)) problems.push(...Object.values(constraints ?? {}));
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

function readValue(name: string, env: NodeJS.ProcessEnv, problems: string[]): string | undefined {
  const direct = env[name] || undefined;
  const file = env[`${name}_FILE`];
  if (!file) return direct;
  if (direct !== undefined) problems.push(`${name} and ${name}_FILE are both set: keep one`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    problems.push(`${name}_FILE names a file that cannot be read`);
    return undefined;
  }
}
