import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { actsUntil, replay, type AuditedAct } from './history.js';

const at = (second: number) => new Date(Date.UTC(2027, 0, 1, 0, 0, second));
const act = (name: string, detail: object = {}, second = 0): AuditedAct => ({
  ...{ act: name, detail, occurredAt: at(second) },
});

const issued = act('license.issue', {
  version: 1,
  license: { module: 'reports', status: 'issued', endsAt: null, terms: [{ planVersionId: 'basic' }] },
});
const licenseAfter = (...acts: AuditedAct[]) => {
  const license = replay('license-1', undefined, [issued, ...acts]);
  return license === 'unreadable' ? undefined : license;
};
const override = { feature: 'charts', removed: false, value: 9, startsAt: at(0).toISOString(), endsAt: null };

describe('the history of a license', () => {
  it('is what each act wrote down', () => {
    expect(licenseAfter()).toMatchObject({ id: 'license-1', version: 1, status: 'issued', seats: [] });
    expect(licenseAfter(act('license.change-status', { status: 'suspended', version: 2 }))).toMatchObject({
      ...{ status: 'suspended', version: 2 },
    });
    const end = { endsAt: at(9).toISOString(), lastDay: null, graceDays: 3, trial: false, version: 2 };
    expect(licenseAfter(act('license.renew', end))).toMatchObject(end);
    const terms = [{ planVersionId: 'basic' }, { planVersionId: 'pro' }];
    expect(licenseAfter(act('license.change-terms', { terms, version: 2 }))?.terms).toEqual(terms);
    expect(licenseAfter(act('license.override', { override, version: 2 }))?.overrides).toEqual([override]);
    const early = act('license.end-override', { feature: 'charts', endsAt: at(5).toISOString() });
    expect(licenseAfter(act('license.override', { override }), early)?.overrides).toEqual([
      { ...override, endsAt: at(5).toISOString() },
    ]);
    const gone = act('license.remove-override', { feature: 'charts' });
    expect(licenseAfter(act('license.override', { override }), gone)?.overrides).toEqual([]);
    const cut = { ...override, endsAt: at(5).toISOString() };
    const next = { ...override, value: 3, startsAt: at(5).toISOString() };
    const other = { ...override, feature: 'boards' };
    const two = [
      act('license.override', { override }),
      act('license.override', { override: other, overrides: [other] }),
      act('license.override', { override: next, overrides: [cut, next] }),
    ];
    expect(licenseAfter(...two)?.overrides).toEqual([other, cut, next]);
    const left = act('license.remove-override', { feature: 'charts', overrides: [cut] });
    expect(licenseAfter(...two, left)?.overrides).toEqual([other, cut]);
  });

  it('seats people by user, whatever else a seat row says, each once', () => {
    const seat = (name: string, user: string) => act(name, { user, way: 'first-use' });
    const seated = licenseAfter(
      seat('seat.assign', 'bob'),
      seat('seat.assign', 'ada'),
      seat('seat.assign', 'eve'),
    );
    expect(seated?.seats).toEqual(['ada', 'bob', 'eve']);
    expect(licenseAfter(seat('seat.assign', 'bob'), seat('seat.release', 'bob'))?.seats).toEqual([]);
    expect(licenseAfter(seat('seat.assign', 'bob'), seat('seat.assign', 'bob'))?.seats).toEqual(['bob']);
    expect(licenseAfter(seat('seat.release', 'bob'))?.seats).toEqual([]);
  });

  it('is unreadable from rows of before histories were kept, instead of made up', () => {
    const old = act('license.issue', { module: 'reports', plan_version: 'basic' });
    expect(replay('license-1', undefined, [old, act('seat.assign', { user: 'ada' })])).toBe('unreadable');
    expect(replay('license-1', undefined, [act('seat.assign', { user: 'ada' })])).toBe('unreadable');
    expect(replay('license-1', undefined, [])).toBeUndefined();
  });

  it('leaves other acts alone', () => {
    expect(licenseAfter(act('seat.reserve', { invitation: 'one' }))).toEqual(licenseAfter());
  });

  it('is the same in one piece and in several, and changes nothing that it was given', () => {
    const acts = fc.array(
      fc.oneof(
        fc.constant(issued),
        fc.constantFrom('suspended', 'issued').map((status) => act('license.change-status', { status })),
        fc.constantFrom('ada', 'bob').map((user) => act('seat.assign', { user })),
        fc.constantFrom('ada', 'bob').map((user) => act('seat.release', { user })),
        fc.constant(act('license.override', { override })),
      ),
    );
    fc.assert(
      fc.property(acts, fc.nat(20), (all, cut) => {
        const first = replay('license-1', undefined, all.slice(0, cut));
        const frozen = structuredClone(first);
        expect(replay('license-1', first, all.slice(cut))).toEqual(replay('license-1', undefined, all));
        expect(first).toEqual(frozen);
      }),
    );
  });
});

describe('the acts up to an instant', () => {
  it('are those that have occurred by then', () => {
    const acts = [1, 2, 3].map((second) => act('seat.assign', { user: `user-${second}` }, second));
    expect(actsUntil(acts, at(2))).toEqual(acts.slice(0, 2));
    expect(actsUntil(acts, at(3))).toEqual(acts);
  });

  it('are a beginning of what was done, though waiting transactions give earlier times', () => {
    const acts = [act('license.renew', {}, 5), act('license.renew', {}, 3)];
    expect(actsUntil(acts, at(4))).toEqual([]);
  });
});
