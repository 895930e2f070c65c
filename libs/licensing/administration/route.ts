import {
  applyDecorators,
  createParamDecorator,
  Header,
  SetMetadata,
  UseGuards,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AcceptsJson, readJsonBody, readQuery, RequireScope, type Answer } from '#platform';
import type { LicensingAction } from './authority.js';
import { ADMINISTRATION_ROUTE, AuthorityGuard } from './authority.guard.js';

/** What a route of the administration asks and answers, from which its reference is generated. */
export interface AdministrationRoute {
  readonly action: LicensingAction;
  /** One sentence without an end. */
  readonly summary: string;
  readonly body?: Type<object>;
  readonly query?: Type<object>;
  /** Whether it changes a license that has a version: `If-Match` is required. */
  readonly ifMatch?: boolean;
  /** Whether `Idempotency-Key` is required. */
  readonly idempotencyKey?: boolean;
  /** What a success brings; undefined for 204. */
  readonly answer?: Answer;
  /** Beside JSON. */
  readonly answers?: readonly string[];
}

/** A route for who may do this: by a token with the scope, and by what its holder is. */
export function Administers(
  action: LicensingAction,
  summary: string,
  more: Omit<AdministrationRoute, 'action' | 'summary'> = {},
): MethodDecorator {
  const route: AdministrationRoute = { action, summary, ...more };
  return applyDecorators(
    SetMetadata(ADMINISTRATION_ROUTE, route),
    RequireScope(action.endsWith(':read') ? 'licensing:read' : 'licensing:write'),
    UseGuards(AuthorityGuard),
    Header('cache-control', more.query || more.body ? 'no-store' : 'private, no-cache'),
    ...(more.body ? [AcceptsJson()] : []),
  );
}

function routeOf(context: ExecutionContext): AdministrationRoute {
  return Reflect.getMetadata(ADMINISTRATION_ROUTE, context.getHandler()) as AdministrationRoute;
}

/** The body, as the route's class; a member that the class has not is refused. */
export const JsonBody = createParamDecorator((_: unknown, context: ExecutionContext) =>
  readJsonBody(routeOf(context).body, context.switchToHttp().getRequest<FastifyRequest>()),
);

/** The query, as the route's class; a parameter that the class has not is refused. */
export const QueryOf = createParamDecorator((_: unknown, context: ExecutionContext) =>
  readQuery(routeOf(context).query, context.switchToHttp().getRequest<FastifyRequest>()),
);

/** What the caller may reach; see Reach. */
export const CurrentReach = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<{ reach?: unknown }>().reach,
);
