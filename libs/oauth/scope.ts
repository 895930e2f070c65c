import { RESERVED_MODULE_KEYS } from '#licensing';
import { InvalidScope } from './oauth.errors.js';

/** RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
export const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;
const MAX_SCOPES = 50;

/**
 * The scopes of a request, without repetitions.
 * @param requested the parameter; when absent, every allowed scope is meant (RFC 6749 §3.3)
 * @throws InvalidScope when one is malformed or not among `allowed`
 */
export function requestedScopes(requested: string | undefined, allowed: readonly string[]): string[] {
  if (requested === undefined) return [...allowed];
  const scopes = [...new Set(requested.split(' ').filter((scope) => scope !== ''))];
  if (
    scopes.length === 0 ||
    scopes.length > MAX_SCOPES ||
    !scopes.every((scope) => SCOPE_TOKEN.test(scope))
  ) {
    throw new InvalidScope('The scope parameter is malformed.');
  }
  const unknown = scopes.find((scope) => !allowed.includes(scope));
  if (unknown !== undefined) throw new InvalidScope(`The scope "${unknown}" is not available here.`);
  return scopes;
}

/** The key of the module that a scope such as `projects:read` belongs to; undefined for `openid` and its like. */
export function moduleOfScope(scope: string): string | undefined {
  const colon = scope.indexOf(':');
  return colon > 0 ? scope.slice(0, colon) : undefined;
}

/** Scopes that speak of a person; a machine has none. */
const PERSONAL: readonly string[] = ['openid', 'profile', 'email', 'offline_access'];

export function isPersonalScope(scope: string): boolean {
  return PERSONAL.includes(scope);
}

/** Whether a scope opens a person's own account, which is theirs in whichever organization, or in none. */
export function isAccountScope(scope: string): boolean {
  return moduleOfScope(scope) === 'account';
}

/** Whether a scope is one of this server's own, such as `licensing:read`, which no module is to be shown. */
export function isServerScope(scope: string): boolean {
  return RESERVED_MODULE_KEYS.includes(moduleOfScope(scope) ?? '');
}
