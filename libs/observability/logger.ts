import { PinoLogger, type Params } from 'nestjs-pino';
import { symbols, type DestinationStream } from 'pino';
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

/** Closes the log of the process, which is to end: resolves once whoever reads it has taken everything. */
export async function endLog(): Promise<void> {
  const root = PinoLogger.root as (PinoLogger['logger'] & { [symbols.streamSym]?: Destination }) | undefined;
  const stream = root?.[symbols.streamSym];
  if (!stream) return;
  await new Promise<void>((resolve) => {
    stream.once('close', resolve);
    stream.end();
  });
}

type Destination = DestinationStream & {
  once(event: 'close', listener: () => void): void;
  end(): void;
};
