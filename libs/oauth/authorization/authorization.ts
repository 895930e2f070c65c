/** What an authorization gives, as the statement that exchanged or refreshed it saw it. */
export interface Authorization {
  readonly id: string;
  readonly rowSecret: Buffer;
  readonly generation: number;
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly sessionId: string;
  readonly amr: readonly string[];
  readonly authTime: Date;
  readonly organization: {
    readonly id: string;
    readonly key: string;
    readonly name: string;
    readonly role: string;
    readonly licenseVersion: number;
  };
  readonly scopes: readonly string[];
  readonly nonce: string | null;
}

export interface AuthorizationRow {
  id: string;
  row_secret: Buffer;
  generation: number;
  user_id: string;
  user_name: string;
  email: string;
  session_id: string;
  amr: string[];
  auth_time: Date;
  organization_id: string;
  organization_key: string;
  organization_name: string;
  role: string;
  license_version: string;
  scopes: string[];
  nonce: string | null;
}

export function authorizationOf(row: AuthorizationRow): Authorization {
  return {
    id: row.id,
    rowSecret: row.row_secret,
    generation: row.generation,
    userId: row.user_id,
    name: row.user_name,
    email: row.email,
    sessionId: row.session_id,
    amr: row.amr,
    authTime: row.auth_time,
    organization: {
      id: row.organization_id,
      key: row.organization_key,
      name: row.organization_name,
      role: row.role,
      licenseVersion: Number(row.license_version),
    },
    scopes: row.scopes,
    nonce: row.nonce,
  };
}
