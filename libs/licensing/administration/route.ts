import {
  applyDecorators,
  createParamDecorator,
  Header,
  SetMetadata,
  UseGuards,
  type ExecutionContext,
} from '@nestjs/common';
import { AcceptsJson, API_ROUTE, RequireOperatorToken, type ApiRoute } from '#platform';
import type { LicensingAction } from './authority.js';
import { AuthorityGuard } from './authority.guard.js';

/** What a route of the administration asks and answers, from which its reference is generated. */
export interface AdministrationRoute extends ApiRoute {
  readonly action: LicensingAction;
  /** Whether it changes a license that has a version: `If-Match` is required. */
  readonly ifMatch?: boolean;
  /** Whether `Idempotency-Key` is required. */
  readonly idempotencyKey?: boolean;
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
    SetMetadata(API_ROUTE, route),
    RequireOperatorToken(action.endsWith(':read') ? 'licensing:read' : 'licensing:write'),
    UseGuards(AuthorityGuard),
    Header('cache-control', more.query || more.body ? 'no-store' : 'private, no-cache'),
    ...(more.body ? [AcceptsJson()] : []),
  );
}

/** What the caller may reach; see Reach. */
export const CurrentReach = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<{ reach?: unknown }>().reach,
);
