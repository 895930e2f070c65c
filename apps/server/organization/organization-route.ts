import {
  applyDecorators,
  createParamDecorator,
  Injectable,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mayInOrganization, type OrganizationAction } from '#accounts';
import { Public, PublicError, RequireRecentSession, RequireSession } from '#platform';
import { Csrf, type Session } from '#sessions';
import type { Visit as AnyVisit } from '../pages/visit.js';

/** The metadata of a route, from which the matrix of route and role is made. */
export const ORGANIZATION_ROUTE = 'core-auth:organization-route';

export interface OrganizationRoute {
  /** What it does in the organization that the caller acts for; or whom else it serves. */
  readonly action: OrganizationAction | 'whoever is signed in' | 'whoever holds the link';
  /** One sentence without an end. */
  readonly summary: string;
}

/** Somebody in the organization for which they act. */
export interface Visit extends AnyVisit {
  readonly organization: NonNullable<Session['organization']>;
}

/** Thrown when a page needs an organization: the browser is sent to choose one and comes back. */
export class OrganizationRequired extends PublicError {
  constructor(readonly returnTo: string) {
    super(409, 'organization_required', 'Choose the organization first for which you act.');
  }
}

/** What a member may do is looked at before each route, and its form is the organization's that it names. */
@Injectable()
export class OrganizationGuard implements CanActivate {
  constructor(private readonly csrf: Csrf) {}

  canActivate(context: ExecutionContext): boolean {
    const { action } = Reflect.getMetadata(ORGANIZATION_ROUTE, context.getHandler()) as {
      action: OrganizationAction;
    };
    const request = context.switchToHttp().getRequest<FastifyRequest & { session: Session }>();
    const { organization } = request.session;
    if (!organization)
      throw new OrganizationRequired(request.method === 'GET' ? request.url : '/organization');
    if (!mayInOrganization(action, organization.role)) {
      throw new PublicError(
        403,
        'access_denied',
        `This is for those who run ${organization.name}: ask an owner or an administrator.`,
      );
    }
    if (request.method === 'GET') return true;
    const form = (request.body ?? {}) as Readonly<Record<string, unknown>>;
    this.csrf.check(request, form['csrf_token']);
    // shown in one tab, while another has gone on to another organization
    if (form['organization_id'] !== organization.id) {
      throw new PublicError(
        409,
        'other_organization',
        `This form is not of ${organization.name}, for which you act now. Reload the page; nothing was changed.`,
      );
    }
    return true;
  }
}

/**
 * A route for members of the organization for which they act, whose role allows this.
 * @param page of a sensitive act, for which the person has to have signed in a short while ago: where it goes on
 */
export function InOrganization(action: OrganizationAction, summary: string, page?: string): MethodDecorator {
  const route: OrganizationRoute = { action, summary };
  return applyDecorators(
    SetMetadata(ORGANIZATION_ROUTE, route),
    page === undefined ? RequireSession() : RequireRecentSession(page),
    UseGuards(OrganizationGuard),
  );
}

/** A route for everybody who is signed in, of an organization or of none. */
export function ForWhoeverIsSignedIn(summary: string): MethodDecorator {
  const route: OrganizationRoute = { action: 'whoever is signed in', summary };
  return applyDecorators(SetMetadata(ORGANIZATION_ROUTE, route), RequireSession());
}

/** A route for everybody; what they hold decides. */
export function ForWhoeverHoldsTheLink(summary: string): MethodDecorator {
  const route: OrganizationRoute = { action: 'whoever holds the link', summary };
  return applyDecorators(SetMetadata(ORGANIZATION_ROUTE, route), Public());
}

/** The visit of an `@InOrganization()` route. */
export const CurrentVisit = createParamDecorator((_: unknown, context: ExecutionContext): Visit => {
  const request = context.switchToHttp().getRequest<FastifyRequest & { session: Session }>();
  const { session } = request;
  if (!session.organization) throw new Error('the route does not ask for an organization');
  const reply = context.switchToHttp().getResponse<FastifyReply>();
  return { session, organization: session.organization, request, reply };
});
