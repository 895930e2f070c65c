import { displayNameProblem, type Role } from '#accounts';
import { isFeatureValue, type FeatureDefinition, type FeatureValue } from '@core-auth/module-kit/licensing';

/** A product application of the suite, as it is sold. */
export interface Module {
  readonly key: string;
  readonly name: string;
  /** Without a trailing slash; also the audience of its access tokens. */
  readonly baseUrl: string;
  readonly environment: string;
}

/** A module with what an organization's roles may do in it. */
export interface ModuleAccess extends Module {
  /** Permissions of each role, without the module's key; a role that is not here has none. */
  readonly permissions: Readonly<Partial<Record<Role, readonly string[]>>>;
  /** By scope, the roles that it can be granted to; a scope that is not here can be granted to every role. */
  readonly scopeRoles: Readonly<Record<string, readonly Role[]>>;
}

export const ROLES: readonly Role[] = ['owner', 'administrator', 'member', 'billing'];

export interface RolePermissions {
  readonly moduleKey: string;
  readonly role: Role;
  /** Named as keys are, `archive`; all that the role has. */
  readonly permissions: readonly string[];
}

export interface ScopeRoles {
  readonly moduleKey: string;
  /** Begins with the module's key: `projects:write`. */
  readonly scope: string;
  readonly roles: readonly Role[];
}

export interface NewModule {
  readonly key: string;
  readonly name: string;
  readonly baseUrl: string;
  /** `production` unless told. */
  readonly environment?: string;
}

/** What is told is changed. */
export interface ModuleChange {
  readonly name?: string | undefined;
  readonly baseUrl?: string | undefined;
}

export interface NewFeature extends FeatureDefinition {
  readonly moduleKey: string;
  /** Of a metered feature alone: percents of the limit that are announced, 1 to 1000; 80 and 100 unless told. */
  readonly thresholds?: readonly number[];
}

export type PlanFeatures = Readonly<Record<string, FeatureValue>>;

export interface NewPlanVersion {
  /** A random UUID unless told. */
  readonly id?: string;
  readonly planKey: string;
  readonly name: string;
  readonly moduleKey: string;
  readonly features: PlanFeatures;
}

export interface PlanVersion {
  readonly id: string;
  readonly planKey: string;
  /** Counts from 1 for each plan. */
  readonly version: number;
  readonly name: string;
  readonly moduleKey: string;
  readonly features: PlanFeatures;
}

/** Keys of modules, features, plans: small letters, digits and hyphens, a letter first, at most 63. */
export function isCatalogKey(key: string): boolean {
  return /^[a-z][a-z0-9-]{0,62}$/.test(key);
}

/** What scopes of this server begin with (`licensing:read`): a module of that name could grant them. */
export const RESERVED_MODULE_KEYS: readonly string[] = ['account', 'licensing', 'organization', 'readiness'];

/**
 * The base URL as it is stored and compared: http or https, no credentials, query or fragment, no trailing slash.
 * @returns undefined when it is none
 */
export function normalizeBaseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const plain = !url.username && !url.password && !url.search && !url.hash;
  if (!plain || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  return url.href.replace(/\/+$/, '');
}

/** What is wrong with the name or the address of a module, of those that are told, as a sentence; undefined when nothing is. */
export function moduleProblem({ name, baseUrl }: ModuleChange): string | undefined {
  const problem = name === undefined ? undefined : displayNameProblem(name);
  if (problem !== undefined || baseUrl === undefined || normalizeBaseUrl(baseUrl) !== undefined)
    return problem;
  return 'The base URL of a module is an http or https address.';
}

const MOST_PERMISSIONS = 50;

/** Why a role cannot have these permissions, as a sentence; undefined when it can. */
export function permissionsProblem({ moduleKey, role, permissions }: RolePermissions): string | undefined {
  if (!ROLES.includes(role)) return 'There is no such role.';
  if (permissions.length > MOST_PERMISSIONS) return `A role has at most ${MOST_PERMISSIONS} permissions.`;
  const wrong = permissions.find((permission) => !isCatalogKey(permission));
  if (wrong === undefined) return undefined;
  const bare = wrong.startsWith(`${moduleKey}:`) ? wrong.slice(moduleKey.length + 1) : '';
  if (isCatalogKey(bare)) return `Write "${bare}" instead of "${wrong}": without the key of the module.`;
  return `A permission is made of small letters, digits and hyphens and begins with a letter; "${wrong}" is not.`;
}

/** Why a scope cannot be kept to these roles, as a sentence; undefined when it can. */
export function scopeRolesProblem({ moduleKey, scope, roles }: ScopeRoles): string | undefined {
  const name = scope.startsWith(`${moduleKey}:`) ? scope.slice(moduleKey.length + 1) : '';
  // RFC 6749 §3.3
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(name) || scope.length > 128) {
    return `A scope of this module is named "${moduleKey}:" and then what it allows.`;
  }
  return roles.every((role) => ROLES.includes(role)) ? undefined : 'There is no such role.';
}

const MOST_THRESHOLDS = 10;

/** What is wrong with a feature, its key apart, as a sentence; undefined when nothing is. */
export function newFeatureProblem({ type, combine, period, thresholds }: NewFeature): string | undefined {
  if (!['boolean', 'limit', 'metered'].includes(type)) return 'A feature is boolean, a limit or metered.';
  if (!['max', 'sum'].includes(combine)) return 'The values of a feature combine by max or sum.';
  if (type !== 'metered') {
    return period === undefined && thresholds === undefined
      ? undefined
      : 'Only a metered feature has a period and thresholds.';
  }
  if (period !== undefined && !['day', 'month', 'year'].includes(period)) {
    return 'The period of a metered feature is day, month or year.';
  }
  if (thresholds === undefined) return undefined;
  if (thresholds.length > MOST_THRESHOLDS) return `A feature has at most ${MOST_THRESHOLDS} thresholds.`;
  const sound = thresholds.every((percent) => Number.isInteger(percent) && percent >= 1 && percent <= 1000);
  return sound && new Set(thresholds).size === thresholds.length
    ? undefined
    : 'A threshold is a whole number of percent from 1 to 1000, and each is there once.';
}

/** What is wrong with a plan's values for a module's features, as a sentence; undefined when nothing is. */
export function planProblem(
  features: PlanFeatures,
  definitions: readonly FeatureDefinition[],
): string | undefined {
  const problems = Object.entries(features).flatMap(
    ([key, value]) => featureProblem(key, value, definitions) ?? [],
  );
  return problems.length > 0 ? problems.join(' ') : undefined;
}

/** As planProblem, for one value. */
export function featureProblem(
  key: string,
  value: FeatureValue,
  definitions: readonly FeatureDefinition[],
): string | undefined {
  const definition = definitions.find((candidate) => candidate.key === key);
  if (!definition) return `The module has no feature "${key}".`;
  if (isFeatureValue(value, definition.type)) return undefined;
  return definition.type === 'boolean'
    ? `The feature "${key}" is true or false.`
    : `The feature "${key}" is a whole number from 0 up, or null for unlimited.`;
}
