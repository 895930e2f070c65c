import { settings, unknownSettings } from '#platform';
import { failed, minutes, seconds, verified, type Control } from '../../control.js';

/** Every setting of the reference has a value or a documented default, and nothing is misspelt. */
export const environment: Control = {
  id: 'deploy.run.environment',
  kind: 'boot',
  timeout: seconds(1),
  interval: minutes(10),
  async verify({ env, configuration }) {
    const reference = settings();
    const unknownOnes = unknownSettings(env, reference, 'CORE_AUTH_');
    if (unknownOnes.length > 0)
      return failed(
        'settings of the reference alone',
        unknownOnes.join('; '),
        'correct or remove them (docs/reference)',
      );
    const isSet = (name: string) => Boolean(env[name] ?? env[`${name}_FILE`]);
    const missing = reference.filter(
      ({ name, required }) =>
        !isSet(name) && (required === 'always' || (required === 'in production' && configuration.production)),
    );
    if (missing.length > 0)
      return failed(
        'every required setting',
        `not set: ${missing.map(({ name }) => name).join(', ')}`,
        'set them and restart',
      );
    const set = reference.filter(({ name }) => isSet(name)).map(({ name }) => name);
    const defaulted = reference.filter(({ name }) => !isSet(name)).map(({ name }) => name);
    return verified(
      `set: ${set.join(', ')}; by their documented default: ${defaulted.join(', ')}; unknown: none`,
    );
  },
};
