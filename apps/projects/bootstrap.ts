import { ConsoleLogger, ValidationPipe, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import type { Settings } from './settings.js';

/** Largest request body taken, in bytes: forms and small JSON. */
const BODY_LIMIT = 64 * 1024;

/** The whole module, ready to listen. */
export async function createApplication(settings: Settings): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(settings),
    new FastifyAdapter({ bodyLimit: BODY_LIMIT }),
    {
      logger: new ConsoleLogger({
        logLevels: logLevels(settings.LOG_LEVEL),
        json: settings.NODE_ENV === 'production',
        colors: false,
      }),
      abortOnError: false,
    },
  );
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }));
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', (_request, reply, done) => {
      void reply.headers(securityHeaders(settings));
      done();
    });
  return app;
}

function securityHeaders(settings: Settings): Record<string, string> {
  const core = new URL(settings.CORE_AUTH_URL).origin;
  const headers: Record<string, string> = {
    // Signing out is a form whose answer leads to Core Auth, and browsers hold redirects to form-action too.
    'content-security-policy': [
      "default-src 'none'",
      "style-src 'self'",
      "img-src 'self' data:",
      `form-action 'self' ${core}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
  };
  if (settings.MODULE_URL.startsWith('https:')) headers['strict-transport-security'] = 'max-age=31536000';
  return headers;
}

function logLevels(level: string): LogLevel[] {
  const order: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];
  const named: Record<string, LogLevel> = { info: 'log', trace: 'verbose' };
  return level === 'silent' ? [] : order.slice(0, order.indexOf(named[level] ?? (level as LogLevel)) + 1);
}
