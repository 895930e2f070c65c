import type { FormFields } from '#platform';
import type { Client } from '../clients/client.js';
import { InvalidScope, UntrustedAuthorizationRequest } from '../oauth.errors.js';
import { isCodeChallenge } from '../pkce.js';
import { matchesRedirectUri } from '../redirect-uri.js';
import { requestedScopes } from '../scope.js';

export const PROMPTS = ['none', 'login', 'consent', 'select_account'] as const;
export type Prompt = (typeof PROMPTS)[number];

/** An authorization request whose client and redirect URI are trusted and whose parameters are all valid. */
export interface AuthorizationRequest {
  readonly client: Client;
  readonly redirectUri: string;
  readonly state: string | undefined;
  readonly scopes: readonly string[];
  readonly nonce: string | undefined;
  readonly codeChallenge: string;
  readonly prompt: ReadonlySet<Prompt>;
  /** seconds */
  readonly maxAge: number | undefined;
  readonly loginHint: string | undefined;
}

/** Where an answer may be sent, success or error. */
export type ReturnAddress = Pick<AuthorizationRequest, 'redirectUri' | 'state'>;

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

/** Longer than any honest state or nonce; they come back in a redirect. */
const MAX_TEXT = 2048;
const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * The client and the redirect URI come first: while either is in doubt nothing is sent anywhere.
 * @throws UntrustedAuthorizationRequest for those two, AuthorizationError for everything after them
 */
export function readAuthorizationRequest(
  fields: FormFields,
  client: Client | undefined,
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
  const state = fields['state'];
  const returnAddress = { redirectUri, state: typeof state === 'string' ? state : undefined };
  return { client, ...returnAddress, ...readParameters(fields, client, returnAddress) };
}

function readParameters(fields: FormFields, client: Client, returnAddress: ReturnAddress) {
  const refuse = (code: string, description: string) =>
    new AuthorizationError(code, description, returnAddress);
  // RFC 6749 §3.1: parameters must not be included more than once
  const repeated = Object.keys(fields).find((name) => Array.isArray(fields[name]));
  if (repeated !== undefined)
    throw refuse('invalid_request', `The parameter ${printable(repeated)} was sent twice.`);
  const text = (name: string): string | undefined => {
    const value = fields[name];
    if (typeof value !== 'string') return undefined;
    if (value.length > MAX_TEXT) throw refuse('invalid_request', `${name} is too long.`);
    // RFC 6749 appendix A: no parameter holds any
    if (CONTROL_CHARACTER.test(value)) throw refuse('invalid_request', `${name} holds a control character.`);
    return value;
  };

  text('state');
  if (text('request') !== undefined)
    throw refuse('request_not_supported', 'Request objects are not supported.');
  if (text('request_uri') !== undefined) {
    throw refuse('request_uri_not_supported', 'The request_uri parameter is not supported.');
  }
  const responseType = text('response_type');
  if (responseType === undefined) throw refuse('invalid_request', 'response_type is missing.');
  if (responseType !== 'code')
    throw refuse('unsupported_response_type', 'Only response_type=code is supported.');
  if (!client.grantTypes.includes('authorization_code')) {
    throw refuse('unauthorized_client', 'This client may not use the authorization code grant.');
  }
  if ((text('response_mode') ?? 'query') !== 'query') {
    throw refuse('invalid_request', 'Only response_mode=query is supported.');
  }
  return {
    codeChallenge: readChallenge(text, refuse),
    scopes: readScopes(text('scope'), client, refuse),
    prompt: readPrompt(text('prompt'), refuse),
    maxAge: readMaxAge(text('max_age'), refuse),
    nonce: text('nonce'),
    loginHint: text('login_hint'),
  };
}

type Refuse = (code: string, description: string) => AuthorizationError;

/** RFC 9700 §2.1.1, OAuth 2.1 §4.1.1: PKCE with S256, for every client. */
function readChallenge(text: (name: string) => string | undefined, refuse: Refuse): string {
  const challenge = text('code_challenge');
  if (challenge === undefined)
    throw refuse('invalid_request', 'code_challenge is missing: PKCE is required.');
  if (text('code_challenge_method') !== 'S256') {
    throw refuse('invalid_request', 'code_challenge_method must be S256.');
  }
  if (!isCodeChallenge(challenge))
    throw refuse('invalid_request', 'code_challenge is not an S256 challenge.');
  return challenge;
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
  const values = (text ?? '').split(' ').filter((value) => value !== '');
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

/** The redirect that carries `parameters` and, by RFC 9207, the issuer; a query of the address is kept (RFC 6749 §3.1.2). */
export function answerUrl(
  { redirectUri, state }: ReturnAddress,
  issuer: string,
  parameters: Readonly<Record<string, string>>,
): string {
  const answer = new URLSearchParams({
    ...parameters,
    ...(state === undefined ? {} : { state }),
    iss: issuer,
  });
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${answer}`;
}
