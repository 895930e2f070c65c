import type { Module, Modules } from './module-directory.js';
import { moduleOfScope } from './scope.js';

/** Those of `scopes` that a person of this role can be granted: a module may keep a scope to some roles. */
export function scopesForRole(all: Modules, scopes: readonly string[], role: string): string[] {
  return scopes.filter((scope) => {
    // a module's scope holds a colon, so it is named as nothing that every object has
    const roles: readonly string[] | undefined = all.get(moduleOfScope(scope) ?? '')?.scopeRoles[scope];
    return roles === undefined || roles.includes(role);
  });
}

/** What a person of this role may do in these modules, `projects:archive`. */
export function entitlementsFor(modules: readonly Module[], role: string): string[] {
  return modules.flatMap(({ key, permissions }) =>
    Object.entries(permissions)
      .filter(([holder]) => holder === role)
      .flatMap(([, held]) => held)
      .map((permission) => `${key}:${permission}`),
  );
}
