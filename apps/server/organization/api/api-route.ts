import {
  applyDecorators,
  createParamDecorator,
  Header,
  Injectable,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  AdministratorRepository,
  mayInOrganization,
  notAllowed,
  unknownOrganization,
  type OrganizationAction,
  type Role,
} from '#accounts';
import type { Actor } from '#observability';
import type { LiveToken } from '#oauth';
import { AcceptsJson, API_ROUTE, RequireScope, type ApiRoute } from '#platform';
import { RecentToken } from '../../account/recent-token.js';
import { personOf, tokenActor } from '../../account/token-person.js';

type OrganizationScope = 'organization:read' | 'organization:write';

export interface OrganizationApiRoute extends ApiRoute {
  /** What it does in the organization that the token is for; or whom else it serves. */
  readonly action: OrganizationAction | 'whoever is signed in';
  /** Whether the person has to have signed in a short while ago, and with the second factor when they have one. */
  readonly recent?: boolean;
  /** Opens it to a token for no organization. */
  readonly withoutOrganization?: 'account:write';
}

/** A person who acts by a token, in the organization that it is for. */
export interface Caller {
  readonly userId: string;
  readonly actor: Actor;
  readonly organizationId: string;
  /** There; of a route that serves whoever is signed in, undefined. */
  readonly role: Role | undefined;
}

interface Called {
  readonly token: LiveToken;
  readonly params: { readonly organizationId?: string };
  caller?: Caller;
}

/**
 * What a person may do is looked up at each request: a token says nothing about it. The organization is the token's:
 * another one, and one that there is not, are the same to it.
 */
@Injectable()
export class OrganizationApiGuard implements CanActivate {
  constructor(
    private readonly administrators: AdministratorRepository,
    private readonly recentToken: RecentToken,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = Reflect.getMetadata(API_ROUTE, context.getHandler()) as OrganizationApiRoute;
    const request = context.switchToHttp().getRequest<FastifyRequest & Called>();
    const { token } = request;
    const { userId } = personOf(token);
    const organizationId = token.claims.organization_id ?? '';
    const { action } = route;
    let role: Role | undefined;
    if (action !== 'whoever is signed in') {
      if (request.params.organizationId?.toLowerCase() !== organizationId) throw unknownOrganization();
      role = (await this.administrators.find(userId)).roles.get(organizationId);
      if (!role) throw unknownOrganization();
      if (!mayInOrganization(action, role)) throw notAllowed();
    }
    if (route.recent === true) await this.recentToken.check(token);
    request.caller = { userId, actor: tokenActor(token, request), organizationId, role };
    return true;
  }
}

/** A route for a person’s token with the scope, for what their role in the token’s organization allows. */
export function OrganizationApi(
  scope: OrganizationScope,
  action: OrganizationApiRoute['action'],
  summary: string,
  more: Omit<OrganizationApiRoute, 'action' | 'summary'> = {},
): MethodDecorator {
  const route: OrganizationApiRoute = { action, summary, ...more };
  return applyDecorators(
    SetMetadata(API_ROUTE, route),
    RequireScope(scope, more.withoutOrganization),
    UseGuards(OrganizationApiGuard),
    Header('cache-control', 'no-store'),
    ...(more.body ? [AcceptsJson()] : []),
  );
}

export const CurrentCaller = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<Called>().caller,
);
