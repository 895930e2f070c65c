import { rolesFor, type HeldCustomRole } from '#accounts';
import { ROLES } from '#licensing';
import type { Module, Modules } from './module-directory.js';
import { isAccountScope, isPersonalScope, moduleOfScope } from './scope.js';

/** What a person is in an organization. */
export interface RoleHolder {
  readonly role: string;
  /** Made by the organization of permissions; what it lists, and nothing else of the kind, is allowed. */
  readonly customRole: HeldCustomRole | null;
}

/**
 * Those of `scopes` that a holder of this role can be granted: a module may keep a scope to some roles.
 * @param holder null for who acts for no organization, whose own account is all that there is
 */
export function scopesForRole(all: Modules, scopes: readonly string[], holder: RoleHolder | null): string[] {
  if (!holder) return scopes.filter((scope) => isAccountScope(scope) || isPersonalScope(scope));
  const { role, customRole } = holder;
  return scopes.filter((scope) => {
    // a module's scope holds a colon, so it is named as nothing that every object has
    const roles: readonly string[] | undefined = all.get(moduleOfScope(scope) ?? '')?.scopeRoles[scope];
    if (roles === undefined || ROLES.every((each) => roles.includes(each))) return true;
    return customRole
      ? customRole.permissions.includes(scope) && roles.some(mayMakeRoles)
      : roles.includes(role);
  });
}

/** What a holder of this role may do in these modules, `projects:archive`. */
export function entitlementsFor(modules: readonly Module[], { role, customRole }: RoleHolder): string[] {
  return modules.flatMap(({ key, permissions }) => {
    const held = Object.entries(permissions)
      .filter(([holder]) => (customRole ? mayMakeRoles(holder) : holder === role))
      .flatMap(([, names]) => names)
      .map((permission) => `${key}:${permission}`);
    // of what was put into the role, the catalog may by now leave less to whoever could put it there
    return customRole ? [...new Set(held)].filter((one) => customRole.permissions.includes(one)) : held;
  });
}

/** What nobody has who makes custom roles, no custom role gives: the catalog may have been narrowed since. */
function mayMakeRoles(role: string): boolean {
  return rolesFor('roles:write').some((maker) => maker === role);
}

/** What a holder of this role is called in tokens. */
export function roleNameOf({ role, customRole }: RoleHolder): string {
  return customRole?.key ?? role;
}
