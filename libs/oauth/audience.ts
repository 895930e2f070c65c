import type { Client } from './clients/client.js';
import { concernedModules, type Module, type Modules } from './module-directory.js';
import { InvalidTarget } from './oauth.errors.js';
import { moduleOfScope } from './scope.js';

/** Whom a token is for: what it may say, and to whom. */
export interface Audience {
  readonly modules: readonly Module[];
  /** Those that mean something to this audience; fewer than were granted when a resource was asked for. */
  readonly scopes: readonly string[];
  /** `aud`: the modules' base URLs; and this server, whose userinfo endpoint an `openid` token opens. Never empty. */
  readonly identifiers: readonly string[];
}

/**
 * @param resources resource indicators (RFC 8707 §2); none: every module that the scopes and the client concern
 * @throws InvalidTarget when one is unknown or not for this client
 */
export function audienceOf(
  { all, issuer }: { readonly all: Modules; readonly issuer: string },
  client: Pick<Client, 'moduleKey' | 'scopes' | 'resources'>,
  scopes: readonly string[],
  resources: readonly string[] = [],
): Audience {
  if (resources.length === 0) {
    const modules = concernedModules(all, client.moduleKey, scopes);
    const urls = modules.map((module) => module.baseUrl);
    const own = scopes.includes('openid') || urls.length === 0;
    return { modules, scopes, identifiers: own ? [...urls, issuer] : urls };
  }
  const allowed = client.resources ?? [
    issuer,
    ...concernedModules(all, client.moduleKey, client.scopes).map((module) => module.baseUrl),
  ];
  const targets = resources.map((resource) => withoutTrailingSlash(resource));
  const foreign = targets.find((target) => !allowed.includes(target));
  if (foreign !== undefined) throw new InvalidTarget(`The resource ${foreign} is not available here.`);
  const modules = [...all.values()].filter((module) => targets.includes(module.baseUrl));
  // RFC 8707 §2.2: a token holds only what its resource understands
  const keys = new Set(modules.map((module) => module.key));
  const kept = scopes.filter((scope) => {
    const key = moduleOfScope(scope);
    return key === undefined || keys.has(key);
  });
  const identifiers = new Set(targets);
  if (kept.includes('openid')) identifiers.add(issuer);
  return { modules, scopes: kept, identifiers: [...identifiers] };
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
