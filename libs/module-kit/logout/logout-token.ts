import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose';

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** A logout token is made when it is sent: an older one, or one from the future, is none of ours. */
const OLDEST_SECONDS = 5 * 60;

/** Whom a logout token ends: one session, or every session of a person. */
export interface LogoutClaims {
  jti: string;
  /** Seconds since the epoch. */
  iat: number;
  exp: number;
  sub?: string;
  sid?: string;
}

/** The logout token is not one to act on; the reason is for logs. */
export class InvalidLogoutTokenError extends Error {
  constructor(readonly reason: string) {
    super(`Logout token refused: ${reason}`);
    this.name = 'InvalidLogoutTokenError';
  }
}

/**
 * OpenID Connect Back-Channel Logout 1.0 section 2.6, apart from replay, which needs a memory.
 * Throws `InvalidLogoutTokenError`; key lookup errors pass through.
 */
export async function verifyLogoutToken(
  token: string,
  key: JWTVerifyGetKey,
  expected: { issuer: string; clientId: string; now: Date },
): Promise<LogoutClaims> {
  let payload;
  try {
    ({ payload } = await jwtVerify(token, key, {
      typ: 'logout+jwt',
      algorithms: ['ES256'],
      issuer: expected.issuer,
      audience: expected.clientId,
      currentDate: expected.now,
      clockTolerance: 5,
      maxTokenAge: OLDEST_SECONDS,
      requiredClaims: ['iat', 'exp', 'jti', 'events'],
    }));
  } catch (error) {
    if (error instanceof errors.JOSEError) throw new InvalidLogoutTokenError(error.code);
    throw error;
  }
  const events = payload['events'];
  const event = typeof events === 'object' && events !== null ? Object.entries(events) : [];
  const body: unknown = event.find(([name]) => name === LOGOUT_EVENT)?.[1];
  if (typeof body !== 'object' || body === null) throw new InvalidLogoutTokenError('events');
  // A nonce would make it an ID token in disguise (section 2.4).
  if ('nonce' in payload) throw new InvalidLogoutTokenError('nonce');
  const { sub, jti, iat, exp } = payload;
  const sid = payload['sid'];
  if (typeof jti !== 'string' || iat === undefined || exp === undefined)
    throw new InvalidLogoutTokenError('claims');
  if (sid !== undefined && typeof sid !== 'string') throw new InvalidLogoutTokenError('sid');
  if (sub === undefined && sid === undefined) throw new InvalidLogoutTokenError('neither sub nor sid');
  return {
    jti,
    iat,
    exp,
    ...(sub === undefined ? {} : { sub }),
    ...(sid === undefined ? {} : { sid }),
  };
}
