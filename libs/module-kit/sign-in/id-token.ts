import { createHash, timingSafeEqual } from 'node:crypto';
import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose';

/** What the kit uses of a verified ID token. */
export interface IdTokenClaims {
  sub: string;
  sid?: string;
  name?: string;
  email?: string;
  organizationName?: string;
}

/** The ID token is not one to accept; the reason is for logs. */
export class InvalidIdTokenError extends Error {
  constructor(readonly reason: string) {
    super(`ID token refused: ${reason}`);
    this.name = 'InvalidIdTokenError';
  }
}

export interface IdTokenExpectation {
  issuer: string;
  clientId: string;
  /** Of this sign-in; absent on refresh, where none is sent (OpenID Connect Core 1.0 section 12.2). */
  nonce?: string;
  accessToken: string;
  now: Date;
}

/** OpenID Connect Core 1.0 section 3.1.3.7. Throws `InvalidIdTokenError`; key lookup errors pass through. */
export async function verifyIdToken(
  idToken: string,
  key: JWTVerifyGetKey,
  expected: IdTokenExpectation,
): Promise<IdTokenClaims> {
  let payload;
  try {
    ({ payload } = await jwtVerify(idToken, key, {
      algorithms: ['ES256'],
      issuer: expected.issuer,
      audience: expected.clientId,
      currentDate: expected.now,
      clockTolerance: 5,
      requiredClaims: ['sub', 'iat', 'exp'],
    }));
  } catch (error) {
    if (error instanceof errors.JOSEError) throw new InvalidIdTokenError(error.code);
    throw error;
  }
  if (Array.isArray(payload.aud) && payload.aud.length > 1 && payload['azp'] !== expected.clientId) {
    throw new InvalidIdTokenError('authorized party');
  }
  if (expected.nonce !== undefined && payload['nonce'] !== expected.nonce)
    throw new InvalidIdTokenError('nonce');
  const hash = payload['at_hash'];
  if (hash !== undefined && !matchesHash(hash, expected.accessToken))
    throw new InvalidIdTokenError('at_hash');

  const claims: IdTokenClaims = { sub: payload.sub ?? '' };
  if (typeof payload['sid'] === 'string') claims.sid = payload['sid'];
  if (typeof payload['name'] === 'string') claims.name = payload['name'];
  if (typeof payload['email'] === 'string') claims.email = payload['email'];
  if (typeof payload['organization_name'] === 'string')
    claims.organizationName = payload['organization_name'];
  return claims;
}

/** Section 3.1.3.6: the left half of the access token's SHA-256. */
function matchesHash(hash: unknown, accessToken: string): boolean {
  if (typeof hash !== 'string') return false;
  const expected = createHash('sha256').update(accessToken).digest().subarray(0, 16);
  const given = Buffer.from(hash, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
