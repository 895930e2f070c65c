import { Injectable } from '@nestjs/common';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import { Clock, Configuration, numericDate } from '#platform';
import type { AccessTokenClaims } from './access-token-claims.js';
import { KeyRing, type EncryptionKey } from './key-ring.js';

/** RFC 7516 §4.1.11: nothing else that is encrypted under this ring can pass for an access token. */
const TYPE = 'at+jwe';
const MANAGEMENT = 'dir';
const ENCRYPTION = 'A256GCM';
/** An honest one is a fraction of it. */
const MAX_LENGTH = 8192;

/**
 * Access tokens that tell a client nothing: their claims, encrypted for this server alone (RFC 7516, compact). They are
 * revoked and introspected as JWTs are, and no table holds them.
 */
@Injectable()
export class OpaqueAccessTokens {
  constructor(
    private readonly keys: KeyRing,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  async seal(claims: AccessTokenClaims): Promise<string> {
    const { kid, key } = this.keys.encryptionKey();
    return new CompactEncrypt(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: MANAGEMENT, enc: ENCRYPTION, typ: TYPE, kid })
      .encrypt(key);
  }

  /** @returns the claims of a token that this server sealed and that has not expired, else undefined */
  async open(text: string): Promise<AccessTokenClaims | undefined> {
    const kid = keyIdOf(text);
    const key = kid === undefined ? undefined : await this.keyOf(kid);
    if (!key) return undefined;
    try {
      const { plaintext } = await compactDecrypt(text, key.key, {
        keyManagementAlgorithms: [MANAGEMENT],
        contentEncryptionAlgorithms: [ENCRYPTION],
      });
      // what the key opens, this server wrote
      const claims = JSON.parse(Buffer.from(plaintext).toString('utf8')) as AccessTokenClaims;
      const alive = claims.exp > numericDate(this.clock.now());
      return alive && claims.iss === this.configuration.issuer ? claims : undefined;
    } catch {
      return undefined;
    }
  }

  private async keyOf(kid: string): Promise<EncryptionKey | undefined> {
    const known = this.keys.encryptionKeyById(kid);
    if (known) return known;
    await this.keys.readForUnknownKey();
    return this.keys.encryptionKeyById(kid);
  }
}

/** Whether a text has the five parts of an encrypted token (RFC 7516 §7.1). */
export function looksSealed(text: string): boolean {
  return text.split('.', 6).length === 5;
}

/** The key id of a token of our type; undefined when the text is none. */
function keyIdOf(text: string): string | undefined {
  if (text.length > MAX_LENGTH || !looksSealed(text)) return undefined;
  try {
    const { alg, enc, typ, kid } = decodeProtectedHeader(text);
    return alg === MANAGEMENT && enc === ENCRYPTION && typ === TYPE && typeof kid === 'string'
      ? kid
      : undefined;
  } catch {
    return undefined;
  }
}
