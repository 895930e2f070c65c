import { RequestMethod } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Params } from 'nestjs-pino';
import { REDACTED_PATHS } from './redaction.js';

type Request = IncomingMessage & { id?: unknown };

/** Settings of nestjs-pino: one JSON line per request, without query strings (codes and states travel there). */
export function loggerOptions(level: string): Params {
  return {
    forRoutes: [{ path: '{*splat}', method: RequestMethod.ALL }],
    pinoHttp: {
      level,
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
      quietReqLogger: true,
      autoLogging: { ignore: (request) => request.url?.startsWith('/health/') ?? false },
      customLogLevel: (_request, response, error) => levelOf(response, error),
      serializers: {
        req: (request: Request & { remoteAddress?: string }) => ({
          id: request.id,
          method: request.method,
          path: request.url?.split('?', 1)[0],
          remoteAddress: request.remoteAddress,
        }),
        res: (response: { statusCode: number }) => ({ statusCode: response.statusCode }),
      },
    },
  };
}

function levelOf(response: ServerResponse, error?: Error): 'error' | 'warn' | 'info' {
  if (error || response.statusCode >= 500) return 'error';
  return response.statusCode === 429 ? 'warn' : 'info';
}
