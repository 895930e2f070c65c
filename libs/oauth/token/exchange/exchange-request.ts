import { isResourceIndicator } from '../../clients/client-policy.js';
import type { Modules } from '../../module-directory.js';
import { InvalidRequest, InvalidTarget } from '../../oauth.errors.js';
import type { TokenRequest } from '../token-request.js';

/** RFC 8693 §3: those of its token types that this server takes and gives. */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
export type TokenType = typeof ACCESS_TOKEN_TYPE | typeof JWT_TYPE;

export interface PresentedTokenOfType {
  readonly text: string;
  readonly type: TokenType;
}

export interface ExchangeRequest {
  readonly subject: PresentedTokenOfType;
  readonly actor: PresentedTokenOfType | undefined;
  readonly requestedType: TokenType;
  /** Resource indicators, those of `audience` among them. */
  readonly targets: readonly string[];
}

/**
 * The parameters of RFC 8693 §2.1.
 * @throws InvalidRequest, InvalidTarget
 */
export function readExchangeRequest(
  request: TokenRequest,
  context: { readonly all: Modules; readonly issuer: string },
): ExchangeRequest {
  const { subject_token: subject, actor_token: actor } = request;
  if (subject === undefined) throw new InvalidRequest('subject_token is missing.');
  // §2.1: must not come without an actor token
  if (actor === undefined && request.actor_token_type !== undefined) {
    throw new InvalidRequest('actor_token_type came without an actor_token.');
  }
  return {
    subject: { text: subject, type: readType('subject_token_type', request.subject_token_type) },
    actor:
      actor === undefined
        ? undefined
        : { text: actor, type: readType('actor_token_type', request.actor_token_type) },
    requestedType: readType('requested_token_type', request.requested_token_type ?? ACCESS_TOKEN_TYPE),
    targets: [
      ...(request.resource ?? []).map(readResource),
      ...(request.audience ?? []).map((name) => readAudience(name, context)),
    ],
  };
}

function readType(parameter: string, value: string | undefined): TokenType {
  if (value === undefined) throw new InvalidRequest(`${parameter} is missing.`);
  if (value === ACCESS_TOKEN_TYPE || value === JWT_TYPE) return value;
  throw new InvalidRequest(`${parameter} must be ${ACCESS_TOKEN_TYPE} or ${JWT_TYPE}.`);
}

/** §2.1: an absolute URI without a fragment. */
function readResource(resource: string): string {
  if (!isResourceIndicator(resource)) {
    throw new InvalidTarget('A resource must be an absolute URI without a fragment.');
  }
  return resource;
}

/** §2.1: the logical name of a target, here a module's key, or the identifier that a token's `aud` has. */
function readAudience(
  name: string,
  { all, issuer }: { readonly all: Modules; readonly issuer: string },
): string {
  const known =
    all.get(name)?.baseUrl ??
    [issuer, ...[...all.values()].map(({ baseUrl }) => baseUrl)].find((identifier) => identifier === name);
  if (known === undefined) throw new InvalidTarget('The audience is not known here.');
  return known;
}
