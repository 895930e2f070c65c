import { applyDecorators, Header, SetMetadata } from '@nestjs/common';
import { AcceptsJson, API_ROUTE, RequireRecentToken, RequireScope, type ApiRoute } from '#platform';

type AccountScope = 'account:read' | 'account:write' | 'account:security';

interface AccountRoute extends Omit<ApiRoute, 'summary'> {
  /** For sensitive acts: of a person who signed in a short while ago (RFC 9470). */
  readonly recent?: boolean;
}

/** A route of the API of one's own account, for a person’s token with the scope. */
export function AccountApi(
  scope: AccountScope,
  summary: string,
  { recent = false, ...more }: AccountRoute = {},
): MethodDecorator {
  const route: ApiRoute = { summary, ...more };
  return applyDecorators(
    SetMetadata(API_ROUTE, route),
    recent ? RequireRecentToken(scope) : RequireScope(scope),
    Header('cache-control', 'no-store'),
    ...(more.body ? [AcceptsJson()] : []),
  );
}
