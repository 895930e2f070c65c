import { createHmac, hkdfSync } from 'node:crypto';
import type { KeyEncryptionKey } from './key-encryption.js';

/**
 * Digests (HMAC-SHA-256) of what rows are found by and must not be read from them: addresses and codes are so few that
 * whoever has a plain digest tries them all out. Each key is derived from a key-encryption key (RFC 5869), so that the
 * database alone opens none, and none serves two purposes (NIST SP 800-57 Part 1 §5.2).
 */
export class KeyedDigest {
  private readonly active: Buffer;
  private readonly keys: readonly Buffer[];

  /** The first key digests what is written. */
  constructor(ring: readonly KeyEncryptionKey[]) {
    this.keys = ring.map(({ secret }) =>
      Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'core-auth keyed digest', 32)),
    );
    const [active] = this.keys;
    if (!active) throw new Error('KeyedDigest needs at least one key');
    this.active = active;
  }

  /** @param purpose what it is: the same text of another purpose has another digest */
  of(purpose: string, text: string): Buffer {
    return digest(this.active, purpose, text);
  }

  /** Under each key of the ring: what a server digested before its first key changed is found too. */
  ofEveryKey(purpose: string, text: string): Buffer[] {
    return this.keys.map((key) => digest(key, purpose, text));
  }
}

function digest(key: Buffer, purpose: string, text: string): Buffer {
  return createHmac('sha256', key)
    .update(JSON.stringify([purpose, text]))
    .digest();
}
