import { describe, expect, it } from '@jest/globals';
import { isCalendarDay, isTimeZone } from './license-calendar.js';
import { licenseProblem, overrideTermProblem, transitionProblem, type NewLicense } from './license.js';

const sound: NewLicense = {
  ...{ organizationId: 'organization-1', moduleKey: 'reports', planVersionId: 'plan-1' },
  startsAt: new Date('2026-01-01T00:00:00.000Z'),
  endsAt: new Date('2027-01-01T00:00:00.000Z'),
  ...({ graceDays: 14, seatModel: 'named', seatLimit: 5, trial: false } as const),
};

const problemOf = (changes: object) => licenseProblem({ ...sound, ...changes });

describe('a license to be sold', () => {
  it.each([
    {},
    { endsAt: null },
    { lastDay: '2028-02-29', endsAt: null },
    { timeZone: 'Pacific/Kiritimati' },
    { seatModel: 'floating', seatLimit: 0 },
    { seatModel: 'unlimited', seatLimit: null },
    { seatLimit: 1_000_000, graceDays: 3650, leaseSeconds: 86_400, seatCooldownSeconds: 31_536_000 },
    { graceDays: 0, leaseSeconds: 30, seatCooldownSeconds: 0 },
  ])('is sound with %j', (changes) => {
    expect(problemOf(changes)).toBeUndefined();
  });

  it.each([
    [{ startsAt: new Date('1999-12-31T23:59:59.999Z') }, 'A license starts between'],
    [{ startsAt: new Date('3000-01-01T00:00:00.000Z') }, 'A license starts between'],
    [{ startsAt: new Date(Number.NaN) }, 'A license starts between'],
    [{ endsAt: new Date('12026-01-01') }, 'A license ends between'],
    [{ endsAt: new Date(Number.NaN) }, 'A license ends between'],
    [{ endsAt: sound.startsAt }, 'A license ends after it starts.'],
    [{ lastDay: '2027-02-29' }, 'The last day is a day of the calendar'],
    [{ lastDay: '31.12.2027' }, 'The last day is a day of the calendar'],
    [{ timeZone: 'Europe/Atlantis' }, 'The time zone is an IANA name'],
    [{ timeZone: '+02:00' }, 'The time zone is an IANA name'],
    [{ timeZone: '' }, 'The time zone is an IANA name'],
    [{ graceDays: -1 }, 'The grace is a whole number of days'],
    [{ graceDays: 3651 }, 'The grace is a whole number of days'],
    [{ graceDays: 1.5 }, 'The grace is a whole number of days'],
    [{ seatModel: 'paired' }, 'Seats are named, floating or unlimited.'],
    [{ seatLimit: -1 }, 'The seat limit is a whole number from 0 to 1000000.'],
    [{ seatLimit: 1_000_001 }, 'The seat limit is a whole number from 0 to 1000000.'],
    [{ seatLimit: 2 ** 53 + 2 }, 'The seat limit is a whole number from 0 to 1000000.'],
    [{ seatLimit: Number.NaN }, 'The seat limit is a whole number from 0 to 1000000.'],
    [{ seatLimit: null }, 'The seat limit is a whole number from 0 to 1000000.'],
    [{ seatModel: 'unlimited' }, 'Unlimited seats have no limit.'],
    [{ overage: 'bill' }, 'Use beyond the limit is refused or allowed.'],
    [{ seatCooldownSeconds: -1 }, 'A released seat cools down'],
    [{ seatCooldownSeconds: 31_536_001 }, 'A released seat cools down'],
    [{ leaseSeconds: 29 }, 'A floating seat is leased'],
    [{ leaseSeconds: 86_401 }, 'A floating seat is leased'],
  ])('is refused with %j, and the sentence says what to do', (changes, sentence) => {
    expect(problemOf(changes)).toContain(sentence);
  });

  it('may have an end that its last day takes the place of', () => {
    expect(problemOf({ lastDay: '2027-12-31', endsAt: sound.startsAt })).toBeUndefined();
  });
});

it('an override is valid for a time that there is', () => {
  const startsAt = sound.startsAt;
  expect(overrideTermProblem({ startsAt, endsAt: null })).toBeUndefined();
  expect(overrideTermProblem({ startsAt, endsAt: startsAt })).toContain('ends after it starts');
  expect(overrideTermProblem({ startsAt: new Date(Number.NaN), endsAt: null })).toContain('2000');
  expect(overrideTermProblem({ startsAt, endsAt: new Date(8.64e15) })).toContain('2000');
});

it('a refused transition names what the license is and what it cannot become', () => {
  expect(transitionProblem('draft', 'suspended')).toBe(
    'This license is a draft and cannot become suspended.',
  );
});

it('a day of the calendar is one that its month has', () => {
  const days = ['2026-01-31', '2028-02-29', '2000-02-29', '2100-02-28'];
  const none = [
    '2026-02-30',
    '2100-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-1-1',
    '1999-01-01',
    '20260101',
    '',
  ];
  expect(days.filter((day) => !isCalendarDay(day))).toEqual([]);
  expect(none.filter(isCalendarDay)).toEqual([]);
});

it('a time zone has a name, by which it is asked for again and again', () => {
  for (let time = 0; time < 2; time += 1) {
    expect(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'].every(isTimeZone)).toBe(true);
    expect(['Mars/Olympus', 'UTC;', '-05:00', '../etc/localtime', 'a'.repeat(80)].some(isTimeZone)).toBe(
      false,
    );
  }
});
