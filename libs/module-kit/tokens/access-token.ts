import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Principal } from '../guards/principal.js';

/** Somebody who acts for the subject of a token that was exchanged: it ends with their part in it, too. */
export type ActingPerson = Pick<AccessTokenClaims, 'sub' | 'sid' | 'authorization_id' | 'organization_id'>;

/** A verified access token's claims (RFC 9068 section 2.2, and Core Auth's own). */
export interface AccessTokenClaims {
  sub: string;
  client_id: string;
  jti: string;
  /** Seconds since the epoch. */
  iat: number;
  exp: number;
  scope: string;
  sid?: string;
  authorization_id?: string;
  organization_id?: string;
  organization?: string;
  roles: readonly string[];
  /** What the role permits in this module and others (RFC 9068 section 2.2.3.1). */
  entitlements: readonly string[];
  /** Of a token that was exchanged (RFC 8693): the clients that had those before it. */
  client_chain: readonly string[];
  /** The `jti` of those that it stands on. */
  token_chain: readonly string[];
  /** The people who act for the subject (RFC 8693 section 4.1). */
  actors: readonly ActingPerson[];
  license_version?: number;
  /** The key that the token is bound to (RFC 9449 section 6.1); whoever presents it proves to have it. */
  cnf?: { jkt: string };
}

/** Seconds that Core Auth lets an access token live: what says more was made by somebody else with a stolen key. */
const LONGEST_LIFE = 24 * 60 * 60;

/** The token is not one to accept; `reason` is public (RFC 6750 section 3.1, `invalid_token`). */
export class InvalidTokenError extends Error {
  constructor(readonly reason: string) {
    super(reason);
    this.name = 'InvalidTokenError';
  }
}

/**
 * Verifies as RFC 9068 section 4 says: `typ`, a pinned algorithm, issuer, this module as audience, expiry, and the
 * claims that must be there. Throws `InvalidTokenError`; what the key lookup throws otherwise passes through.
 */
export async function verifyAccessToken(
  token: string,
  key: JWTVerifyGetKey,
  expected: { issuer: string; audience: string; now: Date },
): Promise<AccessTokenClaims> {
  try {
    const { payload } = await jwtVerify(token, key, {
      typ: 'at+jwt',
      algorithms: ['ES256'],
      issuer: expected.issuer,
      audience: expected.audience,
      currentDate: expected.now,
      clockTolerance: 0,
      requiredClaims: ['sub', 'client_id', 'jti', 'iat', 'exp'],
    });
    const claims = readClaims(payload);
    if (claims.exp - claims.iat > LONGEST_LIFE) throw new InvalidTokenError('The access token is not valid');
    return claims;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new InvalidTokenError('The access token has expired');
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
      throw new InvalidTokenError('The access token is for another resource');
    }
    if (error instanceof errors.JOSEError) throw new InvalidTokenError('The access token is not valid');
    throw error;
  }
}

/**
 * Reads what Core Auth says of a token that only it can read (RFC 7662 section 2.2). Live is not enough: it must be an
 * access token for this module, as no refresh token is. Throws `InvalidTokenError`.
 */
export function readIntrospection(
  answer: Readonly<Record<string, unknown>>,
  expected: { issuer: string; audience: string; now: Date; hash: string },
): AccessTokenClaims {
  const { aud, iss, exp } = answer;
  if (iss !== expected.issuer) throw new InvalidTokenError('The access token is not valid');
  if (!(Array.isArray(aud) ? aud.includes(expected.audience) : aud === expected.audience))
    throw new InvalidTokenError('The access token is for another resource');
  if (typeof exp !== 'number' || exp * 1000 <= expected.now.getTime())
    throw new InvalidTokenError('The access token has expired');
  // RFC 7662 section 2.2 makes jti optional; what is remembered of a token is kept under one
  return readClaims({ ...answer, jti: typeof answer['jti'] === 'string' ? answer['jti'] : expected.hash });
}

/** The claims of a token that is known to be Core Auth's, from the token itself or from introspection. */
export function readClaims(payload: JWTPayload): AccessTokenClaims {
  const { sub, jti, iat, exp } = payload;
  const clientId = payload['client_id'];
  if (
    typeof sub !== 'string' ||
    typeof jti !== 'string' ||
    typeof iat !== 'number' ||
    typeof exp !== 'number' ||
    typeof clientId !== 'string'
  ) {
    throw new InvalidTokenError('The access token lacks a claim');
  }
  const claims: AccessTokenClaims = {
    sub,
    jti,
    iat,
    exp,
    client_id: clientId,
    scope: typeof payload['scope'] === 'string' ? payload['scope'] : '',
    roles: readTexts(payload['roles']),
    entitlements: readTexts(payload['entitlements']),
    client_chain: readTexts(payload['client_chain']),
    token_chain: readTexts(payload['token_chain']),
    actors: readActors(payload['act']),
  };
  Object.assign(claims, readNames(payload));
  if (typeof payload['organization'] === 'string') claims.organization = payload['organization'];
  const cnf = payload['cnf'];
  if (cnf !== undefined) claims.cnf = readConfirmation(cnf);
  const version = payload['license_version'];
  if (typeof version === 'number') claims.license_version = version;
  return claims;
}

/** RFC 7800 section 3.1: a token that is bound in a way we do not know is not to be taken for unbound. */
function readConfirmation(cnf: unknown): { jkt: string } {
  const { jkt } = (typeof cnf === 'object' && cnf !== null ? cnf : {}) as { jkt?: unknown };
  if (typeof jkt !== 'string')
    throw new InvalidTokenError('The access token is bound to a key of another kind');
  return { jkt };
}

function readNames(from: Readonly<Record<string, unknown>>): Omit<ActingPerson, 'sub'> {
  const names: Omit<ActingPerson, 'sub'> = {};
  for (const name of ['sid', 'authorization_id', 'organization_id'] as const) {
    const value = from[name];
    if (typeof value === 'string') names[name] = value;
  }
  return names;
}

/** The outermost acts now, those inside acted before; each of them counts. */
function readActors(act: unknown): ActingPerson[] {
  const actors: ActingPerson[] = [];
  let inner = act;
  while (typeof inner === 'object' && inner !== null) {
    const actor = inner as Readonly<Record<string, unknown>>;
    const names = readNames(actor);
    if (typeof actor['sub'] === 'string' && names.authorization_id !== undefined)
      actors.push({ sub: actor['sub'], ...names });
    inner = actor['act'];
  }
  return actors;
}

function readTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

/** Who a verified token speaks for. */
export function principalOf(claims: AccessTokenClaims, accessToken: string): Principal {
  const principal: Principal = {
    subject: claims.sub,
    clientId: claims.client_id,
    scopes: new Set(claims.scope.split(' ').filter((scope) => scope !== '')),
    permissions: new Set(claims.entitlements),
    accessToken,
  };
  // RFC 9068 section 2.2: with client credentials the subject is a client, in an exchanged token another one; a person
  // has authorized something.
  if (claims.authorization_id !== undefined && claims.sub !== claims.client_id)
    principal.user = { id: claims.sub, roles: claims.roles };
  if (claims.organization_id !== undefined) {
    principal.organization = {
      id: claims.organization_id,
      key: claims.organization ?? claims.organization_id,
    };
  }
  if (claims.sid !== undefined) principal.sessionId = claims.sid;
  if (claims.license_version !== undefined) principal.licenseVersion = claims.license_version;
  return principal;
}
