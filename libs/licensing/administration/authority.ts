import type { Administrator, Role } from '#accounts';

/** By what somebody administers licenses: as an operator of the seller, or by their role in an organization. */
export type LicensingRole = 'operator' | Role;

export const LICENSING_ROLES: readonly LicensingRole[] = [
  'operator',
  'owner',
  'administrator',
  'billing',
  'member',
];

/** Who may do what. Operators do so in every organization, everybody else in their own. */
export const LICENSING_AUTHORITY = {
  'licenses:read': ['operator', 'owner', 'administrator', 'billing'],
  'licenses:issue': ['operator'],
  'licenses:change': ['operator'],
  'trials:start': ['operator'],
  'seats:read': ['operator', 'owner', 'administrator'],
  'seats:assign': ['operator', 'owner', 'administrator'],
  'usage:read': ['operator', 'owner', 'administrator', 'billing'],
  'history:read': ['operator', 'owner', 'administrator'],
  'plans:read': ['operator'],
  'plans:write': ['operator'],
  'offline:read': ['operator', 'owner', 'administrator'],
  'offline:write': ['operator'],
} as const satisfies Readonly<Record<string, readonly LicensingRole[]>>;

export type LicensingAction = keyof typeof LICENSING_AUTHORITY;

/**
 * Whether somebody may do this.
 * @param actor what they are at this moment
 * @param organizationId whose it is; null for what belongs to the seller alone, as plans do
 */
export function mayAdminister(
  action: LicensingAction,
  actor: Administrator,
  organizationId: string | null,
): boolean {
  const roles: readonly LicensingRole[] = LICENSING_AUTHORITY[action];
  if (actor.operator && roles.includes('operator')) return true;
  const role = organizationId === null ? undefined : actor.roles.get(organizationId);
  return role !== undefined && roles.includes(role);
}
