import type { Client } from './clients/client.js';
import { concernedModules, type Module, type Modules } from './module-directory.js';
import { AccessDenied, InvalidTarget } from './oauth.errors.js';
import { isAccountScope, isPersonalScope, isServerScope, moduleOfScope } from './scope.js';

/**
 * Whom a token is for: what it may say, and to whom. A bearer token that a module sees could be taken from there to this
 * server (RFC 8707 §3): so one for a module opens userinfo here, and carries no scope of this server's own.
 */
export interface Audience {
  readonly modules: readonly Module[];
  /** Those that mean something to this audience, which may be fewer than were granted. */
  readonly scopes: readonly string[];
  /** `aud`: the modules' base URLs; and this server, whose userinfo endpoint an `openid` token opens. Never empty. */
  readonly identifiers: readonly string[];
}

/**
 * @param resources resource indicators (RFC 8707 §2); none: every module that the scopes and the client concern, or this
 * server when all scopes are its own
 * @throws InvalidTarget when one is unknown or not for this client
 */
export function audienceOf(
  context: AudienceContext,
  client: AudienceClient,
  scopes: readonly string[],
  resources: readonly string[] = [],
): Audience {
  const { all, issuer } = context;
  const targets =
    resources.length === 0
      ? impliedTargets(context, client, scopes)
      : availableTargets(context, client, resources);
  const modules = [...all.values()].filter((module) => targets.includes(module.baseUrl));
  // RFC 8707 §2.2: a token holds only what its resource understands
  const keys = new Set(modules.map((module) => module.key));
  const kept = scopes.filter((scope) => {
    if (isServerScope(scope)) return targets.every((target) => target === issuer);
    const key = moduleOfScope(scope);
    return key === undefined || resources.length === 0 || keys.has(key);
  });
  const identifiers = new Set(targets);
  if (kept.includes('openid')) identifiers.add(issuer);
  return { modules, scopes: kept, identifiers: [...identifiers] };
}

/**
 * Whether what is asked for is a person's own account and nothing beside it, which needs no organization.
 * @param scopes all that are asked for
 */
export function isForAccountAlone(audience: Audience, issuer: string, scopes: readonly string[]): boolean {
  return (
    isForServerAlone(audience, issuer) &&
    scopes.some(isAccountScope) &&
    scopes.every((scope) => isAccountScope(scope) || isPersonalScope(scope))
  );
}

function isForServerAlone({ identifiers }: Audience, issuer: string): boolean {
  return identifiers.every((identifier) => identifier === issuer);
}

/**
 * What acts for no organization is for this server alone, whatever is asked for once it has been authorized.
 * @throws AccessDenied `ORG_CONTEXT_REQUIRED`
 */
export function requireServerAlone(audience: Audience, issuer: string): void {
  if (isForServerAlone(audience, issuer)) return;
  const code = 'ORG_CONTEXT_REQUIRED';
  throw new AccessDenied(`This was allowed for no organization, and the resource needs one (${code}).`, code);
}

interface AudienceContext {
  readonly all: Modules;
  readonly issuer: string;
}

type AudienceClient = Pick<Client, 'moduleKey' | 'scopes' | 'resources'>;

function impliedTargets(
  { all, issuer }: AudienceContext,
  { moduleKey }: AudienceClient,
  scopes: readonly string[],
): readonly string[] {
  if (scopes.length > 0 && scopes.every(isServerScope)) return [issuer];
  const modules = concernedModules(all, moduleKey, scopes);
  return modules.length === 0 ? [issuer] : modules.map(({ baseUrl }) => baseUrl);
}

function availableTargets(
  { all, issuer }: AudienceContext,
  { moduleKey, scopes, resources }: AudienceClient,
  requested: readonly string[],
): readonly string[] {
  const allowed = resources ?? [
    issuer,
    ...concernedModules(all, moduleKey, scopes).map(({ baseUrl }) => baseUrl),
  ];
  const targets = requested.map(withoutTrailingSlash);
  const foreign = targets.find((target) => !allowed.includes(target));
  if (foreign !== undefined) throw new InvalidTarget(`The resource ${foreign} is not available here.`);
  return targets;
}

/** A module's identifier is its base URL without one; `https://module.example/` names the same module. */
function withoutTrailingSlash(resource: string): string {
  return resource.endsWith('/') ? resource.slice(0, -1) : resource;
}

/** RFC 8707 §2.2: a token request asks for no resource beyond those that were authorized. */
export function narrowedResources(
  authorized: readonly string[],
  requested: readonly string[] | undefined,
): readonly string[] {
  if (requested === undefined || requested.length === 0) return authorized;
  const foreign = requested.find((resource) => authorized.length > 0 && !authorized.includes(resource));
  if (foreign !== undefined) throw new InvalidTarget(`The resource ${foreign} was not authorized.`);
  return requested;
}
