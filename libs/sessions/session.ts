import type { HeldCustomRole, Role } from '#accounts';
import type { Actor } from '#observability';

/** Of one person at a time; a further sign-in ends the one that was longest unused (OWASP ASVS 5.0 7.1.2). */
export const MOST_SESSIONS = 100;

/** Somebody who is signed in, with the organization for which they act (none yet when they belong to several). */
export interface Session {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly authTime: Date;
  readonly amr: readonly string[];
  /** When the person last chose the organization; undefined while nobody had to. */
  readonly organizationChosenAt: Date | undefined;
  readonly organization: SessionOrganization | undefined;
  /** Whether the person chose to go on without the second factor that an application had wished for. */
  readonly secondFactorDeclined: boolean;
}

export interface SessionOrganization {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly role: Role;
  readonly customRole: HeldCustomRole | null;
  readonly licenseVersion: number;
  /** Its members act for it with a second factor alone. */
  readonly secondFactorRequired: boolean;
}

/** Somebody who has authenticated, in a session or for an application: `id` is the session's, or the authorization's. */
export interface SignedInPerson extends Pick<Session, 'id' | 'userId' | 'email' | 'amr'> {
  /** That application; in a session nobody acts for the person. */
  readonly client?: string | undefined;
}

/** Who acts, for the audit. @param address the network address of the request */
export function actorOf({ userId, amr, client }: SignedInPerson, address: string): Actor {
  return { id: userId, address, factor: amr.join(' '), client };
}

/** The columns of a session joined with its person, organization and membership. */
export interface SessionRow {
  id: string;
  user_id: string;
  user_name: string;
  email: string;
  auth_time: Date;
  amr: string[];
  organization_chosen_at: Date | null;
  organization_id: string | null;
  organization_key: string | null;
  organization_name: string | null;
  role: Role | null;
  custom_role: HeldCustomRole | null;
  license_version: string | null;
  second_factor_required: boolean | null;
  second_factor_declined_at: Date | null;
}

export function sessionOf(row: SessionRow): Session {
  const { organization_id, organization_key, organization_name, role } = row;
  return {
    id: row.id,
    userId: row.user_id,
    name: row.user_name,
    email: row.email,
    authTime: row.auth_time,
    amr: row.amr,
    organizationChosenAt: row.organization_chosen_at ?? undefined,
    organization:
      organization_id && organization_key && organization_name && role
        ? {
            id: organization_id,
            key: organization_key,
            name: organization_name,
            role,
            customRole: row.custom_role,
            licenseVersion: Number(row.license_version),
            secondFactorRequired: row.second_factor_required ?? false,
          }
        : undefined,
    secondFactorDeclined: row.second_factor_declined_at !== null,
  };
}
