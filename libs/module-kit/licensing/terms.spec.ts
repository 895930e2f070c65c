import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decide } from './decide.js';
import type { LicenseSnapshot, SnapshotLicense, SnapshotTerms } from './snapshot.js';
import { termsAt, termsBoundaries } from './terms.js';

const hour = 3_600_000;
const origin = Date.parse('2026-03-01T00:00:00.000Z');
const at = (hours: number) => new Date(origin + hours * hour);

const terms = (hours: number, changes: Partial<SnapshotTerms> = {}): SnapshotTerms => ({
  effectiveAt: at(hours).toISOString(),
  seatModel: 'unlimited',
  seatLimit: null,
  surplusUntil: null,
  features: { charts: hours + 100 },
  ...changes,
});

function licenseWith(all: readonly SnapshotTerms[], changes: Partial<SnapshotLicense> = {}): SnapshotLicense {
  return {
    ...({ id: 'license-1', module: 'reports', environment: 'production', status: 'issued' } as const),
    ...({ startsAt: at(-1000).toISOString(), endsAt: null, graceDays: 0, trial: false } as const),
    ...({ overage: 'refuse', timeZone: 'UTC', seatOnFirstUse: false, overrides: [], seats: [] } as const),
    terms: all,
    ...changes,
  };
}

function ask(license: SnapshotLicense, now: Date, feature?: string) {
  const snapshot: LicenseSnapshot = {
    organization: { id: 'organization-1', key: 'acme', state: 'active' },
    version: 1,
    modules: [
      {
        ...{ key: 'reports', name: 'Reports', environment: 'production', baseUrl: 'https://reports.example' },
        features: [{ key: 'charts', type: 'limit', combine: 'max' }],
      },
    ],
    licenses: [license],
  };
  const question = { userId: 'ada', module: 'reports', environment: 'production' };
  return decide(snapshot, feature === undefined ? question : { ...question, feature }, now);
}

const ascending = fc
  .uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 6 })
  .map((hours) => hours.toSorted((one, other) => one - other).map((one) => terms(one)));
const instants = fc
  .tuple(fc.integer({ min: -25, max: 25 }), fc.constantFrom(-1, 0, 1))
  .map(([hours, milliseconds]) => at(hours).getTime() + milliseconds);

describe('the terms of a license at an instant', () => {
  it('change at the first millisecond of the next ones, and the first hold before any has begun', () => {
    const license = licenseWith([terms(0), terms(10), terms(20)]);
    const heldAt = (hours: number, milliseconds = 0) =>
      termsAt(license, at(hours).getTime() + milliseconds).features['charts'];
    expect([heldAt(-5), heldAt(0), heldAt(10, -1)]).toEqual([100, 100, 100]);
    expect([heldAt(10), heldAt(20, -1)]).toEqual([110, 110]);
    expect([heldAt(20), heldAt(5000)]).toEqual([120, 120]);
  });

  it('are the latest that have begun, whatever there is', () => {
    fc.assert(
      fc.property(ascending, instants, (all, now) => {
        const begun = all.map(({ effectiveAt }) => Date.parse(effectiveAt)).filter((one) => one <= now);
        const expected = begun.length > 0 ? Math.max(...begun) : Date.parse(all[0]?.effectiveAt ?? '');
        expect(Date.parse(termsAt(licenseWith(all), now).effectiveAt)).toBe(expected);
      }),
    );
  });

  it('stay the same between two of their boundaries, which name when a surplus has to go as well', () => {
    const surplus = terms(5, { seatModel: 'named', seatLimit: 2, surplusUntil: at(7).toISOString() });
    expect(termsBoundaries(licenseWith([terms(0), surplus]))).toEqual(
      [0, 5, 7].map((hours) => at(hours).getTime()),
    );
    fc.assert(
      fc.property(ascending, instants, instants, (all, one, other) => {
        const [from, to] = one < other ? [one, other] : [other, one];
        const between = termsBoundaries(licenseWith(all)).some(
          (boundary) => from < boundary && boundary <= to,
        );
        if (!between) {
          expect(termsAt(licenseWith(all), from)).toBe(termsAt(licenseWith(all), to));
        }
      }),
    );
  });

  it('of no terms at all are an error of who made the license', () => {
    expect(() => termsAt({ terms: [] }, 0)).toThrow('a license without terms');
  });
});

describe('a decision under terms that change', () => {
  it('gives what the plan of that instant includes, and holds until the plan changes', () => {
    const license = licenseWith([terms(0), terms(10)]);
    expect(ask(license, at(9), 'charts')).toMatchObject({ limit: 100, nextTransitionAt: at(10) });
    expect(ask(license, at(10), 'charts')).toMatchObject({ limit: 110, nextTransitionAt: null });
  });

  it('needs a seat from the instant on at which seats are named', () => {
    const license = licenseWith([terms(0), terms(10, { seatModel: 'named', seatLimit: 5 })]);
    expect(ask(license, new Date(at(10).getTime() - 1))).toMatchObject({
      code: 'OK',
      nextTransitionAt: at(10),
    });
    expect(ask(license, at(10)).code).toBe('SEAT_REQUIRED');
  });

  it('names no transition once access has ended, though terms and overrides come after it', () => {
    const override = {
      ...{ feature: 'charts', removed: false, value: 7 },
      startsAt: at(60).toISOString(),
      endsAt: null,
    };
    const license = licenseWith([terms(0), terms(50)], {
      endsAt: at(20).toISOString(),
      overrides: [override],
    });
    expect(ask(license, at(10), 'charts')).toMatchObject({ code: 'OK', nextTransitionAt: at(20) });
    expect(ask(license, at(20), 'charts')).toMatchObject({ code: 'EXPIRED', nextTransitionAt: null });
  });
});
