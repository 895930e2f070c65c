import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

export { randomUUID } from 'node:crypto';

/** A secret of `bytes` random bytes as base64url text (32 bytes = 256 bits unless told). */
export function randomSecret(bytes = 32): string {
  return randomBytes(bytes).toString('base64url');
}

/** Whether a text has the form of a secret of 256 bits; any other is looked for nowhere. */
export function isSecret(text: string | undefined): text is string {
  return text !== undefined && /^[A-Za-z0-9_-]{43}$/.test(text);
}

/** A number from 0 up to 1, that one not included. */
export function randomFraction(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}

export function sha256(value: string | Buffer): Buffer {
  return createHash('sha256').update(value).digest();
}

/** Compares digests or MACs of equal length in constant time. */
export function equalInConstantTime(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
