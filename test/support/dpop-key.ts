import { createHash, randomUUID } from 'node:crypto';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import { numericDate } from '#platform';

export interface ProofOptions {
  readonly method: string;
  readonly url: string;
  readonly now: Date;
  readonly nonce?: string | undefined;
  readonly accessToken?: string | undefined;
  /** Replace members of the header or the payload; `undefined` removes one. */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The key of a client, and the proofs that it makes with it (RFC 9449 §4.2). */
export class DpopKey {
  private constructor(
    readonly algorithm: string,
    readonly jwk: JWK,
    readonly privateKey: CryptoKey,
    readonly publicKey: CryptoKey,
    readonly thumbprint: string,
  ) {}

  static async create(algorithm = 'ES256'): Promise<DpopKey> {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const jwk = await exportJWK(publicKey);
    return new DpopKey(algorithm, jwk, privateKey, publicKey, await calculateJwkThumbprint(jwk));
  }

  proof({ method, url, now, nonce, accessToken, header, claims }: ProofOptions): Promise<string> {
    const payload: JWTPayload = {
      jti: randomUUID(),
      htm: method,
      htu: url,
      iat: numericDate(now),
      ...(nonce === undefined ? {} : { nonce }),
      ...(accessToken === undefined
        ? {}
        : { ath: createHash('sha256').update(accessToken).digest('base64url') }),
      ...claims,
    };
    return new SignJWT(payload)
      .setProtectedHeader({
        typ: 'dpop+jwt',
        alg: this.algorithm,
        jwk: this.jwk,
        ...header,
      })
      .sign(this.privateKey);
  }
}
