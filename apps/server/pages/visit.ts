import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Csrf, Session } from '#sessions';
import type { Account } from './layout.js';

/** Somebody who is signed in, with their request and how it is answered. */
export interface Visit {
  readonly session: Session;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** The visit of a route for whoever is signed in. */
export const CurrentVisit = createParamDecorator((_: unknown, context: ExecutionContext): Visit => {
  const http = context.switchToHttp();
  const request = http.getRequest<FastifyRequest & { session: Session }>();
  return { session: request.session, request, reply: http.getResponse<FastifyReply>() };
});

/** Who is signed in, as a page shows it. */
export function accountOf({ session: { name, email }, request, reply }: Visit, csrf: Csrf): Account {
  return { name, email, csrfToken: csrf.token(request, reply) };
}
