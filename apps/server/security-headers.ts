import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Configuration } from '#platform';
import { contentSecurityPolicy } from './pages/content-security-policy.js';

const TWO_YEARS = 63_072_000;

/** Sent with every answer; a page whose form leads to a client loosens form-action for that client alone. */
export function securityHeaders(configuration: Configuration) {
  const policy = contentSecurityPolicy();
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    reply.headers({
      'x-request-id': request.id,
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    });
    if (configuration.secureCookies) {
      reply.header('strict-transport-security', `max-age=${TWO_YEARS}; includeSubDomains`);
    }
    // a proxy that was reached by plain http must redirect, not forward
    if (configuration.secureCookies && request.headers['x-forwarded-proto'] === 'http') {
      void reply.status(403).send({ error: 'access_denied', error_description: 'Use https.' });
      return;
    }
    done();
  };
}
