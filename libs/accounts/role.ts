import type { HeldCustomRole, Role } from './account.js';
import { displayNameProblem } from './display-name.js';

/** A role that an organization made of permissions. */
export interface CustomRole extends HeldCustomRole {
  readonly id: string;
  /** How many people have it, and are invited to it. */
  readonly holders: number;
}

export interface CustomRoleDraft {
  readonly name: string;
  /** As they stand in tokens: `projects:archive`. */
  readonly permissions: readonly string[];
}

/** What somebody is to be in an organization. */
export interface GivenRole {
  readonly role: Role;
  /** Only beside `member`. */
  readonly customRoleId?: string | undefined;
}

export const MOST_CUSTOM_ROLES = 50;
const MOST_PERMISSIONS = 50;
const BUILT_IN = /^(owner|administrator|member|billing)$/;
const PERMISSION = /^[a-z][a-z0-9-]{0,62}:[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What is wrong with a custom role, as a sentence; undefined when nothing is. */
export function customRoleProblem({ name, permissions }: CustomRoleDraft, key: string): string | undefined {
  const problem = displayNameProblem(name);
  if (problem) return problem;
  if (key === '') return 'A role’s name holds a letter from a to z, by which modules know it.';
  if (BUILT_IN.test(key)) return `“${name.trim()}” is a role already. Choose another name.`;
  if (permissions.length > MOST_PERMISSIONS) return `A role has at most ${MOST_PERMISSIONS} permissions.`;
  return permissions.every((permission) => PERMISSION.test(permission))
    ? undefined
    : 'A permission is named as the list names it.';
}

/** What is wrong with giving a role, as a sentence; undefined when nothing is. */
export function givenRoleProblem({ role, customRoleId }: GivenRole): string | undefined {
  if (!BUILT_IN.test(role)) return 'There is no such role.';
  if (customRoleId === undefined) return undefined;
  return role === 'member' && UUID.test(customRoleId) ? undefined : 'There is no such role.';
}
