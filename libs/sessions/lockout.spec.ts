import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { delayAfter } from './lockout.js';

describe('the delay after failed sign-ins', () => {
  it('none before the free tries are used up, then 30 s, doubling, at most 15 minutes', () => {
    expect(Array.from({ length: 12 }, (_, index) => delayAfter(index + 1, 5))).toEqual([
      0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900,
    ]);
  });

  it('never falls as failures grow, and never exceeds 15 minutes', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 3, max: 100 }), (failures, free) => {
        const delay = delayAfter(failures, free);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(900);
        expect(delayAfter(failures + 1, free)).toBeGreaterThanOrEqual(delay);
      }),
    );
  });
});
