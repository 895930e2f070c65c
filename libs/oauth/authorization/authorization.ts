import type { HeldCustomRole } from '#accounts';
import type { Session } from '#sessions';
import type { ClaimsRequest } from './claims-request.js';

/** Who asks for one, and what they allowed the client before. */
export interface AuthorizationContext {
  readonly session: Session;
  /** Whether the person belongs to an organization, chosen or not. */
  readonly belongs: boolean;
  readonly consented: readonly string[];
  readonly consentedAt: Date | undefined;
}

/** For which an authorization is, and what the person is there. */
export interface GrantedOrganization {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly role: string;
  readonly customRole: HeldCustomRole | null;
  readonly licenseVersion: number;
}

/** What an authorization gives, as the statement that exchanged or refreshed it saw it. */
export interface Authorization {
  readonly id: string;
  readonly rowSecret: Buffer;
  readonly generation: number;
  /** When the generation was stepped last. */
  readonly rotatedAt: Date;
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly sessionId: string;
  /** Whether `offline_access` was granted: it then outlives its session. */
  readonly offline: boolean;
  readonly amr: readonly string[];
  readonly authTime: Date;
  /** Null: it is for the person’s own account alone. */
  readonly organization: GrantedOrganization | null;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly claims: ClaimsRequest | null;
  readonly nonce: string | null;
}

/** What a person is called now, and how they signed in. */
export interface Person {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly authTime: Date;
  readonly amr: readonly string[];
  readonly claims: ClaimsRequest | null;
}

export interface RefreshTokenState {
  readonly clientId: string;
  readonly userId: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date;
}

/** The columns of an authorization’s organization and membership; all null when it is for none. */
export interface GrantedOrganizationRow {
  organization_id: string | null;
  organization_key: string | null;
  organization_name: string | null;
  role: string | null;
  custom_role: HeldCustomRole | null;
  license_version: string | null;
}

export interface AuthorizationRow extends GrantedOrganizationRow {
  id: string;
  row_secret: Buffer;
  generation: number;
  rotated_at: Date;
  user_id: string;
  user_name: string;
  email: string;
  email_verified: boolean;
  session_id: string;
  offline: boolean;
  amr: string[];
  auth_time: Date;
  scopes: string[];
  resources: string[];
  claims: ClaimsRequest | null;
  nonce: string | null;
}

export function authorizationOf(row: AuthorizationRow): Authorization {
  return {
    id: row.id,
    rowSecret: row.row_secret,
    generation: row.generation,
    rotatedAt: row.rotated_at,
    userId: row.user_id,
    name: row.user_name,
    email: row.email,
    emailVerified: row.email_verified,
    sessionId: row.session_id,
    offline: row.offline,
    amr: row.amr,
    authTime: row.auth_time,
    organization: grantedOrganizationOf(row),
    scopes: row.scopes,
    resources: row.resources,
    claims: row.claims,
    nonce: row.nonce,
  };
}

export function grantedOrganizationOf(row: GrantedOrganizationRow): GrantedOrganization | null {
  const { organization_id: id, organization_key: key, organization_name: name, role } = row;
  if (id === null || key === null || name === null || role === null) return null;
  return { id, key, name, role, customRole: row.custom_role, licenseVersion: Number(row.license_version) };
}
