import { describe, expect, it } from '@jest/globals';
import { leasableLicenses } from './leasable.js';
import type { LicenseSnapshot, SeatModel, SnapshotLicense } from './snapshot.js';

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
