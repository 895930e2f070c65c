import { fstatSync } from 'node:fs';
import { failed, minutes, notApplicable, seconds, unknown, type Control } from '../../control.js';

/** The level fits production. That it can be changed while running, this version does not offer. */
export const logLevels: Control = {
  id: 'monitoring.log.levels',
  kind: 'boot',
  timeout: seconds(1),
  interval: minutes(10),
  async verify({ configuration }) {
    const { production, logLevel } = configuration;
    if (production && !['info', 'warn'].includes(logLevel)) {
      return failed('LOG_LEVEL info or warn in production', logLevel, 'set LOG_LEVEL=info and restart');
    }
    return unknown(
      `${configuration.environment}, level ${logLevel}`,
      'a change of the level at run time that falls back by itself',
    );
  },
};

const STANDARD_OUTPUT = 1;

/** Lines go to standard output; only where that is a file would somebody have to rotate it. */
export function logRotationOf(isFile: () => boolean): Control {
  return {
    id: 'monitoring.log.rotation',
    kind: 'probe',
    timeout: seconds(1),
    interval: minutes(10),
    async verify() {
      if (isFile())
        return unknown('standard output is a file', 'its rotation: size, count and room on the disk');
      return notApplicable('the log goes to standard output, which is no file: who collects it rotates it');
    },
  };
}

export const logRotation = logRotationOf(() => fstatSync(STANDARD_OUTPUT).isFile());
