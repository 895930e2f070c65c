import { Injectable } from '@nestjs/common';
import type { SecurityEventClaims } from '#events';
import { KeyRing } from '#tokens';

const ALGORITHM = 'ES256';

/** Signs what is told outside a channel that vouches for it. */
@Injectable()
export class SecurityEventTokens {
  constructor(private readonly keys: KeyRing) {}

  sign(claims: SecurityEventClaims): string {
    const key = this.keys.signingKey(ALGORITHM);
    return key.jwt.sign(claims, {
      algorithm: ALGORITHM,
      // RFC 8417 §2.3: the type keeps it from passing for any other token
      header: { alg: ALGORITHM, typ: 'secevent+jwt', kid: key.kid },
    });
  }
}
