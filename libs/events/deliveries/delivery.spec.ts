import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { retryAfterSeconds, retryDelay } from './delivery.js';

describe('when a delivery is tried again', () => {
  it('after 10, 20, 40 … seconds, up to the longest', () => {
    expect([1, 2, 3, 4, 9, 10, 99].map((attempts) => retryDelay(attempts, 3600, 0))).toEqual([
      10, 20, 40, 80, 2560, 3600, 3600,
    ]);
  });

  it('shortened by less than a tenth, so that those that failed together spread', () => {
    const fractions = fc.nat(99).map((hundredths) => hundredths / 100);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fractions, (attempts, fraction) => {
        const longest = retryDelay(attempts, 3600, 0);
        const delay = retryDelay(attempts, 3600, fraction);
        expect(delay).toBeLessThanOrEqual(longest);
        expect(delay).toBeGreaterThan(longest * 0.9);
      }),
    );
    expect(retryDelay(3, 3600, 0.5)).toBe(38);
  });

  it('RFC 9110 §10.2.3: Retry-After is a number of seconds or a date, and anything else is not there', () => {
    const now = new Date('2026-03-01T12:00:00Z');
    expect(retryAfterSeconds('120', now)).toBe(120);
    expect(retryAfterSeconds('0', now)).toBe(0);
    expect(retryAfterSeconds('Sun, 01 Mar 2026 12:01:30 GMT', now)).toBe(90);
    expect(retryAfterSeconds('Sun, 01 Mar 2026 11:00:00 GMT', now)).toBe(0);
    for (const field of [undefined, '', '-1', '1.5', 'soon', '2026-03-01', '1e3', '99999999999']) {
      expect(retryAfterSeconds(field, now)).toBeUndefined();
    }
  });
});
