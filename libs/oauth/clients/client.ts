import type { SigningAlgorithm } from '#tokens';

export type GrantType = 'authorization_code' | 'refresh_token' | 'client_credentials';

export interface Client {
  readonly id: string;
  readonly name: string;
  /** Absent for a public client, which cannot keep one (RFC 6749 §2.1). */
  readonly secretSha256: Buffer | null;
  /** The organization that a machine client acts for. */
  readonly organizationId: string | null;
  /** The module that this is the client of. */
  readonly moduleKey: string | null;
  readonly grantTypes: readonly GrantType[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly backchannelLogoutUri: string | null;
  readonly scopes: readonly string[];
  /** Consent is not asked for the suite's own modules. */
  readonly firstParty: boolean;
  readonly idTokenAlgorithm: SigningAlgorithm;
  /** seconds */
  readonly accessTokenSeconds: number;
  /** seconds from the first code to the end of the last refresh token */
  readonly refreshTokenSeconds: number;
  /** seconds */
  readonly codeSeconds: number;
}

/** Policy of this server: 24 hours, 30 days, 5 minutes. A client may have less, never more. */
export const MAX_LIFETIME = { accessToken: 86_400, refreshToken: 2_592_000, code: 300 } as const;
