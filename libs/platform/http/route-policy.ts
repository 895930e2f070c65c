import { applyDecorators, createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';

/** What a route asks of its caller. A route that declares nothing is refused. */
export type RoutePolicy =
  | { readonly kind: 'public' }
  | SessionPolicy
  | { readonly kind: 'client'; readonly takesProof?: boolean }
  | BearerPolicy;

interface BearerPolicy {
  readonly kind: 'bearer';
  readonly scope: string;
  /** Enough of a token that is for no organization, which the other one is never granted to. */
  readonly scopeWithoutOrganization?: string | undefined;
  readonly openWhen?: 'outside-production';
  /**
   * `recent`: of a person who authenticated a short while ago, and with the second factor when they have one;
   * `operator`: as operators have to, when the person is one.
   */
  readonly strength?: 'recent' | 'operator';
}

interface SessionPolicy {
  readonly kind: 'session';
  /**
   * How the person must have authenticated: `as-required` by the organization that they act for; `any` for what acts
   * for none, and leads to more; `recent`, and with the second factor when they have one, for sensitive acts;
   * `operator`: as required, and as operators have to, when the person is one.
   */
  readonly strength: 'as-required' | 'any' | 'recent' | 'operator';
  /** The page that goes on once a form has been refused for the strength; a page goes on itself. */
  readonly returnTo?: string;
}

export const ROUTE_POLICY = 'core-auth:route-policy';

const declare = (policy: RoutePolicy) => applyDecorators(SetMetadata(ROUTE_POLICY, policy));

/** Anybody may call. */
export const Public = () => declare({ kind: 'public' });
/** Somebody who is signed in, as strongly as the organization asks that they act for; anyone else is sent to sign in. */
export const RequireSession = () => declare({ kind: 'session', strength: 'as-required' });
/** Somebody who is signed in, and who may yet owe the second factor that the organization asks for. */
export const RequireAnySession = () => declare({ kind: 'session', strength: 'any' });
/** For sensitive acts: somebody who signed in a short while ago, with all that they have (RFC 9470). */
export const RequireRecentSession = (returnTo: string) =>
  declare({ kind: 'session', strength: 'recent', returnTo });
/** As RequireSession, for what operators do: of those who are, with the second factor that the deployment asks them for. */
export const RequireOperatorSession = (returnTo: string) =>
  declare({ kind: 'session', strength: 'operator', returnTo });
/** A client that authenticates (RFC 6749 §2.3). @param options.takesProof the route also takes a DPoP proof (RFC 9449) */
export const ClientAuthentication = ({ takesProof = false }: { readonly takesProof?: boolean } = {}) =>
  declare({ kind: 'client', takesProof });
/** A bearer of an access token of this server with `scope` (RFC 6750). @param withoutOrganization in its place, of a token for none */
export const RequireScope = (scope: string, withoutOrganization?: string) =>
  declare({ kind: 'bearer', scope, scopeWithoutOrganization: withoutOrganization });
/**
 * As RequireScope, for sensitive acts: of a person who signed in a short while ago, with all that they have (RFC 9470).
 * A machine is refused.
 */
export const RequireRecentToken = (scope: string) => declare({ kind: 'bearer', scope, strength: 'recent' });
/** As RequireScope, for what operators do: of those who are, with the second factor that the deployment asks them for. */
export const RequireOperatorToken = (scope: string) =>
  declare({ kind: 'bearer', scope, strength: 'operator' });
/** As RequireScope in production; elsewhere anybody may call. */
export const RequireScopeInProduction = (scope: string) =>
  declare({ kind: 'bearer', scope, openWhen: 'outside-production' });

interface Identified {
  readonly session?: unknown;
  readonly client?: unknown;
  readonly token?: unknown;
}

const fromRequest = (property: keyof Identified) =>
  createParamDecorator(
    (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<Identified>()[property],
  );

/** The session of a `@RequireSession()` route; on a public route, of whoever is signed in, else undefined. */
export const CurrentSession = fromRequest('session');
/** The client of a `@ClientAuthentication()` route. */
export const CurrentClient = fromRequest('client');
/** The token of a `@RequireScope()` or `@RequireRecentToken()` route, which is verified and live, with the person behind it. */
export const CurrentToken = fromRequest('token');
