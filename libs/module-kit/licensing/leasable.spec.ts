import { describe, expect, it } from '@jest/globals';
import type { DecisionQuestion } from './decision.js';
import { leasableLicenses, nextSeats } from './leasable.js';
import type { LicenseSnapshot, SeatModel, SnapshotLicense, SnapshotTerms } from './snapshot.js';

const NOW = new Date('2026-06-01T00:00:00.000Z');

function license(id: string, seatModel: SeatModel, changes: Partial<SnapshotLicense> = {}): SnapshotLicense {
  const since = '2026-01-01T00:00:00.000Z';
  const seatLimit = seatModel === 'unlimited' ? null : 1;
  return {
    ...{ id, module: 'reports', environment: 'production', status: 'issued', startsAt: since, endsAt: null },
    ...{ graceDays: 0, trial: false, overage: 'refuse', timeZone: 'UTC', seatOnFirstUse: false },
    terms: [{ effectiveAt: since, seatModel, seatLimit, surplusUntil: null, features: {} }],
    overrides: [],
    seats: [],
    ...changes,
  };
}
const asked = (...licenses: SnapshotLicense[]) => {
  const snapshot: LicenseSnapshot = {
    organization: { id: 'acme', key: 'acme', state: 'active' },
    version: 1,
    modules: [],
    licenses,
  };
  return leasableLicenses(snapshot, { module: 'reports', environment: 'production' }, NOW);
};

describe('the licenses of which a seat may be leased', () => {
  it('are those with floating seats, and in effect for the module and environment', () => {
    expect(
      asked(
        license('a', 'floating'),
        license('b', 'named'),
        license('c', 'unlimited'),
        license('d', 'floating', { status: 'suspended' }),
        license('e', 'floating', { module: 'projects' }),
        license('f', 'floating', { environment: 'test' }),
        license('g', 'floating', { endsAt: '2026-05-31T00:00:00.000Z' }),
        license('h', 'floating', { startsAt: '2026-07-01T00:00:00.000Z' }),
        license('i', 'floating', { endsAt: '2026-05-31T00:00:00.000Z', graceDays: 14 }),
      ),
    ).toEqual(['a', 'i']);
  });

  it('come with the one first whose access ends last, of equals the smaller id', () => {
    const ends = { endsAt: '2026-12-31T00:00:00.000Z' };
    expect(
      asked(license('b', 'floating', ends), license('a', 'floating', ends), license('z', 'floating')),
    ).toEqual(['z', 'a', 'b']);
  });
});

describe('the licenses of which a seat is taken next', () => {
  const features = [
    { key: 'export', type: 'boolean', combine: 'max' },
    { key: 'charts', type: 'limit', combine: 'sum' },
  ] as const;
  const module = {
    key: 'reports',
    name: 'R',
    environment: 'production',
    baseUrl: 'https://r.example',
    features,
  };
  const sold = (id: string, seatModel: SeatModel, values: SnapshotTerms['features'] = {}) => {
    const plain = license(id, seatModel);
    return { ...plain, terms: plain.terms.map((terms) => ({ ...terms, features: values })) };
  };
  const wanted = (licenses: SnapshotLicense[], question: Partial<DecisionQuestion> = {}, ...held: string[]) =>
    nextSeats(
      { organization: { id: 'acme', key: 'acme', state: 'active' }, version: 1, modules: [module], licenses },
      {
        ...{ userId: 'ada', module: 'reports', environment: 'production' },
        leases: held.map((licenseId) => ({ licenseId, until: new Date(NOW.getTime() + 1) })),
        ...question,
      },
      NOW,
    );

  it('are those first that by themselves allow what is asked, and none once it is allowed', () => {
    const both = [sold('a', 'floating'), sold('b', 'floating', { export: true })];
    expect(wanted(both)).toEqual(['a', 'b']);
    expect(wanted(both, { feature: 'export' })).toEqual(['b', 'a']);
    expect(wanted(both, { feature: 'export' }, 'a')).toEqual(['b']);
    expect(wanted(both, { feature: 'export' }, 'a', 'b')).toEqual([]);
    expect(wanted(both, {}, 'a')).toEqual([]);
    expect(wanted(both, { userId: null, feature: 'export' })).toEqual([]);
  });

  it('are those that give what a license without seats, or the seat that is held, does not', () => {
    const pro = sold('pro', 'floating', { export: true });
    expect(wanted([sold('basic', 'unlimited'), pro])).toEqual([]);
    expect(wanted([sold('basic', 'unlimited'), pro], { feature: 'export' })).toEqual(['pro']);
    const seated = { ...sold('basic', 'named'), seats: ['ada'] };
    expect(wanted([seated, pro], { feature: 'export' })).toEqual(['pro']);
    expect(wanted([sold('basic', 'unlimited'), sold('other', 'floating')], { feature: 'export' })).toEqual(
      [],
    );
  });

  it('are several where only all of them together reach a limit', () => {
    const few = (id: string) => sold(id, 'floating', { charts: 2 });
    const all = [few('a'), few('b'), sold('c', 'floating'), few('d')];
    const asked = { feature: 'charts', current: 4 };
    expect(wanted(all, asked, 'a')).toEqual(['b', 'd']);
    expect(wanted(all, asked, 'a', 'b')).toEqual(['d']);
    expect(wanted(all, { ...asked, current: 6 }, 'a')).toEqual([]);
  });
});
