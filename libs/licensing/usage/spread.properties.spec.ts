import { describe, expect, it } from '@jest/globals';
import { decide, type DecisionQuestion, type LicenseSnapshot } from '@core-auth/module-kit/licensing';
import fc from 'fast-check';
import { bearersOf, spread, total } from './spread.js';

const FIRST = Date.parse('2026-01-01T00:00:00.000Z');
const DAY = 86_400_000;
const day = (number: number) => new Date(FIRST + number * DAY).toISOString();

const limit = fc.option(fc.nat({ max: 9 }));
const seats = fc.constantFrom(
  { seatModel: 'unlimited', seatLimit: null } as const,
  { seatModel: 'named', seatLimit: 1 } as const,
  { seatModel: 'floating', seatLimit: 1 } as const,
);
const license = fc.record({
  environment: fc.constantFrom('production', 'production', 'production', 'staging'),
  module: fc.constantFrom('reports', 'reports', 'reports', 'desk'),
  status: fc.constantFrom('issued', 'issued', 'issued', 'suspended', 'revoked' as const),
  starts: fc.integer({ min: 0, max: 4 }),
  length: fc.option(fc.integer({ min: 1, max: 6 })),
  graceDays: fc.nat({ max: 3 }),
  overage: fc.constantFrom('refuse', 'refuse', 'allow' as const),
  seated: fc.subarray(['ann', 'bob']),
  terms: fc.array(fc.tuple(seats, fc.option(limit, { nil: undefined })), { minLength: 1, maxLength: 2 }),
  override: fc.option(fc.record({ removed: fc.boolean(), value: limit, startsAt: fc.nat({ max: 6 }) })),
});
const snapshot = fc
  .tuple(fc.array(license, { maxLength: 4 }), fc.constantFrom('max', 'sum' as const))
  .map(([licenses, combine]) => ({
    organization: { id: 'acme', key: 'acme', state: 'active' },
    version: 1,
    modules: [
      {
        ...{ key: 'reports', name: 'Reports', environment: 'production', baseUrl: 'https://reports.example' },
        features: [{ key: 'renders', type: 'metered', combine, period: 'month' }],
      },
    ],
    licenses: licenses.map(({ starts, length, seated, terms, override, ...rest }, index) => ({
      ...rest,
      id: `license-${index}`,
      startsAt: day(starts),
      endsAt: length === null ? null : day(starts + length),
      ...{ trial: false, timeZone: 'UTC', seatOnFirstUse: false },
      seats: seated,
      terms: terms.map(([seating, value], turn) => ({
        ...{ effectiveAt: day(starts + turn * 2), surplusUntil: null, ...seating },
        features: value === undefined ? {} : { renders: value },
      })),
      overrides: override
        ? [{ ...override, feature: 'renders', startsAt: day(override.startsAt), endsAt: null }]
        : [],
    })),
  })) as fc.Arbitrary<LicenseSnapshot>;
const question = fc.record(
  {
    userId: fc.constantFrom(null, 'ann', 'bob'),
    module: fc.constant('reports'),
    environment: fc.constantFrom('production', 'production', 'production', 'staging'),
    feature: fc.constant('renders'),
    leases: fc.array(
      fc.record(
        {
          licenseId: fc.constantFrom('license-0', 'license-1'),
          until: fc.nat({ max: 9 }).map((number) => new Date(FIRST + number * DAY)),
        },
        { requiredKeys: ['until'] },
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: ['userId', 'module', 'environment', 'feature'] },
) as fc.Arbitrary<DecisionQuestion>;

describe('who bears use, and what decide says', () => {
  it('agree: on who is let in at all, on the combined limit, and on the answer to every amount', () => {
    fc.assert(
      fc.property(
        snapshot,
        question,
        fc.nat({ max: 9 }),
        fc.integer({ min: 1, max: 30 }),
        (sold, asked, at, amount) => {
          const now = new Date(FIRST + at * DAY);
          const [definition] = sold.modules[0]?.features ?? [];
          if (!definition) throw new Error('no feature');
          const nothing = decide(sold, { ...asked, amount: 0 }, now);
          const bearers = nothing.allow ? bearersOf(sold, definition, asked, now.getTime()) : [];
          expect(bearers.length > 0).toBe(nothing.allow);
          if (!nothing.allow) return;
          const { combine } = definition;
          expect(total(bearers, combine, new Map()).limit).toBe(nothing.limit);
          const { code } = decide(sold, { ...asked, amount }, now);
          expect(spread(bearers, combine, new Map(), amount).code).toBe(code);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('bearers come in the order in which they bear: with sum the soonest end first, with max the largest', () => {
    fc.assert(
      fc.property(snapshot, question, fc.nat({ max: 9 }), (sold, asked, at) => {
        const [definition] = sold.modules[0]?.features ?? [];
        if (!definition) throw new Error('no feature');
        const bearers = bearersOf(sold, definition, asked, FIRST + at * DAY);
        const reversed = { ...sold, licenses: sold.licenses.toReversed() };
        expect(bearersOf(reversed, definition, asked, FIRST + at * DAY)).toEqual(bearers);
        for (const [index, next] of bearers.slice(1).entries()) {
          const before = bearers[index];
          if (definition.combine === 'sum') expect(before?.ends).toBeLessThanOrEqual(next.ends);
          else expect(before?.limit ?? Infinity).toBeGreaterThanOrEqual(next.limit ?? Infinity);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
