import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PublicOrigins } from '#oauth';

/** What a client that runs in a browser calls by script; the authorization endpoint never (RFC 9700 §2.6). */
const CALLED_BY_SCRIPTS =
  /^\/(oauth2\/(token|revoke|userinfo|par)(\?|$)|v1\/(account|organizations)(\/|\?|$))/;
/** Whom a client is registered by is seen from its token alone: no cookie counts there, and no origin is known yet. */
const CALLED_FROM_ANYWHERE = /^\/oauth2\/register(\/|\?|$)/;
const AN_HOUR = '3600';

/** Cross-origin requests (Fetch §3.3) of the origins at which public clients are registered, and of no others. */
export function crossOrigin(origins: PublicOrigins) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const anywhere = CALLED_FROM_ANYWHERE.test(request.url);
    if (!anywhere && !CALLED_BY_SCRIPTS.test(request.url)) return;
    reply.header('vary', 'origin');
    const { origin } = request.headers;
    if (origin === undefined || !(anywhere || (await origins.includes(origin)))) return;
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'DPoP-Nonce, Retry-After, WWW-Authenticate',
    });
    if (request.method !== 'OPTIONS') return;
    await reply
      .headers({
        'access-control-allow-methods': methodsOf(request.url),
        'access-control-allow-headers': 'Authorization, Content-Type, DPoP',
        'access-control-max-age': AN_HOUR,
      })
      .status(204)
      .send();
  };
}

function methodsOf(url: string): string {
  if (url.startsWith('/v1/')) return 'GET, POST, PUT, PATCH, DELETE';
  return CALLED_FROM_ANYWHERE.test(url) ? 'GET, POST, PUT, DELETE' : 'GET, POST';
}
