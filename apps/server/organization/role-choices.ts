import { rolesGivenBy, type CustomRole, type GivenRole, type Role } from '#accounts';
import { PublicError } from '#platform';
import { roleName } from '../pages/roles.js';

const CUSTOM = 'custom:';

/** What a person is to be, as a form sends it: a built-in role, or `custom:` and the id of one of the organization's. */
export function readRole(text: string | undefined): GivenRole {
  if (text?.startsWith(CUSTOM)) return { role: 'member', customRoleId: text.slice(CUSTOM.length) };
  if (text === 'owner' || text === 'administrator' || text === 'billing' || text === 'member') {
    return { role: text };
  }
  throw new PublicError(400, 'invalid_role', 'Choose one of the roles.');
}

export function roleValue(role: Role, customRoleId?: string): string {
  return customRoleId === undefined ? role : CUSTOM + customRoleId;
}

/** The roles that somebody of `role` may give. */
export function roleChoices(role: Role, custom: readonly CustomRole[]) {
  return [
    ...rolesGivenBy(role)
      .toReversed()
      .map((given) => ({ value: roleValue(given), text: roleName(given) })),
    ...custom.map(({ id, name }) => ({ value: roleValue('member', id), text: name })),
  ];
}
