import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decide } from './decide.js';
import type { FeatureCombine, FeatureValue, LicenseSnapshot, SnapshotLicense } from './snapshot.js';

const now = new Date('2026-03-15T12:00:00.000Z');
const startsAt = '2026-01-01T00:00:00.000Z';

interface Metered {
  readonly id?: string;
  readonly value?: FeatureValue | undefined;
  readonly overage?: 'refuse' | 'allow';
  readonly grace?: boolean;
}

function licenseOf({ id = 'license-1', value, overage = 'refuse', grace = false }: Metered): SnapshotLicense {
  return {
    ...({ id, module: 'reports', environment: 'production', status: 'issued', startsAt } as const),
    endsAt: grace ? '2026-03-15T00:00:00.000Z' : null,
    ...({ graceDays: 5, trial: false, overage, timeZone: 'UTC', seatOnFirstUse: false } as const),
    ...{ overrides: [], seats: [] },
    terms: [
      {
        ...({ effectiveAt: startsAt, seatModel: 'unlimited', seatLimit: null, surplusUntil: null } as const),
        features: value === undefined ? {} : { renders: value },
      },
    ],
  };
}

function ask(licenses: Metered[], current: number, combine: FeatureCombine = 'sum', amount = 1) {
  const snapshot: LicenseSnapshot = {
    organization: { id: 'organization-1', key: 'acme', state: 'active' },
    version: 1,
    modules: [
      {
        ...{ key: 'reports', name: 'Reports', environment: 'production', baseUrl: 'https://reports.example' },
        features: [{ key: 'renders', type: 'metered', combine, period: 'month' }],
      },
    ],
    licenses: licenses.map((one, index) => licenseOf({ id: `license-${index + 1}`, ...one })),
  };
  const question = { module: 'reports', environment: 'production', feature: 'renders', current, amount };
  return decide(snapshot, { userId: 'ada', ...question }, now);
}

describe('a metered feature', () => {
  it('is OK up to its limit and QUOTA_EXCEEDED beyond, where a limit would be LIMIT_EXCEEDED', () => {
    expect(ask([{ value: 10 }], 9)).toMatchObject({ code: 'OK', limit: 10 });
    expect(ask([{ value: 10 }], 10)).toMatchObject({ allow: false, code: 'QUOTA_EXCEEDED', limit: 10 });
    expect(ask([{ value: 10 }], 7, 'sum', 4).code).toBe('QUOTA_EXCEEDED');
  });

  it('is measured against the limit of all licenses together', () => {
    expect(ask([{ value: 10 }, { value: 5 }], 14)).toMatchObject({ code: 'OK', limit: 15 });
    expect(ask([{ value: 10 }, { value: 5 }], 15)).toMatchObject({ code: 'QUOTA_EXCEEDED', limit: 15 });
    expect(ask([{ value: 10 }, { value: 5 }], 10, 'max')).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      limit: 10,
    });
    expect(ask([{ value: 10 }, { value: null }], 1_000_000)).toMatchObject({ code: 'OK', limit: null });
  });

  it('is OK_OVERAGE beyond the limit where a license that includes it allows that, which pays', () => {
    expect(ask([{ value: 10 }, { value: 5, overage: 'allow' }], 15)).toEqual({
      ...{ allow: true, code: 'OK_OVERAGE', licenseId: 'license-2', version: 1, limit: 15 },
      ...{ decidedAt: now, nextTransitionAt: null },
    });
    expect(ask([{ value: 0, overage: 'allow' }], 0).code).toBe('OK_OVERAGE');
  });

  it('is not billed to a license that does not include it', () => {
    expect(ask([{ value: 10 }, { overage: 'allow' }], 10).code).toBe('QUOTA_EXCEEDED');
    expect(ask([{ overage: 'allow' }], 0).code).toBe('FEATURE_NOT_INCLUDED');
    expect(ask([{ value: true, overage: 'allow' }], 0).code).toBe('FEATURE_NOT_INCLUDED');
  });

  it('is OK_GRACE where only a license in grace makes the limit large enough', () => {
    expect(ask([{ value: 10 }, { value: 5, grace: true }], 9).code).toBe('OK');
    expect(ask([{ value: 10 }, { value: 5, grace: true }], 14)).toMatchObject({
      code: 'OK_GRACE',
      licenseId: 'license-2',
    });
  });

  it('answers as the arithmetic of its licenses says', () => {
    const meters = fc.record({
      value: fc.option(fc.constantFrom<FeatureValue>(0, 1, 3, 8, null), { nil: undefined }),
      overage: fc.constantFrom('refuse', 'allow'),
    });
    fc.assert(
      fc.property(
        fc.array(meters, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('sum', 'max'),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: 4 }),
        (licenses, combine, current, amount) => {
          const including = licenses.filter(({ value }) => value !== undefined);
          const numbers = including.map(({ value }) => (value === null ? Infinity : Number(value)));
          const sum = numbers.reduce((total, one) => total + one, 0);
          const limit = combine === 'sum' ? sum : Math.max(...numbers);
          const overage = including.some((one) => one.overage === 'allow') ? 'OK_OVERAGE' : 'QUOTA_EXCEEDED';
          const within = current + amount <= limit ? 'OK' : overage;
          const expected = including.length === 0 ? 'FEATURE_NOT_INCLUDED' : within;
          expect(ask(licenses, current, combine, amount).code).toBe(expected);
        },
      ),
      { numRuns: 500 },
    );
  });
});
