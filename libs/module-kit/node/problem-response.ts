import type { ServerResponse } from 'node:http';
import { ProblemException } from '../http/problem.exception.js';

/**
 * Answers a refusal as problem details (RFC 9457), on the response of `node:http`, which Express hands out and Fastify has as `reply.raw`.
 * @returns false for an error that is none of the kit's, of which nothing was written
 */
export function sendProblem(response: ServerResponse, error: unknown): boolean {
  if (!(error instanceof ProblemException)) return false;
  response.writeHead(error.status, {
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
    ...error.extras.headers,
  });
  response.end(JSON.stringify(error));
  return true;
}
