import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { actsUntil, NO_HISTORY, replay, type AuditedAct } from './history.js';

const at = (second: number) => new Date(Date.UTC(2027, 0, 1, 0, 0, second));
const act = (name: string, detail: object = {}, target = 'license-1', second = 0): AuditedAct => ({
  ...{ act: name, target, detail, occurredAt: at(second) },
});

const issued = act('license.issue', {
  version: 1,
  license: { module: 'reports', status: 'issued', endsAt: null, terms: [{ planVersionId: 'basic' }] },
});
const licenseAfter = (...acts: AuditedAct[]) =>
  replay(NO_HISTORY, [issued, ...acts]).licenses.get('license-1');
const override = { feature: 'charts', removed: false, value: 9, startsAt: at(0).toISOString(), endsAt: null };

describe('the history of an organization', () => {
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
  });

  it('seats people by user, whatever else a seat row says, and no other license', () => {
    const seat = (name: string, user: string) => act(name, { user, way: 'first-use' });
    const seated = licenseAfter(
      seat('seat.assign', 'bob'),
      seat('seat.assign', 'ada'),
      seat('seat.assign', 'eve'),
    );
    expect(seated?.seats).toEqual(['ada', 'bob', 'eve']);
    expect(licenseAfter(seat('seat.assign', 'bob'), seat('seat.release', 'bob'))?.seats).toEqual([]);
    expect(licenseAfter(act('seat.assign', { user: 'ada' }, 'license-2'))?.seats).toEqual([]);
  });

  it('names licenses whose rows are of before histories were kept, instead of making something up', () => {
    const old = act('license.issue', { module: 'reports', plan_version: 'basic' }, 'license-0');
    const history = replay(NO_HISTORY, [old, act('seat.assign', { user: 'ada' }, 'license-0'), issued]);
    expect([...history.unreadable]).toEqual(['license-0']);
    expect([...history.licenses.keys()]).toEqual(['license-1']);
  });

  it('knows whether the organization was suspended, and leaves other acts alone', () => {
    const suspend = act('organization.suspend', {}, 'organization-1');
    expect(replay(NO_HISTORY, [suspend]).suspended).toBe(true);
    expect(replay(NO_HISTORY, [suspend, act('organization.resume', {}, 'organization-1')]).suspended).toBe(
      false,
    );
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
        fc.constant(act('organization.suspend', {}, 'organization-1')),
      ),
    );
    fc.assert(
      fc.property(acts, fc.nat(20), (all, cut) => {
        const first = replay(NO_HISTORY, all.slice(0, cut));
        const frozen = structuredClone(first);
        expect(replay(first, all.slice(cut))).toEqual(replay(NO_HISTORY, all));
        expect(first).toEqual(frozen);
      }),
    );
  });
});

describe('the acts up to an instant', () => {
  it('are those that have occurred by then', () => {
    const acts = [1, 2, 3].map((second) =>
      act('seat.assign', { user: `user-${second}` }, 'license-1', second),
    );
    expect(actsUntil(acts, at(2), new Set())).toEqual(acts.slice(0, 2));
  });

  it('are for each license a beginning of what was done, though waiting transactions give earlier times', () => {
    const first = act('license.renew', {}, 'license-1', 5);
    const second = act('license.renew', {}, 'license-1', 3);
    const other = act('license.renew', {}, 'license-2', 3);
    expect(actsUntil([first, second, other], at(4), new Set())).toEqual([other]);
    const passed = new Set<string>();
    expect(actsUntil([first], at(4), passed)).toEqual([]);
    expect(actsUntil([second, other], at(4), passed)).toEqual([other]);
  });
});
