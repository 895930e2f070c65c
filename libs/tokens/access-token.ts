import { Injectable } from '@nestjs/common';
import { Clock, Configuration, numericDate, randomUUID } from '#platform';
import type { AccessTokenClaims, AccessTokenGrant } from './access-token-claims.js';
import { KeyRing, type SigningKey } from './key-ring.js';
import { looksSealed, OpaqueAccessTokens } from './opaque-access-token.js';

const TYPE = 'at+jwt';
const ALGORITHM = 'ES256';

/** Access tokens of both formats: JWTs, and those that only this server can read. */
@Injectable()
export class AccessTokens {
  constructor(
    private readonly keys: KeyRing,
    private readonly opaque: OpaqueAccessTokens,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  /**
   * The claims of a new token, whichever format it gets.
   * @param lifetime seconds
   */
  claims(grant: AccessTokenGrant, lifetime: number): AccessTokenClaims {
    const iat = numericDate(this.clock.now());
    return { iss: this.configuration.issuer, ...grant, iat, exp: iat + lifetime, jti: randomUUID() };
  }

  /** A JWT access token (RFC 9068). */
  sign(claims: AccessTokenClaims): string {
    const key = this.keys.signingKey(ALGORITHM);
    // RFC 9068 §2.1: the type keeps an ID token from passing for an access token
    const input = `${base64url({ alg: ALGORITHM, typ: TYPE, kid: key.kid })}.${base64url(claims)}`;
    // these claims are made by this server for each request of the hottest path: JwtService would check them first
    return `${input}.${key.signature(input)}`;
  }

  /** @param lifetime seconds */
  issue(grant: AccessTokenGrant, lifetime: number): string {
    return this.sign(this.claims(grant, lifetime));
  }

  /** @returns the claims of a token, of either format, that this server issued and that has not expired, else undefined */
  async verify(token: string): Promise<AccessTokenClaims | undefined> {
    if (looksSealed(token)) return this.opaque.open(token);
    const header = readJwtHeader(token);
    if (header?.typ !== TYPE || header.alg !== ALGORITHM || typeof header.kid !== 'string') return undefined;
    const key = await this.keyOf(header.kid);
    if (key?.algorithm !== ALGORITHM) return undefined;
    try {
      return key.jwt.verify<AccessTokenClaims & object>(token, {
        algorithms: [ALGORITHM],
        issuer: this.configuration.issuer,
        clockTimestamp: numericDate(this.clock.now()),
      });
    } catch {
      return undefined;
    }
  }

  private async keyOf(kid: string): Promise<SigningKey | undefined> {
    const known = this.keys.verificationKey(kid);
    if (known) return known;
    await this.keys.readForUnknownKey();
    return this.keys.verificationKey(kid);
  }
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** The header of a compact JWS, unverified; undefined when the text is none. */
export function readJwtHeader(token: string): Record<string, unknown> | undefined {
  const [header, payload, signature, rest] = token.split('.');
  if (!header || !payload || !signature || rest !== undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
