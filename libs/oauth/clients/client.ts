import type { JSONWebKeySet } from 'jose';
import type { SigningAlgorithm } from '#tokens';

export const GRANT_TYPES = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:token-exchange',
] as const;
export type GrantType = (typeof GRANT_TYPES)[number];

export const CLIENT_AUTHENTICATION_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'none',
] as const;
/** Methods of RFC 8414 §2 that this server knows. */
export type ClientAuthenticationMethod = (typeof CLIENT_AUTHENTICATION_METHODS)[number];

/** A client and the policy that it is held to (RFC 7591 §2 names most of it). */
export interface Client {
  readonly id: string;
  readonly name: string;
  readonly tokenEndpointAuthMethod: ClientAuthenticationMethod;
  /** Present exactly with the two secret methods. */
  readonly secretSha256: Buffer | null;
  /** The keys of `private_key_jwt`: here, or at `jwksUri`. */
  readonly jwks: JSONWebKeySet | null;
  readonly jwksUri: string | null;
  /** The organization that a machine client acts for. */
  readonly organizationId: string | null;
  /** The module that this is the client of. */
  readonly moduleKey: string | null;
  readonly grantTypes: readonly GrantType[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly backchannelLogoutUri: string | null;
  readonly scopes: readonly string[];
  /** Resource indicators that it may ask for (RFC 8707); null: those that its scopes and its own module imply. */
  readonly resources: readonly string[] | null;
  /** Consent is not asked for the suite's own modules. */
  readonly firstParty: boolean;
  /** Only a confidential client may do without (OAuth 2.1 §7.5.1 then asks for a nonce). */
  readonly pkceRequired: boolean;
  /** Without PKCE: whether a nonce must take its place. Only an administrator excuses a client of theirs from it. */
  readonly nonceRequired: boolean;
  readonly parRequired: boolean;
  readonly dpopRequired: boolean;
  /** `fapi2` holds the client to the FAPI 2.0 Security Profile, whatever the single switches say. */
  readonly profile: 'oauth21' | 'fapi2';
  readonly accessTokenFormat: 'jwt' | 'opaque';
  /** The client that may act for the people of this client's tokens (RFC 8693 §4.4). */
  readonly mayAct: string | null;
  readonly source: 'administrator' | 'registration' | 'metadata_document';
  /** Digest of the token that manages this registration (RFC 7592 §3). */
  readonly registrationTokenSha256: Buffer | null;
  readonly clientUri: string | null;
  readonly logoUri: string | null;
  readonly tosUri: string | null;
  readonly policyUri: string | null;
  readonly contacts: readonly string[];
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
/** FAPI 2.0 Security Profile §5.3.2.1: an authorization code lives 60 seconds at most. */
const MAX_FAPI_CODE_SECONDS = 60;

/** RFC 6749 §2.1: a client that cannot keep a credential. */
export function isPublic(client: Pick<Client, 'tokenEndpointAuthMethod'>): boolean {
  return client.tokenEndpointAuthMethod === 'none';
}

/** Seconds that a code of this client lives. */
export function codeLifetime({ codeSeconds, profile }: Client): number {
  return Math.min(codeSeconds, profile === 'fapi2' ? MAX_FAPI_CODE_SECONDS : MAX_LIFETIME.code);
}

/** FAPI 2.0 Security Profile §5.3.2.2: requests only by pushed authorization requests. */
export function needsPushedRequest({ parRequired, profile }: Client): boolean {
  return parRequired || profile === 'fapi2';
}

/** FAPI 2.0 Security Profile §5.3.2.1: sender-constrained access tokens only; here by DPoP. */
export function needsDpop({ dpopRequired, profile }: Client): boolean {
  return dpopRequired || profile === 'fapi2';
}
