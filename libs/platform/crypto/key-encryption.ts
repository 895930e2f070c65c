import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

export interface KeyEncryptionKey {
  readonly kid: string;
  /** 32 bytes */
  readonly secret: Buffer;
}

/**
 * Encrypts what the database keeps (AES-256-GCM, NIST SP 800-38D, random 96-bit IV).
 * An envelope is `v1.<kid>.<iv>.<ciphertext>.<tag>`, base64url; its context (what it is, whose it is) is
 * authenticated, so an envelope moved to another row does not open.
 */
export class KeyEncryption {
  private readonly ring: ReadonlyMap<string, Buffer>;
  private readonly active: KeyEncryptionKey;

  /** The first key encrypts; every key decrypts. */
  constructor(keys: readonly KeyEncryptionKey[]) {
    const [active] = keys;
    if (!active) throw new Error('KeyEncryption needs at least one key');
    this.active = active;
    this.ring = new Map(keys.map((key) => [key.kid, key.secret]));
  }

  get kids(): readonly string[] {
    return [...this.ring.keys()];
  }

  encrypt(plaintext: Buffer, context: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.active.secret, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(`${this.active.kid}|${context}`));
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const parts = [iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'));
    return ['v1', this.active.kid, ...parts].join('.');
  }

  /** @throws Error when the key is unknown, or the envelope or its context is not what was encrypted. */
  decrypt(envelope: string, context: string): Buffer {
    const [version, kid, iv, ciphertext, tag, rest] = envelope.split('.');
    if (version !== 'v1' || !kid || !iv || ciphertext === undefined || !tag || rest !== undefined) {
      throw new Error('not an envelope of this server');
    }
    const secret = this.ring.get(kid);
    if (!secret) throw new Error(`unknown key-encryption key "${kid}"`);
    const decipher = createDecipheriv(ALGORITHM, secret, Buffer.from(iv, 'base64url'), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(`${kid}|${context}`));
    decipher.setAuthTag(Buffer.from(tag, 'base64url'));
    return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()]);
  }
}
