import { randomUUID } from 'node:crypto';
import fastifyCookie from '@fastify/cookie';
import { NestFactory } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';
import { logRequest } from '#observability';
import { DiscoveryController, PublicOrigins } from '#oauth';
import { parseForm, type Clock, type Configuration } from '#platform';
import { AppModule } from './app.module.js';
import { crossOrigin } from './cors.js';
import { ErrorFilter, refuseAddress } from './error.filter.js';
import { publicDocuments } from './public-documents.js';
import { BODY_LIMIT, readBodies } from './request-bodies.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { securityHeaders } from './security-headers.js';
import { validation } from './validation.js';

/** The whole server, not yet listening. A test may pass a clock of its own. */
export async function createServer(
  configuration: Configuration,
  clock?: Clock,
): Promise<NestFastifyApplication> {
  const headers = securityHeaders(configuration);
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    trustProxy: configuration.trustedProxies.length > 0 ? [...configuration.trustedProxies] : false,
    genReqId: () => randomUUID(),
    forceCloseConnections: true,
    // an address that cannot be decoded reaches no route, and so neither hooks nor filters
    frameworkErrors: (_error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      headers(request, reply, () => refuseAddress(request, reply)),
    routerOptions: { querystringParser: parseForm, maxParamLength: 256 },
  });
  const fastify = adapter.getInstance();
  readBodies(fastify);
  fastify.addHook('onRequest', headers);
  fastify.addHook('onResponse', (request, reply, done) => {
    logRequest(request, reply);
    done();
  });
  fastify.addHook('onRequestAbort', (request, done) => {
    logRequest(request, undefined);
    done();
  });

  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(configuration, clock),
    adapter,
    { bufferLogs: true, autoFlushLogs: false, abortOnError: false, bodyParser: false },
  );
  fastify.addHook('onRequest', publicDocuments(app.get(DiscoveryController)));
  fastify.addHook('onRequest', crossOrigin(app.get(PublicOrigins)));
  // AsyncLocalStorage slows every promise of Node.js 20: only where a request can make this server fetch something
  if (configuration.clientIdMetadataDocuments === 'on') {
    const limits = app.get(RateLimitGuard);
    // the last hook before a route: reading a body would lose what is kept for a request
    fastify.addHook('preHandler', (request, _reply, done) => limits.limitFetchesOf(request, done));
  }
  app.useLogger(app.get(Logger));
  app.flushLogs();
  await app.register(fastifyCookie);
  app.useGlobalPipes(validation());
  app.useGlobalFilters(app.get(ErrorFilter));
  return app;
}
