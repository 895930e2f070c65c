import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { spread, thresholdsCrossed, total, type Bearer } from './spread.js';

const bearer = (licenseId: string, limit: number | null, more: Partial<Bearer> = {}): Bearer => ({
  licenseId,
  limit,
  overage: 'refuse',
  timeZone: 'UTC',
  inGrace: false,
  ends: Infinity,
  ...more,
});
const used = (counts: Readonly<Record<string, number>> = {}) => new Map(Object.entries(counts));
const share = (licenseId: string, amount: number, overage = 0) => ({ licenseId, amount, overage });

describe('spread', () => {
  it('fills each license in order with sum, and asks for no more than it needs', () => {
    const bearers = [bearer('a', 2), bearer('b', 3), bearer('c', null)];
    expect(spread(bearers, 'sum', used({ a: 1 }), 3)).toEqual({
      code: 'OK',
      shares: [share('a', 1), share('b', 2)],
    });
    expect(spread(bearers, 'sum', used({ a: 2, b: 3 }), 9)).toEqual({ code: 'OK', shares: [share('c', 9)] });
  });

  it('lets the first license alone bear it with max', () => {
    const bearers = [bearer('a', 5), bearer('b', 4)];
    expect(spread(bearers, 'max', used({ a: 4 }), 1)).toEqual({ code: 'OK', shares: [share('a', 1)] });
    expect(spread(bearers, 'max', used({ a: 4 }), 2)).toEqual({ code: 'QUOTA_EXCEEDED', shares: [] });
  });

  it('refuses the whole of what does not fit', () => {
    const bearers = [bearer('a', 2), bearer('b', 3)];
    expect(spread(bearers, 'sum', used(), 5).code).toBe('OK');
    expect(spread(bearers, 'sum', used(), 6)).toEqual({ code: 'QUOTA_EXCEEDED', shares: [] });
  });

  it('bills the rest to the license that allows overage, the one that ends last', () => {
    const allow = { overage: 'allow' } as const;
    const bearers = [
      bearer('a', 2, { ...allow, ends: 1 }),
      bearer('b', 3, { ...allow, ends: 2 }),
      bearer('c', 1),
    ];
    expect(spread(bearers, 'sum', used(), 10)).toEqual({
      code: 'OK_OVERAGE',
      shares: [share('a', 2), share('c', 1), share('b', 7, 4)],
    });
    expect(spread([bearer('a', 5), bearer('b', 4, allow)], 'max', used({ a: 5 }), 2)).toEqual({
      code: 'OK_OVERAGE',
      shares: [share('b', 2, 2)],
    });
    expect(spread([bearer('a', 5, allow), bearer('b', 4, allow)], 'max', used({ a: 5 }), 2).shares).toEqual([
      share('a', 2, 2),
    ]);
  });

  it('is in grace only if the licenses still running would not have been enough', () => {
    const bearers = [bearer('a', 5, { inGrace: true }), bearer('b', 3)];
    expect(spread(bearers, 'sum', used(), 3).code).toBe('OK');
    expect(spread(bearers, 'sum', used(), 4).code).toBe('OK_GRACE');
    expect(spread(bearers, 'sum', used({ b: 3 }), 1).code).toBe('OK_GRACE');
    expect(spread(bearers, 'max', used(), 4).code).toBe('OK_GRACE');
  });

  it('a license whose limit was lowered below its use has no room, and takes none from others', () => {
    expect(spread([bearer('a', 2), bearer('b', 3)], 'sum', used({ a: 5 }), 3)).toEqual({
      code: 'OK',
      shares: [share('b', 3)],
    });
  });

  const bearers = fc.array(
    fc.record({
      limit: fc.option(fc.nat({ max: 20 })),
      overage: fc.constantFrom('refuse' as const, 'allow' as const),
      inGrace: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  );
  const combine = fc.constantFrom('max' as const, 'sum' as const);

  it('shares are the whole amount or nothing, never beyond a limit but as overage that is allowed', () => {
    fc.assert(
      fc.property(
        bearers,
        combine,
        fc.array(fc.nat({ max: 25 }), { minLength: 5, maxLength: 5 }),
        fc.integer({ min: 1, max: 60 }),
        (licenses, how, counts, amount) => {
          const all = licenses.map((license, index) => bearer(`l${index}`, license.limit, license));
          const usedBy = new Map(all.map(({ licenseId }, index) => [licenseId, counts[index] ?? 0]));
          const { code, shares } = spread(all, how, usedBy, amount);
          const borne = shares.reduce((sum, one) => sum + one.amount, 0);
          expect(borne).toBe(code === 'QUOTA_EXCEEDED' ? 0 : amount);
          expect(shares.some(({ overage }) => overage > 0)).toBe(code === 'OK_OVERAGE');
          expect(new Set(shares.map(({ licenseId }) => licenseId)).size).toBe(shares.length);
          for (const { licenseId, amount: part, overage } of shares) {
            const license = all.find((one) => one.licenseId === licenseId);
            const before = usedBy.get(licenseId) ?? 0;
            expect(part).toBeGreaterThan(0);
            if (overage > 0) expect(license?.overage).toBe('allow');
            else expect(before + part).toBeLessThanOrEqual(license?.limit ?? Infinity);
          }
          // with no room anywhere, and nobody to bill, nothing else is answered
          const refusing = all.every(({ overage }) => overage === 'refuse');
          if (code === 'QUOTA_EXCEEDED') expect(refusing).toBe(true);
        },
      ),
    );
  });
});

describe('total', () => {
  it('adds up limits and use with sum, and tells those of the largest with max', () => {
    const bearers = [bearer('a', 5), bearer('b', 4)];
    expect(total(bearers, 'sum', used({ a: 1, b: 2 }))).toEqual({ used: 3, limit: 9 });
    expect(total(bearers, 'max', used({ a: 1, b: 2 }))).toEqual({ used: 1, limit: 5 });
    expect(total([...bearers, bearer('c', 3, { overage: 'allow' })], 'max', used({ a: 5, c: 2 }))).toEqual({
      ...{ used: 7, limit: 5 },
    });
    expect(total([...bearers, bearer('c', null)], 'sum', used({ a: 1 }))).toEqual({ used: 1, limit: null });
    expect(total([], 'sum', used())).toEqual({ used: 0, limit: null });
  });
});

describe('thresholdsCrossed', () => {
  it('are those that are reached and were not announced, ascending', () => {
    const thresholds = [100, 50, 80];
    expect(thresholdsCrossed(thresholds, 0, 4, 10)).toEqual([]);
    expect(thresholdsCrossed(thresholds, 0, 5, 10)).toEqual([50]);
    expect(thresholdsCrossed(thresholds, 50, 5, 10)).toEqual([]);
    expect(thresholdsCrossed(thresholds, 50, 10, 10)).toEqual([80, 100]);
    expect(thresholdsCrossed(thresholds, 0, 1000, null)).toEqual([]);
  });

  it('are exact where numbers times 100 are not', () => {
    const limit = Number.MAX_SAFE_INTEGER;
    expect(thresholdsCrossed([100], 0, limit - 1, limit)).toEqual([]);
    expect(thresholdsCrossed([100], 0, limit, limit)).toEqual([100]);
  });
});
