import { parseUri } from '#platform';
import { redirectUriProblem } from '../redirect-uri.js';
import { isPublic, type Client } from './client.js';

export interface ClientProblem {
  /** RFC 7591 §3.2.2 */
  readonly code: 'invalid_redirect_uri' | 'invalid_client_metadata';
  readonly message: string;
}

type Checked = Pick<
  Client,
  | 'tokenEndpointAuthMethod'
  | 'secretSha256'
  | 'jwks'
  | 'jwksUri'
  | 'grantTypes'
  | 'redirectUris'
  | 'postLogoutRedirectUris'
  | 'pkceRequired'
  | 'profile'
  | 'resources'
>;

/** Why a client cannot be registered like this, or undefined when it can. */
export function clientProblem(client: Checked): ClientProblem | undefined {
  for (const uri of [...client.redirectUris, ...client.postLogoutRedirectUris]) {
    const problem = redirectUriProblem(uri);
    if (problem) return { code: 'invalid_redirect_uri', message: `The redirect URI ${uri} ${problem}.` };
  }
  if (client.grantTypes.includes('authorization_code') && client.redirectUris.length === 0) {
    return { code: 'invalid_redirect_uri', message: 'The authorization code grant needs a redirect URI.' };
  }
  const message =
    credentialProblem(client) ??
    (client.resources?.every(isResourceIndicator) === false
      ? 'A resource must be an absolute URI without a fragment.'
      : undefined);
  return message === undefined ? undefined : { code: 'invalid_client_metadata', message };
}

function credentialProblem(client: Checked): string | undefined {
  const { tokenEndpointAuthMethod: method, jwks, jwksUri } = client;
  if (method === 'private_key_jwt' && (jwks === null) === (jwksUri === null)) {
    return 'private_key_jwt needs either jwks or jwks_uri.';
  }
  if (
    (method === 'client_secret_basic' || method === 'client_secret_post') !==
    (client.secretSha256 !== null)
  ) {
    return 'A client secret belongs to client_secret_basic and client_secret_post alone.';
  }
  // OAuth 2.1 §7.5.1: only a client that is authenticated may rely on nonce instead
  if (isPublic(client) && !client.pkceRequired) return 'A public client must use PKCE.';
  // FAPI 2.0 Security Profile §5.3.2.1: confidential clients, authenticated by private_key_jwt or mutual TLS
  if (client.profile === 'fapi2' && method !== 'private_key_jwt') {
    return 'The FAPI profile needs private_key_jwt.';
  }
  return undefined;
}

/** RFC 8707 §2: an absolute URI without a fragment. */
export function isResourceIndicator(text: string): boolean {
  return parseUri(text) !== undefined && !text.includes('#');
}
