import { ID_TOKEN_ALGORITHMS } from '../registration/client-metadata.js';
import { flag, member, text, texts, webAddress, type JsonObject } from '../registration/json-members.js';
import { readPublicKeys } from '../registration/public-keys.js';
import { InvalidClientMetadata } from '../oauth.errors.js';
import { SCOPE_TOKEN } from '../scope.js';
import { CLIENT_AUTHENTICATION_METHODS, GRANT_TYPES, MAX_LIFETIME, type Client } from './client.js';

const MAX_NAME = 128;
const MAX_URIS = 20;
const MAX_SCOPES = 50;
const MAX_CONTACT = 320;

type Read = (json: JsonObject, name: string) => Partial<Client>;

/** Excused from PKCE a client needs a nonce; excused from both it relies on its secret alone. */
const PKCE = {
  required: { pkceRequired: true, nonceRequired: true },
  nonce: { pkceRequired: false, nonceRequired: true },
  none: { pkceRequired: false, nonceRequired: false },
} as const;

const uris: (json: JsonObject, name: string) => string[] = (json, name) =>
  texts(json, name, { most: MAX_URIS }) ?? [];

/** The policy of a client, but for its organization, by the names of RFC 7591 §2 and RFC 9126 §6, and by names of this server for the rest. */
const MEMBERS: Readonly<Record<string, Read>> = {
  client_name: (json, name) => ({ name: needed(text(json, name, MAX_NAME), name) }),
  token_endpoint_auth_method: (json, name) => ({
    tokenEndpointAuthMethod: oneOf(CLIENT_AUTHENTICATION_METHODS, json, name),
  }),
  jwks: (json, name) => ({ jwks: readPublicKeys(member(json, name)) ?? null }),
  jwks_uri: (json, name) => ({ jwksUri: webAddress(json, name, { http: true }) ?? null }),
  grant_types: (json, name) => ({
    grantTypes: needed(texts(json, name, { most: GRANT_TYPES.length }), name).map((type) =>
      known(GRANT_TYPES, type, name),
    ),
  }),
  redirect_uris: (json, name) => ({ redirectUris: uris(json, name) }),
  post_logout_redirect_uris: (json, name) => ({ postLogoutRedirectUris: uris(json, name) }),
  backchannel_logout_uri: (json, name) => ({
    backchannelLogoutUri: webAddress(json, name, { http: true }) ?? null,
  }),
  scope: (json, name) => ({ scopes: readScopes(json, name) }),
  resources: (json, name) => ({ resources: texts(json, name, { most: MAX_URIS }) ?? null }),
  module: (json, name) => ({ moduleKey: text(json, name) ?? null }),
  first_party: (json, name) => ({ firstParty: flag(json, name) }),
  pkce: (json, name) => PKCE[oneOf(['required', 'nonce', 'none'], json, name)],
  require_pushed_authorization_requests: (json, name) => ({ parRequired: flag(json, name) }),
  dpop_bound_access_tokens: (json, name) => ({ dpopRequired: flag(json, name) }),
  profile: (json, name) => ({ profile: oneOf(['oauth21', 'fapi2'], json, name) }),
  access_token_format: (json, name) => ({ accessTokenFormat: oneOf(['jwt', 'opaque'], json, name) }),
  id_token_signed_response_alg: (json, name) => ({
    idTokenAlgorithm: oneOf(ID_TOKEN_ALGORITHMS, json, name),
  }),
  may_act: (json, name) => ({ mayAct: text(json, name) ?? null }),
  access_token_seconds: (json, name) => ({
    accessTokenSeconds: seconds(json, name, MAX_LIFETIME.accessToken),
  }),
  refresh_token_seconds: (json, name) => ({
    refreshTokenSeconds: seconds(json, name, MAX_LIFETIME.refreshToken),
  }),
  code_seconds: (json, name) => ({ codeSeconds: seconds(json, name, MAX_LIFETIME.code) }),
  client_uri: (json, name) => ({ clientUri: webAddress(json, name) ?? null }),
  logo_uri: (json, name) => ({ logoUri: webAddress(json, name) ?? null }),
  tos_uri: (json, name) => ({ tosUri: webAddress(json, name) ?? null }),
  policy_uri: (json, name) => ({ policyUri: webAddress(json, name) ?? null }),
  contacts: (json, name) => ({ contacts: texts(json, name, { most: 5, longest: MAX_CONTACT }) ?? [] }),
};

/**
 * What a policy document says; a member that is not there says nothing, and null that there is none.
 * @throws InvalidClientMetadata when a member is none of a policy, or not what it must be
 */
export function readClientPolicy(json: JsonObject): Partial<Client> {
  let policy: Partial<Client> = {};
  for (const name of Object.keys(json)) {
    const read = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined;
    if (!read) {
      throw new InvalidClientMetadata(
        `A policy has no member ${JSON.stringify(name.slice(0, 64))}; "core-auth clients show" names all that it has.`,
      );
    }
    policy = { ...policy, ...read(json, name) };
  }
  return policy;
}

/** The whole policy of a client; read again it is the same. */
export function clientPolicy(client: Client): Readonly<Record<string, unknown>> {
  return {
    client_name: client.name,
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    jwks: client.jwks,
    jwks_uri: client.jwksUri,
    grant_types: client.grantTypes,
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: client.postLogoutRedirectUris,
    backchannel_logout_uri: client.backchannelLogoutUri,
    scope: client.scopes.join(' '),
    resources: client.resources,
    module: client.moduleKey,
    first_party: client.firstParty,
    pkce: client.pkceRequired ? 'required' : client.nonceRequired ? 'nonce' : 'none',
    require_pushed_authorization_requests: client.parRequired,
    dpop_bound_access_tokens: client.dpopRequired,
    profile: client.profile,
    access_token_format: client.accessTokenFormat,
    id_token_signed_response_alg: client.idTokenAlgorithm,
    may_act: client.mayAct,
    access_token_seconds: client.accessTokenSeconds,
    refresh_token_seconds: client.refreshTokenSeconds,
    code_seconds: client.codeSeconds,
    client_uri: client.clientUri,
    logo_uri: client.logoUri,
    tos_uri: client.tosUri,
    policy_uri: client.policyUri,
    contacts: client.contacts,
  };
}

function needed<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new InvalidClientMetadata(`${name} must be there.`);
  return value;
}

function known<T extends string>(values: readonly T[], value: string, name: string): T {
  const found = values.find((each) => each === value);
  if (found === undefined) {
    throw new InvalidClientMetadata(`${name} may be ${values.join(', ')}, and not ${value.slice(0, 64)}.`);
  }
  return found;
}

function oneOf<const T extends string>(values: readonly T[], json: JsonObject, name: string): T {
  return known(values, needed(text(json, name), name), name);
}

function readScopes(json: JsonObject, name: string): string[] {
  const scopes = [
    ...new Set(
      (json[name] === '' ? '' : (text(json, name) ?? '')).split(' ').filter((scope) => scope !== ''),
    ),
  ];
  if (scopes.length > MAX_SCOPES || !scopes.every((scope) => SCOPE_TOKEN.test(scope))) {
    throw new InvalidClientMetadata(`${name} must hold ${MAX_SCOPES} scopes at most, separated by spaces.`);
  }
  return scopes;
}

/** Policy of this server: a client may have less than the longest, never more. */
function seconds(json: JsonObject, name: string, most: number): number {
  const value = member(json, name);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) {
    throw new InvalidClientMetadata(`${name} must be a whole number from 1 to ${most}.`);
  }
  return value;
}
