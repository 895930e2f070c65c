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
const PORT_RULE = 'PORT must be a port, 1 to 65535';

/** Everything that the module reads from its environment; the names are those of the variables. */
export class Settings {
  @IsIn(['development', 'test', 'production'])
  NODE_ENV: 'development' | 'test' | 'production' = 'development';

  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL = 'info';

  @IsString()
  @IsNotEmpty()
  HOST = '127.0.0.1';

  @IsInt({ message: PORT_RULE })
  @Min(1, { message: PORT_RULE })
  @Max(65_535, { message: PORT_RULE })
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

/** Reads the settings, each also from the file that `NAME_FILE` names; throws `SettingsError`: a sentence for each. */
export function loadSettings(env: NodeJS.ProcessEnv): Settings {
  const problems = new Map<string, string>();
  const values: Record<string, string | number> = {};
  for (const name of NAMES) {
    const value = readValue(name, env, problems);
    if (value !== undefined) values[name] = name === 'PORT' ? Number(value) : value;
  }
  if (values['NODE_ENV'] === 'production') {
    values['HOST'] ??= '0.0.0.0';
    // Defaults are for development: production says where it is.
    for (const name of ['MODULE_URL', 'CORE_AUTH_URL', 'PROJECTS_URL'] as const) {
      if (values[name] === undefined) addProblem(problems, name, `${name} is not set`);
    }
  }
  const settings = plainToInstance(Settings, values);
  for (const { property, value, constraints } of validateSync(settings)) {
    const [message = `${property} is not valid`] = Object.values(constraints ?? {});
    addProblem(problems, property, value === undefined ? `${property} is not set` : message);
  }
  if (problems.size > 0) throw new SettingsError([...problems.values()]);
  return settings;
}

/** The first problem of a setting is the one to mend; those that follow from it are not told. */
function addProblem(problems: Map<string, string>, name: string, problem: string): void {
  if (!problems.has(name)) problems.set(name, problem);
}

function readValue(name: string, env: NodeJS.ProcessEnv, problems: Map<string, string>): string | undefined {
  const direct = env[name] || undefined;
  const file = env[`${name}_FILE`];
  if (!file) return direct;
  if (direct !== undefined) addProblem(problems, name, `${name} and ${name}_FILE are both set: keep one`);
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    addProblem(problems, name, `${name}_FILE names a file that cannot be read`);
    return undefined;
  }
}
