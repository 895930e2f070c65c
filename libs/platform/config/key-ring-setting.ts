import type { KeyEncryptionKey } from '../crypto/key-encryption.js';

const KEY_BYTES = 32;

/** Parses `kid:key,kid:key`; each key is 32 bytes of base64url. What is wrong is added to `problems`, never shown. */
export function parseKeyRing(setting: string, text: string, problems: string[]): KeyEncryptionKey[] {
  const keys: KeyEncryptionKey[] = [];
  for (const [index, entry] of text.split(',').entries()) {
    const [kid = '', encoded = '', rest] = entry.trim().split(':');
    const where = `${setting}, key ${index + 1}`;
    const secret = Buffer.from(encoded, 'base64url');
    if (rest !== undefined || !/^[A-Za-z0-9_-]{1,32}$/.test(kid) || !/^[A-Za-z0-9_-]+=?$/.test(encoded)) {
      problems.push(`${where} must be kid:key with the key in base64url`);
    } else if (secret.length !== KEY_BYTES) {
      problems.push(`${where} must be ${KEY_BYTES} bytes, not ${secret.length}`);
    } else if (new Set(secret).size < 12) {
      problems.push(`${where} is too weak: it is not random`);
    } else if (keys.some((key) => key.kid === kid || key.secret.equals(secret))) {
      problems.push(`${where} is there twice`);
    } else {
      keys.push({ kid, secret });
    }
  }
  return keys;
}
