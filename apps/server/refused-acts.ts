import { Injectable, Logger } from '@nestjs/common';
import { isUUID } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { RefusedActRepository } from '#accounts';
import type { LiveToken } from '#oauth';
import type { PublicError } from '#platform';
import { actorOf, type Session } from '#sessions';
import { organizationOf, tokenActor } from './account/token-person.js';

/** Where organizations and licenses are administered. */
const ADMINISTRATION =
  /^\/(organization|console|v1\/(organizations|licenses|plans|features|trials|seat-imports|reservations|offline-grants|usage\/export))(\/|$)/;
/** Refusals for want of authority. */
const BEYOND = new Set(['access_denied', 'beyond_authority']);
/** What is told of another organization's, and of what there is not: the same. */
const UNKNOWN = /^unknown_(organization|member|role|invitation|license|reservation|grant)$/;
/** What a route, a query or a body names by an id; what it is about comes last. */
const NAMES = [
  ...['organization_id', 'organizationId', 'license_id', 'id', 'roleId', 'grantId', 'invitationId'],
  ...['user_id', 'userId'],
];

type Identified = FastifyRequest & { readonly session?: Session; readonly token?: LiveToken };

/**
 * Keeps in the audit who was refused for want of authority where organizations and licenses are administered. Ids alone
 * are kept of what was asked for: whatever else somebody sends could be anything.
 */
@Injectable()
export class RefusedActs {
  private readonly logger = new Logger(RefusedActs.name);

  constructor(private readonly repository: RefusedActRepository) {}

  /** Whether an error is such a refusal, of somebody who is known. */
  concerns(request: Identified, { status, code }: PublicError): boolean {
    const refused = status === 403 ? BEYOND.has(code) : status === 404 && UNKNOWN.test(code);
    const known = request.session !== undefined || request.token !== undefined;
    return refused && known && ADMINISTRATION.test(request.routeOptions.url ?? '');
  }

  /** Before the caller is told; what hinders it keeps nobody from being told. */
  async note(request: Identified, error: PublicError): Promise<void> {
    const who = callerOf(request);
    if (!who || !this.concerns(request, error)) return;
    const { status, code } = error;
    const unknown = status === 404;
    const url = request.routeOptions.url ?? '';
    const route = `${request.method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`;
    try {
      await this.repository.note({ ...who, route, code, named: namedIn(request), unknown });
    } catch (error) {
      this.logger.warn(`a refused act is missing in the audit: ${(error as Error).message}`);
    }
  }
}

function callerOf(request: Identified) {
  const { session, token, ip } = request;
  if (session) {
    const { userId, organization } = session;
    return { actor: actorOf(session, ip), userId, organizationId: organization?.id };
  }
  if (!token) return undefined;
  const { person, claims } = token;
  const actor = person ? tokenActor(token, request) : { id: claims.sub, address: ip, factor: null };
  return { actor, userId: person?.userId, organizationId: organizationOf(token) ?? undefined };
}

function namedIn({ params, query, body }: FastifyRequest): Record<string, string> {
  const sent = Object.assign({}, body, query, params) as Record<string, unknown>;
  const named: Record<string, string> = {};
  for (const name of NAMES) {
    const value = Object.hasOwn(sent, name) ? sent[name] : undefined;
    if (isUUID(value)) named[name] = (value as string).toLowerCase();
  }
  return named;
}
