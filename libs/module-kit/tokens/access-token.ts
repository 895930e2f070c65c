import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Principal } from '../guards/principal.js';

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
  license_version?: number;
}

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
    return readClaims(payload);
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new InvalidTokenError('The access token has expired');
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
      throw new InvalidTokenError('The access token is for another resource');
    }
    if (error instanceof errors.JOSEError) throw new InvalidTokenError('The access token is not valid');
    throw error;
  }
}

function readClaims(payload: JWTPayload): AccessTokenClaims {
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
  };
  for (const name of ['sid', 'authorization_id', 'organization_id', 'organization'] as const) {
    const value = payload[name];
    if (typeof value === 'string') claims[name] = value;
  }
  const version = payload['license_version'];
  if (typeof version === 'number') claims.license_version = version;
  return claims;
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
    accessToken,
  };
  // RFC 9068 section 2.2: with client credentials the subject is the client itself.
  if (claims.sub !== claims.client_id) principal.user = { id: claims.sub, roles: claims.roles };
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
