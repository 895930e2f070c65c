/** Who acts for the subject (RFC 8693 §4.1). */
export interface Actor {
  readonly sub: string;
  readonly iss?: string;
  readonly client_id?: string;
  /** Of a person who acts: what ends their part, and with it the token. */
  readonly authorization_id?: string;
  readonly sid?: string;
  readonly organization_id?: string;
  /** Who acted before: the outermost is the present actor. */
  readonly act?: Actor;
}

/** Claims of a JWT access token (RFC 9068 §2.2); those of a person carry where and as whom they act. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly scope: string;
  readonly sid?: string;
  readonly authorization_id?: string;
  readonly organization_id?: string;
  readonly organization?: string;
  /** RFC 9068 §2.2.3.1: the person's role in the organization, and what it permits in the modules of the audience. */
  readonly roles?: readonly string[];
  readonly entitlements?: readonly string[];
  readonly license_version?: number;
  readonly modules?: readonly string[];
  /** RFC 9449 §6.1: the key that the token is bound to. */
  readonly cnf?: { readonly jkt: string };
  readonly act?: Actor;
  /** RFC 8693 §4.4: the client that alone may act for the subject. */
  readonly may_act?: { readonly client_id: string };
  /** Of a token that was exchanged: the clients that held those before it, the first one first. */
  readonly client_chain?: readonly string[];
  /** Of a token that was exchanged: the `jti` of those that it stands on, each of which can end it by being revoked. */
  readonly token_chain?: readonly string[];
  /** RFC 9068 §2.2.1 */
  readonly acr?: string;
  readonly auth_time?: number;
}

export type AccessTokenGrant = Omit<AccessTokenClaims, 'iss' | 'iat' | 'exp' | 'jti'>;
