import { validateSync, type ValidationError } from 'class-validator';
import { combinationProblems } from './combinations.js';
import { ConfigurationError } from './configuration-error.js';
import { PeopleSettings } from './people-settings.js';
import { readEnvironment, unknownSettings } from './read-environment.js';
import { assign } from './setting-values.js';
import { describedSettings, type SettingDescription } from './setting.js';

/** Everything that can be set, validated once at boot; `*-settings.ts` beside this has the settings, each where it belongs. */
export class Configuration extends PeopleSettings {
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
    if (this.production && !values.has('CORE_AUTH_OPERATOR_SECOND_FACTOR')) this.operatorSecondFactor = 'on';
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
