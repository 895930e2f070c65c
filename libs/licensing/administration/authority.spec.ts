import { describe, expect, it } from '@jest/globals';
import type { Administrator, Role } from '#accounts';
import {
  LICENSING_AUTHORITY,
  LICENSING_ROLES,
  mayAdminister,
  type LicensingAction,
  type LicensingRole,
} from './authority.js';

const ACTIONS = Object.keys(LICENSING_AUTHORITY) as LicensingAction[];
const OWN = '11111111-1111-4111-8111-111111111111';
const OTHER = '22222222-2222-4222-8222-222222222222';

function somebody(role: LicensingRole): Administrator {
  return role === 'operator'
    ? { operator: true, roles: new Map() }
    : { operator: false, roles: new Map<string, Role>([[OWN, role]]) };
}

describe('the authority over licenses', () => {
  it.each(ACTIONS)('lets an operator do %s anywhere', (action) => {
    const operator = somebody('operator');
    for (const place of [OWN, OTHER, null]) expect(mayAdminister(action, operator, place)).toBe(true);
  });

  it.each(ACTIONS)('lets a role do %s as the table says, in its own organization', (action) => {
    for (const role of LICENSING_ROLES) {
      const named = (LICENSING_AUTHORITY[action] as readonly LicensingRole[]).includes(role);
      expect([role, mayAdminister(action, somebody(role), OWN)]).toEqual([role, named]);
    }
  });

  it.each(ACTIONS)('lets no role do %s in another organization, or for the seller', (action) => {
    for (const role of LICENSING_ROLES.filter((one) => one !== 'operator')) {
      expect(mayAdminister(action, somebody(role), OTHER)).toBe(false);
      expect(mayAdminister(action, somebody(role), null)).toBe(false);
    }
  });

  it('takes nobody for anybody', () => {
    for (const action of ACTIONS) {
      expect(mayAdminister(action, { operator: false, roles: new Map() }, OWN)).toBe(false);
    }
  });

  it('gives members nothing, and what is sold to operators alone', () => {
    const allowedTo = (role: LicensingRole) =>
      ACTIONS.filter((action) => mayAdminister(action, somebody(role), OWN));
    expect(allowedTo('member')).toEqual([]);
    const readsAndSeats = ['licenses:read', 'seats:read', 'seats:assign', 'usage:read', 'history:read'];
    expect(allowedTo('owner')).toEqual([...readsAndSeats, 'offline:read']);
    expect(allowedTo('administrator')).toEqual(allowedTo('owner'));
    expect(allowedTo('billing')).toEqual(['licenses:read', 'usage:read']);
  });
});
