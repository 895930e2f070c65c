import { createParamDecorator, SetMetadata, type ExecutionContext, type Type } from '@nestjs/common';
import type { KitRequest } from '../http/http-types.js';
import { ProblemException } from '../http/problem.exception.js';
import { describeRefusal } from '../licenses/refusal-text.js';
import type { Use } from '../usage/use.js';
import type { CurrentOrganizationData, CurrentUserData, Principal } from './principal.js';

/** Which credential a route takes, and no other: the session cookie, or a bearer token. */
export type RouteCredential = 'public' | 'session' | 'token';

/** Says how many of a limit feature an organization has in use; resolved from the module's providers. */
export interface UsageCounter {
  countUsage(principal: Principal): Promise<number>;
}

export interface FeatureRequirement {
  feature: string;
  /** For a limit feature: the provider that counts what is in use. */
  current?: Type<UsageCounter>;
}

export const CREDENTIAL = 'core-auth:credential';
export const SCOPES = 'core-auth:scopes';
export const PERMISSIONS = 'core-auth:permissions';
export const LICENSES = 'core-auth:licenses';
export const FEATURES = 'core-auth:features';
export const METERED = 'core-auth:metered';

export interface MeteredRequirement {
  feature: string;
  amount: number;
}

/** Anybody may come; no credential is read. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(CREDENTIAL, 'public');

/** A browser with the module's session: a page is sent to sign in, anything else answered with 401. */
export const RequireSignIn = (): MethodDecorator & ClassDecorator => SetMetadata(CREDENTIAL, 'session');

/** An API call with an access token in the `Authorization` header. */
export const RequireToken = (): MethodDecorator & ClassDecorator => SetMetadata(CREDENTIAL, 'token');

/** The token must carry all of these scopes. Alone it means an API call; with `@RequireSignIn()` a browser's. */
export const RequireScope = (...scopes: string[]): MethodDecorator & ClassDecorator =>
  SetMetadata(SCOPES, scopes);

/**
 * The person's role in the organization must permit all of these, `projects:archive`. It says nothing of the credential:
 * declare `@RequireSignIn()`, `@RequireToken()` or `@RequireScope()` as well.
 */
export const RequirePermission = (...permissions: string[]): MethodDecorator & ClassDecorator =>
  SetMetadata(PERMISSIONS, permissions);

/** The organization must be licensed for the module with this key. */
export const RequireLicense = (moduleKey: string): MethodDecorator & ClassDecorator =>
  SetMetadata(LICENSES, [moduleKey]);

/** The organization's plan must include the feature; with `current`, and have room for one more. */
export const RequireFeature = (
  feature: string,
  options: { current?: Type<UsageCounter> } = {},
): MethodDecorator & ClassDecorator => {
  const requirement: FeatureRequirement = { feature, ...options };
  return SetMetadata(FEATURES, [requirement]);
};

/**
 * Each request uses so much of a metered feature, which is counted before the handler runs: all of it, or the request is
 * refused with 429 `QUOTA_EXCEEDED`, 403 with the code of the license, or 503 `CHECK_UNAVAILABLE` when it cannot be
 * counted. A request that changes something may be repeated under its `Idempotency-Key` and counts once; its handler
 * gives back what it gave the first time.
 */
export const Metered = (feature: string, amount = 1): MethodDecorator & ClassDecorator => {
  if (!Number.isSafeInteger(amount) || amount < 1) {
    throw new RangeError(`@Metered('${feature}') takes a whole number from 1 up, not ${amount}`);
  }
  const requirement: MeteredRequirement = { feature, amount };
  return SetMetadata(METERED, requirement);
};

/** What this request has used, on a route with `@Metered()`. */
export const CurrentUse = createParamDecorator((_: unknown, context: ExecutionContext): Use => {
  const { use } = context.switchToHttp().getRequest<KitRequest>();
  if (!use) throw new Error('A route that reads what was used must be @Metered()');
  return use;
});

/** Who is asking, person or service. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal =>
  principalIn(context),
);

/** The person who is asking; a service without one is answered with 403. */
export const CurrentUser = createParamDecorator((_: unknown, context: ExecutionContext): CurrentUserData => {
  const { user } = principalIn(context);
  if (user) return user;
  throw new ProblemException(
    403,
    'PERSON_REQUIRED',
    'A person is needed',
    'Only a person may do this, not a service.',
  );
});

/** The organization that the token names; a token without one is answered with 403 `ORG_CONTEXT_REQUIRED`. */
export const CurrentOrganization = createParamDecorator(
  (_: unknown, context: ExecutionContext): CurrentOrganizationData => {
    const { organization } = principalIn(context);
    if (organization) return organization;
    const text = describeRefusal('ORG_CONTEXT_REQUIRED', { module: 'This module' });
    throw new ProblemException(403, 'ORG_CONTEXT_REQUIRED', text.title, text.detail);
  },
);

function principalIn(context: ExecutionContext): Principal {
  const { principal } = context.switchToHttp().getRequest<KitRequest>();
  if (!principal) throw new Error('A route that reads who is asking must not be @Public()');
  return principal;
}
