import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decide } from './decide.js';
import type { DecisionQuestion } from './decision.js';
import { seatingOf } from './seat.js';
import type { LicenseSnapshot, SeatModel, SnapshotLicense } from './snapshot.js';

const begins = Date.parse('2026-03-01T00:00:00.000Z');
const deadline = begins + 86_400_000;

interface Seats {
  readonly id?: string;
  readonly model?: SeatModel;
  readonly limit?: number | null;
  readonly seats?: readonly string[];
  readonly surplusUntil?: number | null;
  readonly endsAt?: number;
  readonly away?: readonly { readonly seats: number; readonly until: number }[];
}

function licenseOf(given: Seats): SnapshotLicense {
  const { id = 'license-1', model = 'named', limit = 5, seats = [], surplusUntil = null, endsAt } = given;
  const { away } = given;
  const startsAt = new Date(begins).toISOString();
  return {
    ...({ id, module: 'reports', environment: 'production', status: 'issued', startsAt } as const),
    endsAt: endsAt === undefined ? null : new Date(endsAt).toISOString(),
    ...({ graceDays: 0, trial: false, overage: 'refuse', timeZone: 'UTC' } as const),
    ...{ seatOnFirstUse: false, overrides: [], seats },
    ...(away && {
      offlineBlocks: away.map(({ seats: count, until }) => ({
        ...{ seats: count, until: new Date(until).toISOString() },
      })),
    }),
    terms: [
      {
        effectiveAt: startsAt,
        seatModel: model,
        seatLimit: limit,
        surplusUntil: surplusUntil === null ? null : new Date(surplusUntil).toISOString(),
        features: {},
      },
    ],
  };
}

function ask(licenses: SnapshotLicense[], question: Partial<DecisionQuestion>, at: number) {
  const snapshot: LicenseSnapshot = {
    organization: { id: 'organization-1', key: 'acme', state: 'active' },
    version: 1,
    modules: [
      {
        ...{ key: 'reports', name: 'Reports', environment: 'production', baseUrl: 'https://reports.example' },
        features: [],
      },
    ],
    licenses,
  };
  const whole = { userId: 'ada', module: 'reports', environment: 'production', ...question };
  return decide(snapshot, whole, new Date(at));
}

const people = (count: number) => Array.from({ length: count }, (_, index) => `person-${index}`);
const seatings = (license: SnapshotLicense, users: readonly string[], at: number) =>
  users.map((userId) => seatingOf(license, { userId }, at));

describe('a surplus after seats became fewer', () => {
  const shrunk = licenseOf({ limit: 5, seats: people(8), surplusUntil: deadline });

  it('keeps everybody who is seated until its last millisecond, then those who have sat longest', () => {
    expect(seatings(shrunk, people(8), deadline - 1)).toEqual(Array(8).fill('in'));
    expect(seatings(shrunk, people(8), deadline)).toEqual([
      ...Array<string>(5).fill('in'),
      ...Array<string>(3).fill('OVER_ALLOCATED'),
    ]);
  });

  it('lets nobody new in, before and after', () => {
    expect(seatings(shrunk, ['eve'], deadline - 1)).toEqual(['OVER_ALLOCATED']);
    expect(seatings(shrunk, ['eve'], deadline)).toEqual(['OVER_ALLOCATED']);
  });

  it('without a deadline is none: who is beyond the limit is out at once', () => {
    const license = licenseOf({ limit: 5, seats: people(8) });
    expect(seatings(license, people(8), begins).filter((seating) => seating === 'in')).toHaveLength(5);
  });

  it('is a transition at its deadline, at which decisions change by themselves', () => {
    const answer = ask([shrunk], { userId: 'person-7' }, deadline - 1);
    expect(answer).toMatchObject({ code: 'OK', nextTransitionAt: new Date(deadline) });
    expect(ask([shrunk], { userId: 'person-7' }, deadline).code).toBe('OVER_ALLOCATED');
  });

  it('of a license that has expired is EXPIRED, for those seated and those not', () => {
    const both = licenseOf({ limit: 5, seats: people(8), surplusUntil: deadline + 1, endsAt: deadline });
    for (const userId of ['person-0', 'person-7', 'eve']) {
      expect(ask([both], { userId }, deadline - 1).code).toBe(userId === 'eve' ? 'OVER_ALLOCATED' : 'OK');
      expect(ask([both], { userId }, deadline).code).toBe('EXPIRED');
    }
  });

  it('leaves exactly as many as the limit, the first ones, whatever the numbers', () => {
    const counts = fc.integer({ min: 0, max: 12 });
    fc.assert(
      fc.property(counts, counts, fc.option(fc.integer({ min: -2, max: 2 })), (seated, limit, offset) => {
        const surplusUntil = offset === null ? null : begins + 10 + offset;
        const license = licenseOf({ limit, seats: people(seated), surplusUntil });
        const inside = seatings(license, people(seated), begins + 10).filter((one) => one === 'in').length;
        const everybody = surplusUntil !== null && begins + 10 < surplusUntil;
        expect(inside).toBe(everybody ? seated : Math.min(seated, limit));
        expect(seatings(license, people(inside), begins + 10).every((one) => one === 'in')).toBe(true);
        const stranger = seatingOf(license, { userId: 'eve' }, begins + 10);
        expect(stranger).toBe(seated > limit ? 'OVER_ALLOCATED' : 'SEAT_REQUIRED');
      }),
    );
  });

  it('never costs anybody a seat by a higher limit or a later deadline', () => {
    const counts = fc.integer({ min: 0, max: 8 });
    fc.assert(
      fc.property(counts, counts, counts, counts, counts, (seated, limit, more, until, longer) => {
        const before = licenseOf({ limit, seats: people(seated), surplusUntil: begins + until });
        const after = licenseOf({
          limit: limit + more,
          seats: people(seated),
          surplusUntil: begins + until + longer,
        });
        const kept = seatings(before, people(seated), begins + 4);
        const then = seatings(after, people(seated), begins + 4);
        kept.forEach((seating, index) => seating === 'in' && expect(then[index]).toBe('in'));
      }),
    );
  });
});

describe('seats that license files took along', () => {
  const away = [
    { seats: 2, until: deadline + 10 },
    { seats: 1, until: deadline + 20 },
  ];

  it('are no seats of those here: of fewer that are left the first ones stay, and each end lets one in again', () => {
    const shrunk = licenseOf({ limit: 4, seats: people(4), surplusUntil: deadline, away });
    const inside = (at: number) => seatings(shrunk, people(4), at).filter((one) => one === 'in').length;
    expect([deadline - 1, deadline, deadline + 9].map(inside)).toEqual([4, 1, 1]);
    expect([deadline + 10, deadline + 19, deadline + 20].map(inside)).toEqual([3, 3, 4]);
    const answer = ask([shrunk], { userId: 'person-1' }, deadline);
    expect(answer).toMatchObject({ code: 'OVER_ALLOCATED', nextTransitionAt: new Date(deadline + 10) });
    expect(ask([shrunk], { userId: 'person-1' }, deadline + 10).code).toBe('OK');
  });

  it('take nobody’s seat while there is one for each, and more than there are leave none', () => {
    const fits = licenseOf({ limit: 7, seats: people(4), away });
    expect(seatings(fits, [...people(4), 'eve'], begins)).toEqual([
      ...Array<string>(4).fill('in'),
      'SEAT_REQUIRED',
    ]);
    expect(seatings(licenseOf({ limit: 2, seats: people(1), away }), people(1), begins)).toEqual([
      'OVER_ALLOCATED',
    ]);
  });
});

describe('floating seats', () => {
  const floating = licenseOf({ model: 'floating', limit: 3, seats: ['ada'] });
  const lease = { leases: [{ until: new Date(deadline) }] };

  it('are SEAT_REQUIRED without a lease, OK with one to its last millisecond and LEASE_EXPIRED after', () => {
    expect(ask([floating], {}, deadline - 1).code).toBe('SEAT_REQUIRED');
    expect(ask([floating], lease, deadline - 1)).toMatchObject({
      code: 'OK',
      nextTransitionAt: new Date(deadline),
    });
    expect(ask([floating], lease, deadline)).toMatchObject({
      allow: false,
      code: 'LEASE_EXPIRED',
      nextTransitionAt: null,
    });
  });

  it('are nothing a machine client needs, and no lease opens a named seat', () => {
    expect(ask([floating], { userId: null }, begins).code).toBe('OK');
    expect(ask([licenseOf({})], lease, begins).code).toBe('SEAT_REQUIRED');
  });

  it('are leased of one license, and the lease opens no other when it is told which', () => {
    const other = licenseOf({ id: 'license-2', model: 'floating' });
    const of = (licenseId: string) =>
      ask([floating, other], { leases: [{ licenseId, until: new Date(deadline) }] }, begins);
    expect(of('license-1')).toMatchObject({ code: 'OK', licenseId: 'license-1' });
    expect(of('license-2')).toMatchObject({ code: 'OK', licenseId: 'license-2' });
    expect(of('license-3').code).toBe('SEAT_REQUIRED');
  });

  it('deny with a lease that has run out before a missing seat, and that before a surplus', () => {
    const named = licenseOf({ id: 'named' });
    const over = licenseOf({ id: 'over', limit: 0, seats: ['bob'] });
    expect(ask([over, named, floating], lease, deadline)).toMatchObject({ code: 'LEASE_EXPIRED' });
    expect(ask([over, named], lease, deadline)).toMatchObject({ code: 'SEAT_REQUIRED', licenseId: 'named' });
    expect(ask([over], lease, deadline).code).toBe('OVER_ALLOCATED');
  });
});
