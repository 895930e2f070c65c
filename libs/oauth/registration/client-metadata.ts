import type { JSONWebKeySet } from 'jose';
import type { SigningAlgorithm } from '#tokens';
import type { Client, ClientAuthenticationMethod, GrantType } from '../clients/client.js';
import { InvalidClientMetadata, InvalidRedirectUri } from '../oauth.errors.js';
import { isLoopbackRedirectUri, redirectUriProblem } from '../redirect-uri.js';
import { SCOPE_TOKEN } from '../scope.js';
import { flag, jsonObject, member, text, texts, webAddress, type JsonObject } from './json-members.js';
import { readPublicKeys } from './public-keys.js';

export const ID_TOKEN_ALGORITHMS: readonly SigningAlgorithm[] = ['ES256', 'RS256'];
const MAX_NAME = 128;
const MAX_CONTACT = 320;
const MAX_SOFTWARE = 256;
const MAX_URIS = 20;

/** What a client may register as. */
export interface MetadataRules {
  readonly methods: readonly ClientAuthenticationMethod[];
  /** When the client names none. */
  readonly defaultMethod: ClientAuthenticationMethod;
  readonly grantTypes: readonly GrantType[];
  readonly scopes: readonly string[];
  /** A document speaks to every server at once: grants, scopes and addresses that are not for this one are left out. */
  readonly forEveryServer?: true;
}

/** Said by a client, told again when it asks, and nothing is decided by it. */
export interface StatedMetadata {
  readonly application_type: 'web' | 'native';
  readonly software_id?: string | undefined;
  readonly software_version?: string | undefined;
}

type Policy = Pick<
  Client,
  | 'tokenEndpointAuthMethod'
  | 'jwks'
  | 'jwksUri'
  | 'grantTypes'
  | 'redirectUris'
  | 'postLogoutRedirectUris'
  | 'backchannelLogoutUri'
  | 'scopes'
  | 'parRequired'
  | 'dpopRequired'
  | 'clientUri'
  | 'logoUri'
  | 'tosUri'
  | 'policyUri'
  | 'contacts'
  | 'idTokenAlgorithm'
>;

/** Client metadata (RFC 7591 §2, OpenID Connect Registration §2) that is consistent and allowed. */
export interface ClientMetadata {
  readonly name: string | undefined;
  readonly policy: Policy;
  readonly stated: StatedMetadata;
}

/**
 * Reads client metadata; members that this server does not know are ignored (RFC 7591 §2).
 * @throws InvalidClientMetadata, InvalidRedirectUri
 */
export function readClientMetadata(document: unknown, rules: MetadataRules): ClientMetadata {
  const json = jsonObject(document);
  const grantTypes = readGrantTypes(json, rules);
  const { redirectUris, applicationType } = readRedirectUris(json, rules);
  if (grantTypes.includes('authorization_code') && redirectUris.length === 0) {
    throw new InvalidRedirectUri('The authorization code grant needs a redirect URI.');
  }
  const method = readMethod(json, rules);
  if (grantTypes.includes('client_credentials') && method === 'none') {
    throw new InvalidClientMetadata('A public client cannot use the client credentials grant.');
  }
  requirePublicSubjects(json);
  return {
    name: text(json, 'client_name', MAX_NAME),
    policy: {
      tokenEndpointAuthMethod: method,
      ...readKeys(json, method),
      grantTypes,
      redirectUris,
      postLogoutRedirectUris: readPostLogoutRedirectUris(json),
      backchannelLogoutUri: webAddress(json, 'backchannel_logout_uri', { http: true }) ?? null,
      scopes: readScopes(json, rules),
      parRequired: flag(json, 'require_pushed_authorization_requests'),
      dpopRequired: flag(json, 'dpop_bound_access_tokens'),
      clientUri: webAddress(json, 'client_uri') ?? null,
      logoUri: webAddress(json, 'logo_uri') ?? null,
      tosUri: webAddress(json, 'tos_uri') ?? null,
      policyUri: webAddress(json, 'policy_uri') ?? null,
      contacts: texts(json, 'contacts', { most: 5, longest: MAX_CONTACT }) ?? [],
      idTokenAlgorithm: readIdTokenAlgorithm(json),
    },
    stated: {
      application_type: applicationType,
      software_id: text(json, 'software_id', MAX_SOFTWARE),
      software_version: text(json, 'software_version', MAX_SOFTWARE),
    },
  };
}

function readMethod(json: JsonObject, rules: MetadataRules): ClientAuthenticationMethod {
  const asked = text(json, 'token_endpoint_auth_method');
  if (asked === undefined) return rules.defaultMethod;
  const method = rules.methods.find((known) => known === asked);
  if (!method) {
    throw new InvalidClientMetadata(`token_endpoint_auth_method must be one of ${rules.methods.join(', ')}.`);
  }
  return method;
}

/** RFC 7591 §2.1: grant types and response types belong together. */
function readGrantTypes(json: JsonObject, rules: MetadataRules): GrantType[] {
  const asked = texts(json, 'grant_types', { most: 10 }) ?? ['authorization_code'];
  const allowed = rules.grantTypes.filter((type) => asked.includes(type));
  const refused = asked.find((type) => !(allowed as readonly string[]).includes(type));
  if (refused !== undefined && !rules.forEveryServer) {
    throw new InvalidClientMetadata(`grant_types may hold ${rules.grantTypes.join(', ')}.`);
  }
  if (allowed.length === 0 || (allowed.length === 1 && allowed[0] === 'refresh_token')) {
    throw new InvalidClientMetadata('grant_types names no grant that gives a first token.');
  }
  const byCode = allowed.includes('authorization_code');
  const responseTypes = texts(json, 'response_types', { most: 10 }) ?? (byCode ? ['code'] : []);
  if (responseTypes.some((type) => type !== 'code') && !rules.forEveryServer) {
    throw new InvalidClientMetadata('response_types may hold code alone.');
  }
  if (responseTypes.includes('code') !== byCode) {
    throw new InvalidClientMetadata(
      'The authorization code grant and the response type code need each other.',
    );
  }
  return allowed;
}

/** OpenID Connect Registration §2; a client that does not say is judged by where it wants to be answered. */
function readApplicationType(json: JsonObject, redirectUris: readonly string[]): 'web' | 'native' {
  const type = text(json, 'application_type');
  if (type === 'web' || type === 'native') return type;
  if (type !== undefined) throw new InvalidClientMetadata('application_type must be web or native.');
  return redirectUris.every((uri) => uri.startsWith('https:')) ? 'web' : 'native';
}

function readRedirectUris(json: JsonObject, { forEveryServer }: MetadataRules) {
  const asked = texts(json, 'redirect_uris', { most: MAX_URIS }) ?? [];
  const applicationType = readApplicationType(json, asked);
  const redirectUris = asked.filter((uri) => {
    const problem = redirectUriProblem(uri) ?? typeProblem(new URL(uri), applicationType);
    if (problem && !forEveryServer) throw new InvalidRedirectUri(`The redirect URI ${uri} ${problem}.`);
    return problem === undefined;
  });
  return { redirectUris, applicationType };
}

/** OpenID Connect Registration §2, RFC 8252 §7 */
function typeProblem(url: URL, applicationType: 'web' | 'native'): string | undefined {
  if (url.protocol === 'https:') return undefined;
  if (applicationType === 'web') return 'must be https for an application of type web';
  if (isLoopbackRedirectUri(url.href)) return undefined;
  // RFC 8252 §8.4: a scheme without a dot is nobody's own
  return url.protocol.includes('.') ? undefined : 'must have a scheme that is a reversed domain name';
}

function readPostLogoutRedirectUris(json: JsonObject): string[] {
  const uris = texts(json, 'post_logout_redirect_uris', { most: MAX_URIS }) ?? [];
  for (const uri of uris) {
    const problem = redirectUriProblem(uri);
    if (problem) throw new InvalidClientMetadata(`The post-logout redirect URI ${uri} ${problem}.`);
  }
  return uris;
}

function readScopes(json: JsonObject, { scopes: allowed, forEveryServer }: MetadataRules): string[] {
  const asked = text(json, 'scope')
    ?.split(' ')
    .filter((scope) => scope !== '');
  if (asked === undefined) return [...allowed];
  const foreign = asked.find((scope) => !SCOPE_TOKEN.test(scope) || !allowed.includes(scope));
  if (foreign !== undefined && !forEveryServer) {
    throw new InvalidClientMetadata(`The scope ${foreign.slice(0, 128)} cannot be registered here.`);
  }
  const scopes = allowed.filter((scope) => asked.includes(scope));
  if (scopes.length === 0) throw new InvalidClientMetadata('scope names none that can be registered here.');
  return scopes;
}

/** RFC 7591 §2: `jwks` and `jwks_uri` must not both be there. */
function readKeys(
  json: JsonObject,
  method: ClientAuthenticationMethod,
): { jwks: JSONWebKeySet | null; jwksUri: string | null } {
  const jwks = readPublicKeys(member(json, 'jwks')) ?? null;
  const jwksUri = webAddress(json, 'jwks_uri', { http: true }) ?? null;
  if (jwks !== null && jwksUri !== null) {
    throw new InvalidClientMetadata('jwks and jwks_uri must not both be there.');
  }
  if (method === 'private_key_jwt' && jwks === null && jwksUri === null) {
    throw new InvalidClientMetadata('private_key_jwt needs jwks or jwks_uri.');
  }
  return { jwks, jwksUri };
}

function readIdTokenAlgorithm(json: JsonObject): SigningAlgorithm {
  // OpenID Connect Registration §2: RS256 when the client does not say
  const asked = text(json, 'id_token_signed_response_alg') ?? 'RS256';
  const algorithm = ID_TOKEN_ALGORITHMS.find((known) => known === asked);
  if (!algorithm) {
    throw new InvalidClientMetadata(
      `id_token_signed_response_alg must be one of ${ID_TOKEN_ALGORITHMS.join(', ')}.`,
    );
  }
  return algorithm;
}

/** OpenID Connect Registration §2: who asks for pairwise subjects must not be given public ones. */
function requirePublicSubjects(json: JsonObject): void {
  if ((text(json, 'subject_type') ?? 'public') !== 'public') {
    throw new InvalidClientMetadata('subject_type must be public.');
  }
}

/** All registered metadata by the names of RFC 7591 §2; what a client does not have is left out. */
export function registeredMetadata(client: Client, stated: StatedMetadata): Record<string, unknown> {
  return withoutNothing({
    client_name: client.name,
    redirect_uris: client.redirectUris,
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    grant_types: client.grantTypes,
    response_types: client.grantTypes.includes('authorization_code') ? ['code'] : [],
    scope: client.scopes.join(' '),
    jwks: client.jwks,
    jwks_uri: client.jwksUri,
    client_uri: client.clientUri,
    logo_uri: client.logoUri,
    tos_uri: client.tosUri,
    policy_uri: client.policyUri,
    contacts: client.contacts.length === 0 ? undefined : client.contacts,
    post_logout_redirect_uris: client.postLogoutRedirectUris,
    backchannel_logout_uri: client.backchannelLogoutUri,
    id_token_signed_response_alg: client.idTokenAlgorithm,
    require_pushed_authorization_requests: client.parRequired,
    dpop_bound_access_tokens: client.dpopRequired,
    ...stated,
  });
}

function withoutNothing(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== undefined),
  );
}
