import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { base32, matchingStep, readTotpCode, totpCode, totpStep, totpUri } from './totp.js';

const secret = Buffer.from('12345678901234567890');
const at = (seconds: number) => new Date(seconds * 1000);

describe('one-time codes by the clock', () => {
  it.each([
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ])('RFC 6238 appendix B: at %d the code is %s', (seconds, code) => {
    expect(totpCode(secret, totpStep(at(seconds)), 8)).toBe(code);
    expect(totpCode(secret, totpStep(at(seconds)))).toBe(code.slice(2));
  });

  it.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ])('RFC 4648 §10: base32 of "%s" is "%s"', (text, encoded) => {
    expect(base32(Buffer.from(text))).toBe(encoded);
  });

  it('OWASP ASVS 5.0 6.5.5: a code is taken from 5 seconds before its half minute until 25 after it, and no longer', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.integer({ min: 1_000_000, max: 100_000_000 }),
        fc.oneof(fc.integer({ min: -120, max: 120 }), fc.constantFrom(-6, -5, 54, 55)),
        (bytes, step, seconds) => {
          const key = Buffer.from(bytes);
          const found = matchingStep(key, totpCode(key, step), at(step * 30 + seconds));
          if (seconds >= -5 && seconds < 55) expect(found).toBeDefined();
          // another step may have the same six digits, once in a million
          else expect(found).not.toBe(step);
        },
      ),
    );
  });

  it('a code may be typed with spaces between its digits, and nothing else is a code', () => {
    expect(readTotpCode(' 123 456 ')).toBe('123456');
    for (const text of ['', '12345', '1234567', 'abcdef', '12345６', '-1.2e3', '12345\0']) {
      expect(readTotpCode(text)).toBeUndefined();
    }
  });

  it('the address for the app names issuer and account, whatever characters they have', () => {
    const uri = new URL(totpUri('Core Auth', 'o&o+x@acme.example', secret));
    expect(uri.protocol + uri.host + decodeURIComponent(uri.pathname)).toBe(
      'otpauth:totp/Core Auth:o&o+x@acme.example',
    );
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
      issuer: 'Core Auth',
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    });
  });
});
