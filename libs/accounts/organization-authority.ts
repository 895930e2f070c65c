import type { Role } from './account.js';

/** Who may do what in an organization of which they are. A custom role is a member here. */
export const ORGANIZATION_AUTHORITY = {
  'organization:read': ['owner', 'administrator', 'billing', 'member'],
  'organization:leave': ['owner', 'administrator', 'billing', 'member'],
  'organization:rename': ['owner', 'administrator'],
  'organization:secure': ['owner', 'administrator'],
  'organization:transfer': ['owner'],
  'organization:export': ['owner'],
  'organization:delete': ['owner'],
  'members:read': ['owner', 'administrator'],
  'members:change': ['owner', 'administrator'],
  'invitations:read': ['owner', 'administrator'],
  'invitations:write': ['owner', 'administrator'],
  'roles:read': ['owner', 'administrator'],
  'roles:write': ['owner', 'administrator'],
} as const satisfies Readonly<Record<string, readonly Role[]>>;

export type OrganizationAction = keyof typeof ORGANIZATION_AUTHORITY;

export function mayInOrganization(action: OrganizationAction, role: Role): boolean {
  return rolesFor(action).includes(role);
}

export function rolesFor(action: OrganizationAction): readonly Role[] {
  return ORGANIZATION_AUTHORITY[action];
}

/** The roles that a holder of `role` may give and take: nobody makes more of another than they are. */
export function rolesGivenBy(role: Role): readonly Role[] {
  if (role === 'owner') return ['owner', 'administrator', 'billing', 'member'];
  return role === 'administrator' ? ['administrator', 'billing', 'member'] : [];
}
