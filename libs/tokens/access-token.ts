import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock, Configuration, numericDate, randomUUID, sha256 } from '#platform';
import type { AccessTokenClaims, AccessTokenGrant } from './access-token-claims.js';
import { readJwsHeader, signJws } from './jws.js';
import { KeyRing, type SigningKey } from './key-ring.js';
import { looksSealed, OpaqueAccessTokens } from './opaque-access-token.js';

const TYPE = 'at+jwt';
const ALGORITHM = 'ES256';
/** Tokens whose signature is remembered to be right: some 20 MB at most. */
const REMEMBERED = 10_000;

/** A token whose signature was right under this key. */
interface Verified {
  readonly kid: string;
  readonly claims: AccessTokenClaims;
}

/** Access tokens of both formats: JWTs, and those that only this server can read. */
@Injectable()
export class AccessTokens {
  /** By the digest of the token: to verify a signature costs more than the statement that follows. */
  private readonly verified = new LRUCache<string, Verified>({ max: REMEMBERED });

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
    // RFC 9068 §2.1: the type keeps an ID token from passing for an access token
    return signJws(this.keys.signingKey(ALGORITHM), TYPE, claims);
  }

  /** @param lifetime seconds */
  issue(grant: AccessTokenGrant, lifetime: number): string {
    return this.sign(this.claims(grant, lifetime));
  }

  /** @returns the claims of a token, of either format, that this server issued and that has not expired, else undefined */
  async verify(token: string): Promise<AccessTokenClaims | undefined> {
    if (looksSealed(token)) return this.opaque.open(token);
    const digest = sha256(token).toString('base64');
    const known = this.verified.get(digest);
    // the key may have been revoked since
    if (known && this.keys.verificationKey(known.kid)) {
      return known.claims.exp > numericDate(this.clock.now()) ? known.claims : undefined;
    }
    const read = await this.read(token);
    if (read) this.verified.set(digest, read);
    return read?.claims;
  }

  private async read(token: string): Promise<Verified | undefined> {
    const header = readJwsHeader(token);
    if (header?.typ !== TYPE || header.alg !== ALGORITHM || typeof header.kid !== 'string') return undefined;
    const key = await this.keyOf(header.kid);
    if (key?.algorithm !== ALGORITHM) return undefined;
    try {
      const claims = key.jwt.verify<AccessTokenClaims & object>(token, {
        algorithms: [ALGORITHM],
        issuer: this.configuration.issuer,
        clockTimestamp: numericDate(this.clock.now()),
      });
      return { kid: header.kid, claims };
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
