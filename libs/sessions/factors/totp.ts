import { createHmac } from 'node:crypto';
import { addSeconds, equalInConstantTime, numericDate } from '#platform';

/** RFC 6238 §4.1, §5.2: 30 seconds, from the Unix epoch. */
const STEP_SECONDS = 30;
/**
 * A code is taken from so many seconds before its step, for an app whose clock is ahead, until so many after it, for who
 * types slowly: a minute in all, so that two codes are good at any moment (OWASP ASVS 5.0 6.5.5, RFC 6238 §5.2).
 */
const EARLY_SECONDS = 5;
const LATE_SECONDS = STEP_SECONDS - EARLY_SECONDS;
const DIGITS = 6;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The number of the time step that an instant is in. */
export function totpStep(instant: Date): number {
  return Math.floor(numericDate(instant) / STEP_SECONDS);
}

/** RFC 4226 §5.3 by way of RFC 6238 §4.2, with SHA-1: the algorithm that every authenticator app knows. */
export function totpCode(secret: Buffer, step: number, digits = DIGITS): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0x0f;
  const number = (mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits;
  return String(number).padStart(digits, '0');
}

/** What was typed as the six digits of a code, without what people put between them; undefined when it is none. */
export function readTotpCode(text: string): string | undefined {
  const digits = text.replace(/[\s-]/g, '');
  return /^[0-9]{6}$/.test(digits) ? digits : undefined;
}

/** The time step that a code is of, near this instant; undefined when it is of none. */
export function matchingStep(secret: Buffer, code: string, instant: Date): number | undefined {
  const presented = Buffer.from(code);
  const steps = [-LATE_SECONDS, EARLY_SECONDS].map((seconds) => totpStep(addSeconds(instant, seconds)));
  return steps.findLast((step) => equalInConstantTime(Buffer.from(totpCode(secret, step)), presented));
}

/** RFC 4648 §6, without padding, as authenticator apps take a secret that is typed. */
export function base32(bytes: Buffer): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      text += ALPHABET.charAt((value >>> (bits - 5)) & 31);
      bits -= 5;
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET.charAt((value << (5 - bits)) & 31) : text;
}

/** The address that a QR code brings to an authenticator app, as the apps read it. */
export function totpUri(issuer: string, account: string, secret: Buffer): string {
  const label = [issuer, account].map(encodeURIComponent).join(':');
  const parameters = [
    `secret=${base32(secret)}`,
    // the apps take a plus sign for itself, and not for a space
    `issuer=${encodeURIComponent(issuer)}`,
    'algorithm=SHA1',
    `digits=${DIGITS}`,
    `period=${STEP_SECONDS}`,
  ];
  return `otpauth://totp/${label}?${parameters.join('&')}`;
}
