import { mayInOrganization, type OrganizationAction, type Role } from '#accounts';
import type { Csrf } from '#sessions';
import type { Account } from '../pages/layout.js';
import { accountOf } from '../pages/visit.js';
import type { Visit } from './organization-route.js';

/** What every page of an organization shows around its own. */
export interface Frame {
  readonly account: Account;
  readonly organization: {
    readonly id: string;
    readonly key: string;
    readonly name: string;
    readonly role: Role;
  };
  readonly userId: string;
  /** What was just done. */
  readonly done?: string | undefined;
  /** Why nothing was done. */
  readonly problem?: string | undefined;
}

export function frameOf(visit: Visit, csrf: Csrf, said: Pick<Frame, 'done' | 'problem'> = {}): Frame {
  const { id, key, name, role } = visit.organization;
  return {
    account: accountOf(visit, csrf),
    organization: { id, key, name, role },
    userId: visit.session.userId,
    ...said,
  };
}

export function mayHere({ organization }: Frame, action: OrganizationAction): boolean {
  return mayInOrganization(action, organization.role);
}
