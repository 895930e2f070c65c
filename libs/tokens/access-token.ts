import { Injectable } from '@nestjs/common';
import { Clock, Configuration, numericDate, randomUUID } from '#platform';
import { KeyRing } from './key-ring.js';

/** Claims of a JWT access token (RFC 9068 §2.2); those of a person carry where and as whom they act. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly scope: string;
  readonly sid?: string;
  readonly authorization_id?: string;
  readonly organization_id?: string;
  readonly organization?: string;
  readonly roles?: readonly string[];
  readonly license_version?: number;
  readonly modules?: readonly string[];
}

export type AccessTokenGrant = Omit<AccessTokenClaims, 'iss' | 'iat' | 'exp' | 'jti'>;

const TYPE = 'at+jwt';
const ALGORITHM = 'ES256';

@Injectable()
export class AccessTokens {
  constructor(
    private readonly keys: KeyRing,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  /** @param lifetime seconds */
  issue(grant: AccessTokenGrant, lifetime: number): string {
    const key = this.keys.signingKey(ALGORITHM);
    const iat = numericDate(this.clock.now());
    const claims: AccessTokenClaims = {
      iss: this.configuration.issuer,
      ...grant,
      iat,
      exp: iat + lifetime,
      jti: randomUUID(),
    };
    return key.jwt.sign(claims, {
      algorithm: ALGORITHM,
      // RFC 9068 §2.1: the type keeps an ID token from passing for an access token
      header: { alg: ALGORITHM, typ: TYPE, kid: key.kid },
    });
  }

  /** @returns the claims of a token that this server issued and that has not expired, else undefined */
  verify(token: string): AccessTokenClaims | undefined {
    const header = readJwtHeader(token);
    if (header?.typ !== TYPE || header.alg !== ALGORITHM || typeof header.kid !== 'string') return undefined;
    const key = this.keys.verificationKey(header.kid);
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
