import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newRecoveryCode, readRecoveryCode, recoveryCodeDigest } from './recovery-code.js';

const SHOWN = '0123-4567-89AB-CDEF-GHJK-MNPQ';

describe('recovery codes', () => {
  it('are 120 random bits in six groups, and no two are alike', () => {
    const codes = Array.from({ length: 500 }, newRecoveryCode);
    for (const code of codes) expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(new Set(codes).size).toBe(codes.length);
    expect(new Set(codes.join('').replaceAll('-', '')).size).toBe(32);
  });

  it('may be typed in small letters, with spaces, and with the letters that look like digits', () => {
    for (const typed of [
      SHOWN,
      SHOWN.toLowerCase(),
      ' 0123 4567 89ab cdef ghjk mnpq ',
      'oI23-4567-89AB-CDEF-GHJK-MNPQ',
    ]) {
      expect(readRecoveryCode(typed)).toBe('0123456789ABCDEFGHJKMNPQ');
    }
  });

  it('are read to the same text that was shown, and nothing else is read', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40, unit: 'binary' }), (text) => {
        const read = readRecoveryCode(text);
        if (read !== undefined) expect(read).toMatch(/^[0-9A-HJKMNP-TV-Z]{24}$/);
      }),
    );
    for (let round = 0; round < 100; round += 1) {
      const code = newRecoveryCode();
      expect(readRecoveryCode(code)).toBe(code.replaceAll('-', ''));
    }
    for (const text of ['', '0123-4567-89AB-CDEF', `${SHOWN}A`, `U${SHOWN.slice(1)}`]) {
      expect(readRecoveryCode(text)).toBeUndefined();
    }
  });

  it('have another digest for another account', () => {
    expect(recoveryCodeDigest('a', 'x').equals(recoveryCodeDigest('b', 'x'))).toBe(false);
  });
});
