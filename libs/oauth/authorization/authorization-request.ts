import type { FormFields } from '#platform';
import { isResourceIndicator } from '../clients/client-policy.js';
import { needsPushedRequest, type Client } from '../clients/client.js';
import { InvalidScope, UntrustedAuthorizationRequest } from '../oauth.errors.js';
import { isCodeChallenge } from '../pkce.js';
import { matchesRedirectUri } from '../redirect-uri.js';
import { requestedScopes } from '../scope.js';
import { claimsWithin, parseClaimsRequest, type ClaimsRequest } from './claims-request.js';

export const PROMPTS = ['none', 'login', 'consent', 'select_account'] as const;
export type Prompt = (typeof PROMPTS)[number];

export const RESPONSE_MODES = ['query', 'form_post'] as const;
export type ResponseMode = (typeof RESPONSE_MODES)[number];

/** An authorization request whose client and redirect URI are trusted and whose parameters are all valid. */
export interface AuthorizationRequest {
  readonly client: Client;
  readonly redirectUri: string;
  readonly state: string | undefined;
  readonly responseMode: ResponseMode;
  readonly scopes: readonly string[];
  /** Resource indicators (RFC 8707 §2.1) */
  readonly resources: readonly string[];
  readonly nonce: string | undefined;
  /** Absent only for a confidential client that is excused from PKCE. */
  readonly codeChallenge: string | undefined;
  /** The key that the code is bound to (RFC 9449 §10). */
  readonly dpopJkt: string | undefined;
  readonly claims: ClaimsRequest | undefined;
  /** Wished for, most preferred first; essential ones come in `claims`. */
  readonly acrValues: readonly string[];
  readonly prompt: ReadonlySet<Prompt>;
  /** seconds */
  readonly maxAge: number | undefined;
  readonly loginHint: string | undefined;
  /** An ID token of the person whom the request is about, not verified yet. */
  readonly idTokenHint: string | undefined;
}

/** Where an answer may be sent, success or error. */
export type ReturnAddress = Pick<AuthorizationRequest, 'client' | 'redirectUri' | 'state' | 'responseMode'>;

/** An error that the client is told by redirection (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6). */
export class AuthorizationError extends Error {
  constructor(
    readonly code: string,
    readonly description: string,
    readonly returnAddress: ReturnAddress,
  ) {
    super(`${code}: ${description}`);
    this.name = 'AuthorizationError';
  }
}

/** What of a request has to be kept while somebody signs in or consents: the rest was looked at when it came, or is ignored. */
const KEPT = new Set([
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'resource',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'dpop_jkt',
  'claims',
  'acr_values',
  'prompt',
  'max_age',
  'login_hint',
  'id_token_hint',
]);

/** A request that was read as good, without what this server does not know (RFC 6749 §3.1). */
export function keptFields(fields: FormFields): FormFields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => KEPT.has(name)));
}

/** Longer than any honest state or nonce; they come back in a redirect. */
const MAX_TEXT = 2048;
const MAX_CLAIMS_TEXT = 8192;
/** Our ID tokens are a quarter of it; it travels in the address while somebody signs in. */
const MAX_HINT = 4096;
const MAX_RESOURCES = 10;
/** RFC 7638 §3, by SHA-256 */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * The client and the redirect URI come first: while either is in doubt nothing is sent anywhere.
 * @param pushed whether an authenticated client pushed the request (RFC 9126)
 * @throws UntrustedAuthorizationRequest for those two, AuthorizationError for everything after them
 */
export function readAuthorizationRequest(
  fields: FormFields,
  client: Client | undefined,
  pushed = false,
): AuthorizationRequest {
  if (!client)
    throw new UntrustedAuthorizationRequest(
      'The application that sent you here is not known to this server.',
    );
  const redirectUri = fields['redirect_uri'];
  if (typeof redirectUri !== 'string' || !matchesRedirectUri(redirectUri, client)) {
    throw new UntrustedAuthorizationRequest(
      'The address that this application wants the answer sent to is not one that it registered.',
      `client ${client.id}, redirect_uri ${JSON.stringify(redirectUri)?.slice(0, 300)}`,
    );
  }
  const { state, response_mode: mode } = fields;
  const returnAddress: ReturnAddress = {
    client,
    redirectUri,
    // one that is refused for its length is not told again: no header should hold it
    state: typeof state === 'string' && state.length <= MAX_TEXT ? state : undefined,
    responseMode: mode === 'form_post' ? mode : 'query',
  };
  return { ...returnAddress, ...readParameters(fields, client, returnAddress, pushed) };
}

/** RFC 8707 §2: the one parameter that may be sent several times. */
const REPEATABLE = 'resource';

function readParameters(fields: FormFields, client: Client, returnAddress: ReturnAddress, pushed: boolean) {
  const refuse: Refuse = (code, description) => new AuthorizationError(code, description, returnAddress);
  // RFC 6749 §3.1: parameters must not be included more than once
  const repeated = Object.keys(fields).find((name) => name !== REPEATABLE && Array.isArray(fields[name]));
  if (repeated !== undefined)
    throw refuse('invalid_request', `The parameter ${printable(repeated)} was sent twice.`);
  const text: ReadText = (name, longest = MAX_TEXT) => {
    const value = fields[name];
    if (typeof value !== 'string') return undefined;
    if (value.length > longest) throw refuse('invalid_request', `${name} is too long.`);
    // RFC 6749 appendix A: no parameter holds any
    if (CONTROL_CHARACTER.test(value)) throw refuse('invalid_request', `${name} holds a control character.`);
    return value;
  };

  text('state');
  // OpenID Connect Core §6: whatever they hold; a request object is longer than any other parameter
  if (fields['request'] !== undefined)
    throw refuse('request_not_supported', 'Request objects are not supported.');
  if (fields['request_uri'] !== undefined) {
    throw refuse('request_uri_not_supported', 'Only the request_uri of a pushed request is supported.');
  }
  if (!pushed && needsPushedRequest(client)) {
    // RFC 9126 §5
    throw refuse('invalid_request', 'This client must push its authorization requests.');
  }
  readResponseType(text, client, refuse);
  const scopes = readScopes(text('scope'), client, refuse);
  const nonce = text('nonce');
  const request = {
    scopes,
    nonce,
    resources: readResources(fields[REPEATABLE], refuse),
    codeChallenge: readChallenge(text, client, refuse),
    dpopJkt: readThumbprint(text('dpop_jkt'), refuse),
    claims: readClaims(text('claims', MAX_CLAIMS_TEXT), client, refuse),
    acrValues: words(text('acr_values')),
    prompt: readPrompt(text('prompt'), refuse),
    maxAge: readMaxAge(text('max_age'), refuse),
    loginHint: text('login_hint'),
    idTokenHint: text('id_token_hint', MAX_HINT),
  };
  // OAuth 2.1 §7.5.1: without PKCE only OpenID Connect's nonce keeps an injected code out
  if (
    request.codeChallenge === undefined &&
    client.nonceRequired &&
    !(scopes.includes('openid') && nonce !== undefined)
  ) {
    throw refuse('invalid_request', 'Without a code_challenge the scope openid and a nonce are required.');
  }
  // OpenID Connect Core §3.1.2.1: the pages are in English, whatever is preferred
  text('ui_locales');
  return request;
}

type ReadText = (name: string, longest?: number) => string | undefined;

function readResponseType(text: ReadText, client: Client, refuse: Refuse): void {
  const responseType = text('response_type');
  if (responseType === undefined) throw refuse('invalid_request', 'response_type is missing.');
  if (responseType !== 'code')
    throw refuse('unsupported_response_type', 'Only response_type=code is supported.');
  if (!client.grantTypes.includes('authorization_code')) {
    throw refuse('unauthorized_client', 'This client may not use the authorization code grant.');
  }
  const mode = text('response_mode');
  if (mode !== undefined && !(RESPONSE_MODES as readonly string[]).includes(mode)) {
    throw refuse('invalid_request', 'response_mode must be query or form_post.');
  }
}

type Refuse = (code: string, description: string) => AuthorizationError;

/** RFC 9700 §2.1.1, OAuth 2.1 §4.1.1: PKCE with S256; only a confidential client can be excused. */
function readChallenge(text: ReadText, client: Client, refuse: Refuse): string | undefined {
  const challenge = text('code_challenge');
  const method = text('code_challenge_method');
  if (challenge === undefined) {
    if (client.pkceRequired || client.profile === 'fapi2')
      throw refuse('invalid_request', 'code_challenge is missing: PKCE is required.');
    if (method !== undefined)
      throw refuse('invalid_request', 'code_challenge_method came without a challenge.');
    return undefined;
  }
  if (method !== 'S256') throw refuse('invalid_request', 'code_challenge_method must be S256.');
  if (!isCodeChallenge(challenge))
    throw refuse('invalid_request', 'code_challenge is not an S256 challenge.');
  return challenge;
}

/** RFC 8707 §2.1 */
function readResources(value: string | string[] | undefined, refuse: Refuse): string[] {
  const resources = value === undefined ? [] : [...new Set([value].flat())];
  if (resources.length > MAX_RESOURCES) throw refuse('invalid_target', 'Too many resources were asked for.');
  if (!resources.every(isResourceIndicator)) {
    throw refuse('invalid_target', 'A resource must be an absolute URI without a fragment.');
  }
  return resources;
}

function readThumbprint(text: string | undefined, refuse: Refuse): string | undefined {
  if (text !== undefined && !THUMBPRINT.test(text))
    throw refuse('invalid_request', 'dpop_jkt is not a SHA-256 JWK thumbprint.');
  return text;
}

function readClaims(text: string | undefined, client: Client, refuse: Refuse): ClaimsRequest | undefined {
  if (text === undefined) return undefined;
  const claims = parseClaimsRequest(text);
  if (!claims) throw refuse('invalid_request', 'The claims parameter is not a claims request.');
  return claimsWithin(claims, client.scopes);
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(' ').filter((word) => word !== '');
}

function readScopes(requested: string | undefined, client: Client, refuse: Refuse): string[] {
  try {
    return requestedScopes(requested, client.scopes);
  } catch (error) {
    if (error instanceof InvalidScope) throw refuse('invalid_scope', printable(error.publicMessage));
    throw error;
  }
}

function readPrompt(text: string | undefined, refuse: Refuse): Set<Prompt> {
  const values = words(text);
  const unknown = values.find((value) => !(PROMPTS as readonly string[]).includes(value));
  if (unknown !== undefined) throw refuse('invalid_request', 'The prompt parameter has an unknown value.');
  const prompt = new Set(values as Prompt[]);
  // OpenID Connect Core §3.1.2.1: none with any other value is an error
  if (prompt.has('none') && prompt.size > 1)
    throw refuse('invalid_request', 'prompt=none allows no other value.');
  return prompt;
}

function readMaxAge(text: string | undefined, refuse: Refuse): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw refuse('invalid_request', 'max_age must be a number of seconds.');
  return Number(text);
}

/** RFC 6749 §4.1.2.1: error_description holds %x20-21 / %x23-5B / %x5D-7E only. */
function printable(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '').slice(0, 200);
}

/** The parameters of an answer, with the issuer by RFC 9207. */
export function answerParameters(
  { state }: Pick<ReturnAddress, 'state'>,
  issuer: string,
  parameters: Readonly<Record<string, string>>,
): Record<string, string> {
  return { ...parameters, ...(state === undefined ? {} : { state }), iss: issuer };
}

/** The redirect that carries an answer's parameters; a query of the address is kept (RFC 6749 §3.1.2). */
export function answerUrl(redirectUri: string, parameters: Readonly<Record<string, string>>): string {
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${new URLSearchParams(parameters)}`;
}
