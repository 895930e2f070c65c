import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { isCommonPassword, KeyFilter, passwordKey } from './common-passwords.js';

describe('the filter of common passwords', () => {
  it('forgets none of its keys', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 200 }), (keys) => {
        const filter = KeyFilter.of(keys);
        expect(keys.every((key) => filter.has(key))).toBe(true);
      }),
    );
  });

  it('is the same whatever the order of its keys', () => {
    const keys = Array.from({ length: 500 }, (_, index) => `key ${index}`);
    expect(KeyFilter.of(keys).bits.equals(KeyFilter.of(keys.toReversed()).bits)).toBe(true);
  });

  it('takes fewer than one in 10,000 other passwords for one of the list', () => {
    const tries = 100_000;
    let taken = 0;
    for (let count = 0; count < tries; count += 1) {
      if (isCommonPassword(`${randomBytes(12).toString('base64url')}z`)) taken += 1;
    }
    // one is expected; ten by chance would be seen once in ten million runs
    expect(taken / tries).toBeLessThan(1 / 10_000);
  });

  it('a key is what is left without case, compatibility characters, and digits and signs around the letters', () => {
    expect(passwordKey('123Dragon!!')).toBe('dragon');
    expect(passwordKey('ｄｒａｇｏｎ')).toBe('dragon');
    expect(passwordKey('drag0n')).toBe('drag0n');
    expect(passwordKey('12-ab-34')).toBe('12-ab-34');
    expect(passwordKey('')).toBe('');
  });
});
