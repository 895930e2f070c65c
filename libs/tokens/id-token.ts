import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock, Configuration, numericDate, randomUUID } from '#platform';
import { readJwsHeader, signJws } from './jws.js';
import type { SigningAlgorithm } from './key-lifecycle.js';
import { KeyRing } from './key-ring.js';

const ID_TOKEN_LIFETIME = 3600;
const LOGOUT_TOKEN_LIFETIME = 120;
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

export interface IdTokenGrant {
  readonly sub: string;
  readonly clientId: string;
  readonly algorithm: SigningAlgorithm;
  readonly authTime: Date;
  readonly sid: string;
  readonly amr: readonly string[];
  readonly nonce?: string | undefined;
  readonly accessToken: string;
  /** Claims that the granted scopes give (OpenID Connect Core §5.4). */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface IdTokenHint {
  readonly sub: string;
  readonly aud: string;
  readonly sid?: string;
}

/** ID tokens (OpenID Connect Core §2) and logout tokens (Back-Channel Logout §2.4). */
@Injectable()
export class IdTokens {
  constructor(
    private readonly keys: KeyRing,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  issue(grant: IdTokenGrant): string {
    const now = numericDate(this.clock.now());
    return signJws(this.keys.signingKey(grant.algorithm), 'JWT', {
      ...grant.claims,
      iss: this.configuration.issuer,
      sub: grant.sub,
      aud: grant.clientId,
      iat: now,
      exp: now + ID_TOKEN_LIFETIME,
      auth_time: numericDate(grant.authTime),
      sid: grant.sid,
      amr: grant.amr,
      at_hash: accessTokenHash(grant.accessToken),
      ...(grant.nonce === undefined ? {} : { nonce: grant.nonce }),
    });
  }

  /** Back-Channel Logout §2.4: `events`, `jti`, `sub`, `sid`; a nonce is prohibited. */
  issueLogout(
    client: { id: string; algorithm: SigningAlgorithm },
    session: { sid: string; sub: string },
  ): string {
    const now = numericDate(this.clock.now());
    return signJws(this.keys.signingKey(client.algorithm), 'logout+jwt', {
      iss: this.configuration.issuer,
      sub: session.sub,
      aud: client.id,
      iat: now,
      exp: now + LOGOUT_TOKEN_LIFETIME,
      jti: randomUUID(),
      sid: session.sid,
      events: { [LOGOUT_EVENT]: {} },
    });
  }

  /** An ID token that this server issued, expired or not (RP-Initiated Logout §2); undefined when it is none. */
  readHint(token: string): IdTokenHint | undefined {
    const header = readJwsHeader(token);
    if (header?.typ !== 'JWT' || typeof header.kid !== 'string') return undefined;
    const key = this.keys.verificationKey(header.kid);
    if (!key || key.algorithm !== header.alg) return undefined;
    try {
      return key.jwt.verify<IdTokenHint & object>(token, {
        algorithms: [key.algorithm],
        issuer: this.configuration.issuer,
        ignoreExpiration: true,
      });
    } catch {
      return undefined;
    }
  }
}

/** OpenID Connect Core §3.1.3.6: the left half of the hash that the signature's algorithm uses. */
function accessTokenHash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
}
