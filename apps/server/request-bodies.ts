import type { FastifyInstance } from 'fastify';
import { acceptsJson, parseForm } from '#platform';

/** Enough for every form and token request; more is refused before it is read. */
export const BODY_LIMIT = 64 * 1024;

/** JSON for a route that reads none; what a person is told depends on the route. */
export class JsonNotTaken extends Error {
  readonly statusCode = 415;

  constructor() {
    super('This address reads no body: send the request without one.');
  }
}

/** RFC 6749 appendix B: forms alone; JSON is refused wherever no route asks for it. */
export function readBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, parseForm(body as string)),
  );
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // RFC 9110 §9.3.5: a DELETE has no content that would mean anything, whatever type a client names
    if (request.method === 'DELETE' && body === '') return done(null, undefined);
    if (acceptsJson(request)) return parseJson(request, body as string, done);
    // where there is no route, that is what is wrong
    if (request.is404) return done(null, undefined);
    done(new JsonNotTaken());
  });
}
