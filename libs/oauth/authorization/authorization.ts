import type { HeldCustomRole } from '#accounts';
import type { ClaimsRequest } from './claims-request.js';

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
  readonly organization: {
    readonly id: string;
    readonly key: string;
    readonly name: string;
    readonly role: string;
    readonly customRole: HeldCustomRole | null;
    readonly licenseVersion: number;
  };
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly claims: ClaimsRequest | null;
  readonly nonce: string | null;
}

export interface AuthorizationRow {
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
  organization_id: string;
  organization_key: string;
  organization_name: string;
  role: string;
  custom_role: HeldCustomRole | null;
  license_version: string;
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
    organization: {
      id: row.organization_id,
      key: row.organization_key,
      name: row.organization_name,
      role: row.role,
      customRole: row.custom_role,
      licenseVersion: Number(row.license_version),
    },
    scopes: row.scopes,
    resources: row.resources,
    claims: row.claims,
    nonce: row.nonce,
  };
}
