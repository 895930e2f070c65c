import { randomBytes } from 'node:crypto';
import { sha256 } from '#platform';

export const RECOVERY_CODE_COUNT = 10;
const CHARACTERS = 24;
/** Crockford's base32: no letter that is taken for a digit, or for another letter. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 24 characters of 5 random bits: 120 bits, as `XXXX-XXXX-XXXX-XXXX-XXXX-XXXX`. */
export function newRecoveryCode(): string {
  const characters = Array.from(randomBytes(CHARACTERS), (byte) => ALPHABET.charAt(byte & 31)).join('');
  return characters.replace(/(.{4})(?=.)/g, '$1-');
}

/** What was typed, in the one spelling that is hashed; undefined when it is no recovery code. */
export function readRecoveryCode(text: string): string | undefined {
  const characters = text.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  if (characters.length !== CHARACTERS || ![...characters].every((one) => ALPHABET.includes(one))) {
    return undefined;
  }
  return characters;
}

/**
 * What the database keeps of a code. A plain digest suffices: nobody can try 120 random bits out, and that is what a
 * slow hash keeps a chosen password from (NIST SP 800-63B §5.1.2.2, third revision, asks for one below 112 bits).
 */
export function recoveryCodeDigest(userId: string, code: string): Buffer {
  return sha256(`recovery-code|${userId}|${code}`);
}
