import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TermsDetails } from './license.js';
import {
  changedTerms,
  renewalProblem,
  replaceTerms,
  shrinks,
  termsChangeProblem,
  type TermsChange,
} from './license-terms.js';

const at = (day: number) => new Date(Date.UTC(2027, 0, day));
const iso = (day: number) => at(day).toISOString();

function terms(day: number, changes: Partial<TermsDetails> = {}): TermsDetails {
  const before = { planVersionId: 'basic', seatModel: 'named', seatLimit: 10, surplusUntil: null } as const;
  return { effectiveAt: iso(day), ...before, ...changes };
}

const change = (changes: Omit<TermsChange, 'licenseId'>): TermsChange => ({
  licenseId: 'license-1',
  ...changes,
});

describe('changed terms', () => {
  it('keep what the change leaves out', () => {
    expect(changedTerms(terms(1), change({ planVersionId: 'pro' }), at(5))).toEqual(
      terms(5, { planVersionId: 'pro' }),
    );
    expect(changedTerms(terms(1), change({ seatLimit: 20 }), at(5))).toEqual(terms(5, { seatLimit: 20 }));
    expect(changedTerms(terms(1), change({ seatModel: 'floating' }), at(5))).toEqual(
      terms(5, { seatModel: 'floating' }),
    );
    const unlimited = { seatModel: 'unlimited', seatLimit: null } as const;
    expect(changedTerms(terms(1), change({ seatModel: 'unlimited' }), at(5))).toEqual(terms(5, unlimited));
  });

  it('are refused with seats that cannot be, and with a surplus that nobody could keep', () => {
    const refusal = (changes: Omit<TermsChange, 'licenseId'>, before = terms(1)) =>
      changedTerms(before, change(changes), at(5));
    expect(refusal({ seatLimit: -1 })).toContain('The seat limit');
    expect(refusal({ seatLimit: null })).toContain('The seat limit');
    expect(refusal({ seatModel: 'unlimited', seatLimit: 5 })).toContain('Unlimited seats');
    const unlimited = terms(1, { seatModel: 'unlimited', seatLimit: null });
    expect(refusal({ seatModel: 'named' }, unlimited)).toContain('The seat limit');
    expect(refusal({ seatLimit: 5, surplusUntil: at(4) })).toContain('at least until the change begins');
    expect(refusal({ seatModel: 'floating', surplusUntil: at(9) })).toContain('Only people with named seats');
  });

  it('keep a granted surplus until its deadline, unless more seats go', () => {
    const surplus = terms(1, { seatLimit: 5, surplusUntil: iso(9) });
    const after = (day: number, changes: Omit<TermsChange, 'licenseId'>) =>
      (changedTerms(surplus, change(changes), at(day)) as TermsDetails).surplusUntil;
    expect(after(5, { planVersionId: 'pro' })).toBe(iso(9));
    expect(after(5, { seatLimit: 6 })).toBe(iso(9));
    expect(after(9, { planVersionId: 'pro' })).toBeNull();
    expect(after(5, { seatLimit: 4 })).toBeNull();
    expect(after(5, { surplusUntil: at(20) })).toBe(iso(20));
    expect(after(5, { seatModel: 'floating' })).toBeNull();
  });

  it('shrink when there are to be fewer seats, of which unlimited has the most, or other ones', () => {
    const named = (seatLimit: number) => ({ seatModel: 'named', seatLimit }) as const;
    const floating = (seatLimit: number) => ({ seatModel: 'floating', seatLimit }) as const;
    const unlimited = { seatModel: 'unlimited', seatLimit: null } as const;
    expect(shrinks(named(5), named(4))).toBe(true);
    expect(shrinks(unlimited, named(1_000_000))).toBe(true);
    expect(shrinks(named(5), floating(9))).toBe(true);
    expect(shrinks(floating(5), named(9))).toBe(true);
    expect(shrinks(named(5), named(5))).toBe(false);
    expect(shrinks(named(5), unlimited)).toBe(false);
  });
});

describe('a change before another one that is scheduled', () => {
  const planned = [terms(1), terms(20, { planVersionId: 'pro' })];

  it('lasts beyond it in what the later one does not change', () => {
    expect(replaceTerms(planned, iso(5), terms(5, { seatLimit: 30 }))).toEqual([
      terms(1),
      terms(5, { seatLimit: 30 }),
      terms(20, { planVersionId: 'pro', seatLimit: 30 }),
    ]);
  });

  it('ends with it in what the later one changes too', () => {
    const fewer = [terms(1), terms(20, { seatLimit: 3 }), terms(25, { seatLimit: 3, planVersionId: 'pro' })];
    expect(replaceTerms(fewer, iso(5), terms(5, { seatLimit: 30, planVersionId: 'max' }))).toEqual([
      terms(1),
      terms(5, { seatLimit: 30, planVersionId: 'max' }),
      terms(20, { seatLimit: 3, planVersionId: 'max' }),
      terms(25, { seatLimit: 3, planVersionId: 'pro' }),
    ]);
  });

  it('that is called off takes along what the later ones had from it', () => {
    const [first] = planned;
    const added = replaceTerms(planned, iso(5), terms(5, { seatLimit: 30 }));
    expect(replaceTerms(added, iso(5), null)).toEqual(planned);
    expect(replaceTerms(planned, iso(20), null)).toEqual([first]);
  });

  it('takes its surplus along to the deadline', () => {
    const surplus = terms(5, { seatLimit: 3, surplusUntil: iso(22) });
    expect(replaceTerms(planned, iso(5), surplus).at(-1)?.surplusUntil).toBe(iso(22));
    expect(
      replaceTerms(planned, iso(5), { ...surplus, surplusUntil: iso(20) }).at(-1)?.surplusUntil,
    ).toBeNull();
  });

  it('and its calling off leave everything as it was, and no change moves an earlier one', () => {
    const days = fc.uniqueArray(fc.integer({ min: 2, max: 30 }), { maxLength: 5 });
    // values of their own, so that every scheduled change changes everything
    const schedules = days.map((all) => [
      terms(1),
      ...all
        .toSorted((one, other) => one - other)
        .map((day) => terms(day, { planVersionId: `plan-${day}`, seatLimit: 100 + day })),
    ]);
    fc.assert(
      fc.property(schedules, fc.integer({ min: 2, max: 31 }), (schedule, day) => {
        fc.pre(!schedule.some(({ effectiveAt }) => effectiveAt === iso(day)));
        const added = replaceTerms(schedule, iso(day), terms(day, { planVersionId: 'new', seatLimit: 50 }));
        expect(added.filter(({ effectiveAt }) => effectiveAt !== iso(day))).toEqual(schedule);
        expect(added.map(({ effectiveAt }) => effectiveAt)).toEqual(
          added.map(({ effectiveAt }) => effectiveAt).toSorted(),
        );
        expect(replaceTerms(added, iso(day), null)).toEqual(schedule);
      }),
    );
  });
});

it('a renewal says either the last day or the end, and both are checked', () => {
  const problem = (renewal: object) => renewalProblem({ licenseId: 'license-1', ...renewal });
  expect(problem({ lastDay: '2027-12-31' })).toBeUndefined();
  expect(problem({ endsAt: null })).toBeUndefined();
  expect(problem({ endsAt: at(1), graceDays: 3 })).toBeUndefined();
  expect(problem({})).toContain('either the last day or the end');
  expect(problem({ lastDay: '2027-12-31', endsAt: null })).toContain('either the last day or the end');
  expect(problem({ lastDay: '2027-12-32' })).toContain('The last day');
  expect(problem({ endsAt: new Date(8.64e15) })).toContain('ends between');
  expect(problem({ endsAt: at(1), graceDays: -3 })).toContain('The grace');
});

it('a change of terms changes something, between 2000 and 2999', () => {
  expect(termsChangeProblem(change({ effectiveAt: at(5) }))).toContain('A change of terms says');
  expect(termsChangeProblem(change({ seatLimit: null }))).toBeUndefined();
  expect(termsChangeProblem(change({ seatLimit: 5, effectiveAt: new Date(Number.NaN) }))).toContain('2000');
  expect(termsChangeProblem(change({ seatLimit: 5, surplusUntil: new Date(8.64e15) }))).toContain('2000');
});
