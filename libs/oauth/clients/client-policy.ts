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
  | 'nonceRequired'
  | 'source'
  | 'idTokenAlgorithm'
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
    fapiProblem(client) ??
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
  // RFC 9700 §2.1.1: one of the two keeps an injected code out; who does without both has been told by a person
  if (!client.nonceRequired && (client.pkceRequired || client.source !== 'administrator')) {
    return 'Only a client that an administrator made, and that is excused from PKCE, can be excused from the nonce.';
  }
  return undefined;
}

/** FAPI 2.0 Security Profile */
function fapiProblem(client: Checked): string | undefined {
  if (client.profile !== 'fapi2') return undefined;
  // §5.3.2.1: confidential clients, authenticated by private_key_jwt or mutual TLS
  if (client.tokenEndpointAuthMethod !== 'private_key_jwt') return 'The FAPI profile needs private_key_jwt.';
  // §5.4.1: PS256, ES256 or EdDSA
  if (client.idTokenAlgorithm === 'RS256') return 'The FAPI profile allows no ID tokens by RS256.';
  // §5.3.2.2: http is for native clients on loopback alone, which are public and so none of this profile
  return client.redirectUris.some((uri) => uri.startsWith('http:'))
    ? 'The FAPI profile needs https redirect URIs.'
    : undefined;
}

/** RFC 8707 §2: an absolute URI without a fragment. */
export function isResourceIndicator(text: string): boolean {
  return parseUri(text) !== undefined && !text.includes('#');
}
