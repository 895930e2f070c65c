import type { Params } from 'nestjs-pino';
import { REDACTED_PATHS } from './redaction.js';

/** Settings of nestjs-pino. Requests are logged by `logRequest`: its middleware would make each of them two loggers. */
export function loggerOptions(level: string): Params {
  return {
    forRoutes: [],
    pinoHttp: {
      level,
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
      wrapSerializers: false,
    },
  };
}
