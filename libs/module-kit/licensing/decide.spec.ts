import { describe, expect, it } from '@jest/globals';
import { decide } from './decide.js';
import { httpStatusOfDecision, type DecisionQuestion } from './decision.js';
import type { LicenseSnapshot, SnapshotLicense, SnapshotTerms } from './snapshot.js';

const ends = '2026-07-01T00:00:00.000Z';
const during = new Date('2026-06-01T00:00:00.000Z');

type Changes = Partial<Omit<SnapshotLicense, 'terms'> & SnapshotTerms>;

/** A license with one set of terms. */
function license(changes: Changes = {}): SnapshotLicense {
  const { seatModel, seatLimit, surplusUntil, features, effectiveAt, ...own } = changes;
  const startsAt = own.startsAt ?? '2026-01-01T00:00:00.000Z';
  const terms = {
    effectiveAt: effectiveAt ?? startsAt,
    seatModel: seatModel ?? 'unlimited',
    seatLimit: seatLimit ?? null,
    surplusUntil: surplusUntil ?? null,
    features: features ?? { export: true, charts: 5 },
  };
  return {
    id: 'license-1',
    module: 'reports',
    environment: 'production',
    status: 'issued',
    endsAt: ends,
    graceDays: 10,
    trial: false,
    overage: 'refuse',
    timeZone: 'UTC',
    seatOnFirstUse: false,
    overrides: [],
    seats: [],
    ...own,
    startsAt,
    terms: [terms],
  };
}

function snapshot(licenses: SnapshotLicense[], changes: Partial<LicenseSnapshot> = {}): LicenseSnapshot {
  return {
    organization: { id: 'organization-1', key: 'acme', state: 'active' },
    version: 7,
    modules: [
      {
        key: 'reports',
        name: 'Reports',
        environment: 'production',
        baseUrl: 'https://reports.example',
        features: [
          { key: 'export', type: 'boolean', combine: 'max' },
          { key: 'charts', type: 'limit', combine: 'max' },
          { key: 'storage', type: 'limit', combine: 'sum' },
          { key: 'constructor', type: 'boolean', combine: 'max' },
        ],
      },
    ],
    licenses,
    ...changes,
  };
}

const ask = (licenses: SnapshotLicense[], question: Partial<DecisionQuestion> = {}, now = during) =>
  decide(
    snapshot(licenses),
    { userId: 'ada', module: 'reports', environment: 'production', ...question },
    now,
  );

const named = { seatModel: 'named', seatLimit: 5 } as const;
const later = (instant: string, milliseconds: number) => new Date(Date.parse(instant) + milliseconds);
const graceEnds = '2026-07-11T00:00:00.000Z';

describe('organization, module and environment', () => {
  const question = { userId: 'ada', module: 'reports', environment: 'production' };

  it('without an organization the answer is ORG_CONTEXT_REQUIRED', () => {
    expect(decide(undefined, question, during)).toEqual({
      allow: false,
      code: 'ORG_CONTEXT_REQUIRED',
      licenseId: null,
      version: null,
      decidedAt: during,
      nextTransitionAt: null,
    });
  });

  it('a suspended organization is ORG_SUSPENDED whatever it has bought', () => {
    const organization = { id: 'organization-1', key: 'acme', state: 'suspended' } as const;
    expect(decide(snapshot([license()], { organization }), question, during)).toMatchObject({
      allow: false,
      code: 'ORG_SUSPENDED',
    });
  });

  it('a module that is not sold here is MODULE_UNKNOWN, even in a suspended organization', () => {
    const organization = { id: 'organization-1', key: 'acme', state: 'suspended' } as const;
    const asked = { ...question, module: 'ledger' };
    expect(decide(snapshot([license()], { organization }), asked, during).code).toBe('MODULE_UNKNOWN');
  });

  it('another environment than the module runs in, or than every license is for, is ENV_MISMATCH', () => {
    expect(ask([license()], { environment: 'staging' }).code).toBe('ENV_MISMATCH');
    expect(ask([license({ environment: 'staging' })]).code).toBe('ENV_MISMATCH');
    expect(ask([license({ environment: 'staging' })], { environment: 'staging' }).code).toBe('ENV_MISMATCH');
    expect(ask([license({ environment: 'staging' }), license({ id: 'license-2' })]).licenseId).toBe(
      'license-2',
    );
  });

  it('no license, one of another module, or a draft is NO_LICENSE', () => {
    expect(ask([]).code).toBe('NO_LICENSE');
    expect(ask([license({ module: 'projects' })]).code).toBe('NO_LICENSE');
    expect(ask([license({ status: 'draft' })]).code).toBe('NO_LICENSE');
    expect(ask([license({ status: 'draft', environment: 'staging' })]).code).toBe('NO_LICENSE');
  });
});

describe('the order in which it is decided', () => {
  const ada = { userId: 'ada', module: 'reports', environment: 'production' };
  const suspended = { organization: { id: 'organization-1', key: 'acme', state: 'suspended' } } as const;

  it('module, its environment, the organization, licenses, their environment and time, seat, feature: what comes first is answered', () => {
    const wrong = { ...ada, module: 'ledger', environment: 'staging', feature: 'absent' };
    const expired = license({ endsAt: '2026-02-01T00:00:00.000Z', ...named, seatLimit: 0, seats: ['bob'] });
    const codeOf = (licenses: SnapshotLicense[], question: DecisionQuestion, changes = {}) =>
      decide(snapshot(licenses, changes), question, during).code;
    expect([
      codeOf([], wrong, suspended),
      codeOf([], { ...wrong, module: 'reports' }, suspended),
      codeOf([], { ...ada, feature: 'absent' }, suspended),
      codeOf([expired], { ...ada, feature: 'absent' }, suspended),
      codeOf([], { ...ada, feature: 'absent' }),
      codeOf([{ ...expired, environment: 'staging' }], { ...ada, feature: 'absent' }),
      codeOf([expired], { ...ada, feature: 'absent' }),
      codeOf([license(named)], { ...ada, feature: 'absent' }),
      codeOf([license()], { ...ada, feature: 'absent' }),
      codeOf([license({ features: {} })], { ...ada, feature: 'charts', current: 9 }),
      codeOf([license()], { ...ada, feature: 'charts', current: 9 }),
      codeOf([license()], ada),
    ]).toEqual([
      ...['MODULE_UNKNOWN', 'ENV_MISMATCH', 'ORG_SUSPENDED', 'ORG_SUSPENDED', 'NO_LICENSE', 'ENV_MISMATCH'],
      ...['EXPIRED', 'SEAT_REQUIRED', 'FEATURE_NOT_INCLUDED', 'FEATURE_NOT_INCLUDED', 'LIMIT_EXCEEDED', 'OK'],
    ]);
  });
});

describe('time and status', () => {
  it('the term is half-open: OK at its first millisecond, OK_GRACE at ends_at, EXPIRED at the end of grace', () => {
    const codeAt = (now: Date) => ask([license()], {}, now).code;
    expect(codeAt(later('2026-01-01T00:00:00.000Z', -1))).toBe('NOT_STARTED');
    expect(codeAt(later('2026-01-01T00:00:00.000Z', 0))).toBe('OK');
    expect(codeAt(later(ends, -1))).toBe('OK');
    expect(codeAt(later(ends, 0))).toBe('OK_GRACE');
    expect(codeAt(later(graceEnds, -1))).toBe('OK_GRACE');
    expect(codeAt(later(graceEnds, 0))).toBe('EXPIRED');
  });

  it('without grace the license expires at ends_at, and a trial is TRIAL_ENDED', () => {
    expect(ask([license({ graceDays: 0 })], {}, new Date(ends)).code).toBe('EXPIRED');
    expect(ask([license({ graceDays: 0, trial: true })], {}, new Date(ends)).code).toBe('TRIAL_ENDED');
  });

  it('a license without an end never expires', () => {
    const decision = ask([license({ endsAt: null })], {}, new Date('2999-01-01T00:00:00.000Z'));
    expect(decision).toMatchObject({ code: 'OK', nextTransitionAt: null });
  });

  it('suspended, cancelled and revoked licenses deny with their names', () => {
    expect(ask([license({ status: 'suspended' })]).code).toBe('SUSPENDED');
    expect(ask([license({ status: 'cancelled' })]).code).toBe('CANCELLED');
    expect(ask([license({ status: 'revoked' })]).code).toBe('REVOKED');
  });

  it('suspension does not stop the clock, and a terminal state outlives it', () => {
    expect(ask([license({ status: 'suspended' })], {}, new Date(graceEnds)).code).toBe('EXPIRED');
    expect(ask([license({ status: 'revoked' })], {}, new Date(graceEnds)).code).toBe('REVOKED');
  });

  it('an over-allocated license that has expired is EXPIRED', () => {
    const both = license({ ...named, seatLimit: 1, seats: ['bob', 'ada'] });
    expect(ask([both], {}, new Date(graceEnds)).code).toBe('EXPIRED');
  });
});

describe('several licenses', () => {
  it('of denials the one nearest to being allowed is answered', () => {
    const inOrder = [
      license({ id: 'scheduled', startsAt: '2026-06-15T00:00:00.000Z' }),
      license({ id: 'suspended', status: 'suspended' }),
      license({ id: 'expired', endsAt: '2026-02-01T00:00:00.000Z' }),
      license({ id: 'trial', endsAt: '2026-02-01T00:00:00.000Z', trial: true }),
      license({ id: 'cancelled', status: 'cancelled' }),
      license({ id: 'revoked', status: 'revoked' }),
    ];
    const answers = inOrder.map((_, index) => ask(inOrder.slice(index).reverse()));
    expect(answers.map(({ code, licenseId }) => [code, licenseId])).toEqual([
      ['NOT_STARTED', 'scheduled'],
      ['SUSPENDED', 'suspended'],
      ['EXPIRED', 'expired'],
      ['TRIAL_ENDED', 'trial'],
      ['CANCELLED', 'cancelled'],
      ['REVOKED', 'revoked'],
    ]);
  });

  it('an active license answers OK beside one in grace, and the one that ends last is named', () => {
    const grace = license({ id: 'grace', endsAt: '2026-05-31T00:00:00.000Z' });
    const short = license({ id: 'short', endsAt: '2026-06-15T00:00:00.000Z' });
    const endless = license({ id: 'endless', endsAt: null });
    expect(ask([grace])).toMatchObject({ code: 'OK_GRACE', licenseId: 'grace' });
    expect(ask([grace, short])).toMatchObject({ code: 'OK', licenseId: 'short' });
    expect(ask([grace, short, endless])).toMatchObject({ code: 'OK', licenseId: 'endless' });
  });
});

describe('seats', () => {
  it('a named license lets in who is seated and answers SEAT_REQUIRED to others', () => {
    expect(ask([license({ ...named, seats: ['ada'] })]).code).toBe('OK');
    expect(ask([license({ ...named, seats: ['bob'] })]).code).toBe('SEAT_REQUIRED');
  });

  it('an over-allocated license keeps who is seated and answers OVER_ALLOCATED to others', () => {
    const over = { ...named, seatLimit: 1, seats: ['bob', 'eve'], surplusUntil: '2026-06-15T00:00:00.000Z' };
    expect(ask([license(over)], { userId: 'eve' }).code).toBe('OK');
    expect(ask([license(over)]).code).toBe('OVER_ALLOCATED');
    expect(ask([license(over), license({ ...named, id: 'open' })])).toMatchObject({
      code: 'SEAT_REQUIRED',
      licenseId: 'open',
    });
  });

  it('a machine client needs no seat', () => {
    expect(ask([license(named)], { userId: null }).code).toBe('OK');
  });

  it('a feature bought with seats is for those who sit on them', () => {
    const basic = license({ features: {} });
    const pro = license({ ...named, id: 'pro', seats: ['ada'] });
    expect(ask([basic, pro], { feature: 'export' })).toMatchObject({ code: 'OK', licenseId: 'pro' });
    expect(ask([basic, pro], { feature: 'export', userId: 'bob' }).code).toBe('FEATURE_NOT_INCLUDED');
  });
});

describe('features', () => {
  it('a boolean feature is included when a license says true', () => {
    expect(ask([license()], { feature: 'export' }).code).toBe('OK');
    expect(ask([license({ features: { export: false } })], { feature: 'export' }).code).toBe(
      'FEATURE_NOT_INCLUDED',
    );
    expect(ask([license({ features: {} })], { feature: 'export' }).code).toBe('FEATURE_NOT_INCLUDED');
  });

  it('a feature the module does not have, a property every object has, or a value of another type is not included', () => {
    expect(ask([license({ features: { other: true } })], { feature: 'other' }).code).toBe(
      'FEATURE_NOT_INCLUDED',
    );
    expect(ask([license()], { feature: 'constructor' }).code).toBe('FEATURE_NOT_INCLUDED');
    expect(ask([license({ features: { export: 1 } })], { feature: 'export' }).code).toBe(
      'FEATURE_NOT_INCLUDED',
    );
    expect(ask([license({ features: { charts: true } })], { feature: 'charts' }).code).toBe(
      'FEATURE_NOT_INCLUDED',
    );
  });

  it('a limit allows up to itself and answers LIMIT_EXCEEDED beyond, naming the limit', () => {
    expect(ask([license()], { feature: 'charts', current: 4 })).toMatchObject({ code: 'OK', limit: 5 });
    expect(ask([license()], { feature: 'charts', current: 5 })).toMatchObject({
      allow: false,
      code: 'LIMIT_EXCEEDED',
      limit: 5,
    });
    expect(ask([license()], { feature: 'charts', current: 3, amount: 3 }).code).toBe('LIMIT_EXCEEDED');
    expect(ask([license({ features: { charts: 0 } })], { feature: 'charts' }).code).toBe('LIMIT_EXCEEDED');
  });

  it('null is unlimited', () => {
    const unlimited = license({ features: { charts: null } });
    expect(ask([unlimited], { feature: 'charts', current: 1_000_000 })).toMatchObject({
      code: 'OK',
      limit: null,
    });
  });

  it('limits combine by the larger or by the sum, as the feature says; unlimited wins', () => {
    const one = license({ features: { charts: 5, storage: 5 } });
    const two = license({ id: 'license-2', features: { charts: 3, storage: 3 } });
    const free = license({ id: 'license-3', features: { charts: null, storage: null } });
    expect(ask([one, two], { feature: 'charts' }).limit).toBe(5);
    expect(ask([one, two], { feature: 'storage' }).limit).toBe(8);
    expect(ask([one, free], { feature: 'charts' }).limit).toBeNull();
    expect(ask([one, free], { feature: 'storage' }).limit).toBeNull();
  });

  it('a limit that only a license in grace makes large enough is OK_GRACE', () => {
    const active = license({ features: { storage: 3 } });
    const grace = license({ id: 'grace', endsAt: '2026-05-31T00:00:00.000Z', features: { storage: 4 } });
    const codeOf = (current: number) => ask([active, grace], { feature: 'storage', current });
    expect(codeOf(2)).toMatchObject({ code: 'OK', licenseId: 'license-1', limit: 7 });
    expect(codeOf(6)).toMatchObject({ code: 'OK_GRACE', licenseId: 'grace', limit: 7 });
    expect(codeOf(7).code).toBe('LIMIT_EXCEEDED');
  });

  it('an amount that is no whole number is an error of the caller', () => {
    for (const amount of [-1, 0.5, Number.NaN, Infinity]) {
      expect(() => ask([license()], { feature: 'charts', amount })).toThrow(RangeError);
      expect(() => ask([license()], { feature: 'charts', current: amount })).toThrow(RangeError);
    }
  });
});

describe('overrides', () => {
  const override = {
    feature: 'charts',
    removed: false,
    value: 9,
    startsAt: '2026-06-01T00:00:00.000Z',
    endsAt: '2026-06-02T00:00:00.000Z',
  };

  it('an override beats the plan during its half-open validity and not outside it', () => {
    const limitAt = (now: Date) =>
      ask([license({ overrides: [override] })], { feature: 'charts' }, now).limit;
    expect(limitAt(later(override.startsAt, -1))).toBe(5);
    expect(limitAt(later(override.startsAt, 0))).toBe(9);
    expect(limitAt(later(override.endsAt, -1))).toBe(9);
    expect(limitAt(later(override.endsAt, 0))).toBe(5);
  });

  it('a question about a feature is answered until its override begins or ends', () => {
    const next = (now: Date, feature?: string) =>
      ask(
        [license({ overrides: [override] })],
        feature ? { feature } : {},
        now,
      ).nextTransitionAt?.toISOString();
    expect(next(later(override.startsAt, -1), 'charts')).toBe(override.startsAt);
    expect(next(later(override.startsAt, 0), 'charts')).toBe(override.endsAt);
    expect(next(later(override.endsAt, 0), 'charts')).toBe(ends);
    expect(next(later(override.startsAt, -1), 'export')).toBe(ends);
    expect(next(later(override.startsAt, -1))).toBe(ends);
  });

  it('REMOVED takes the feature out of its own license only', () => {
    const removed = license({ overrides: [{ ...override, removed: true, value: null, endsAt: null }] });
    expect(ask([removed], { feature: 'charts' }).code).toBe('FEATURE_NOT_INCLUDED');
    expect(ask([removed, license({ id: 'license-2' })], { feature: 'charts' })).toMatchObject({
      code: 'OK',
      licenseId: 'license-2',
      limit: 5,
    });
  });

  it('an override may add what the plan does not have', () => {
    const added = license({ features: {}, overrides: [{ ...override, feature: 'export', value: true }] });
    expect(ask([added], { feature: 'export' }).code).toBe('OK');
  });
});

it('a denial is 403, an exhausted quota 429, an unavailable check 503, an allow 200', () => {
  const { OK, OK_GRACE, OK_OVERAGE, OK_STALE, QUOTA_EXCEEDED, CHECK_UNAVAILABLE, ...denials } =
    httpStatusOfDecision;
  expect([OK, OK_GRACE, OK_OVERAGE, OK_STALE]).toEqual([200, 200, 200, 200]);
  expect([QUOTA_EXCEEDED, CHECK_UNAVAILABLE]).toEqual([429, 503]);
  expect(new Set(Object.values(denials))).toEqual(new Set([403]));
});
