import type { Role } from '#accounts';

export type { Role };

const names: Readonly<Record<Role, string>> = {
  owner: 'Owner',
  administrator: 'Administrator',
  member: 'Member',
  billing: 'Billing',
};

export function roleName(role: Role): string {
  return names[role];
}
