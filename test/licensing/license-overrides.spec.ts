import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decide } from '#licensing';
import { administrationOf, databaseTime, inDays } from './license-administration.js';
import { LicensingWorld } from './licensing-world.js';

describe('the overrides of a feature of a license', () => {
  let world: LicensingWorld;
  let here: ReturnType<typeof administrationOf>;
  beforeAll(async () => {
    world = await LicensingWorld.create({ nodes: 2 });
    here = administrationOf(world.node);
  });
  afterAll(() => world.close());

  const set = (
    licenseId: string,
    value: number | 'REMOVED',
    [startsAt, endsAt]: readonly [Date, Date | null],
    node = 0,
  ) =>
    (world.nodes[node] ?? world.node).licenses.setOverride(
      { licenseId, feature: 'charts', value, startsAt, endsAt },
      'admin',
    );

  const overrides = async (licenseId: string) => (await here.details.find(licenseId)).overrides;

  async function limitAt(licenseId: string, at: Date) {
    const snapshot = await world.node.licenses.snapshot(world.organizationId);
    const licenses = snapshot?.licenses.filter(({ id }) => id === licenseId) ?? [];
    const question = { userId: 'ada', module: 'reports', environment: 'production', feature: 'charts' };
    const { code, limit, nextTransitionAt } = decide(snapshot && { ...snapshot, licenses }, question, at);
    return { code, limit, nextTransitionAt };
  }

  it('follow one another: writing down a later one takes nothing from the one in force', async () => {
    const licenseId = await world.license();
    const [begun, month, two] = [inDays(-1), inDays(30), inDays(60)];
    await set(licenseId, 9, [begun, month]);
    await set(licenseId, 'REMOVED', [month, two]);
    await set(licenseId, 11, [two, null]);
    expect(await limitAt(licenseId, new Date())).toEqual({ code: 'OK', limit: 9, nextTransitionAt: month });
    const before = await limitAt(licenseId, new Date(month.getTime() - 1));
    expect(before).toMatchObject({ limit: 9, nextTransitionAt: month });
    expect((await limitAt(licenseId, month)).code).toBe('FEATURE_NOT_INCLUDED');
    expect(await limitAt(licenseId, two)).toMatchObject({ limit: 11 });
    const past = await here.history.stateAt(licenseId, await databaseTime(world.node));
    expect(past.license.overrides).toEqual(await overrides(licenseId));
    expect(past.license.overrides.map(({ value }) => value)).toEqual([9, null, 11]);
  });

  it('one without an end gives way from the start of a later one on, and not before', async () => {
    const licenseId = await world.license();
    const month = inDays(30);
    await set(licenseId, 9, [inDays(-1), null]);
    await set(licenseId, 7, [month, null]);
    expect(await overrides(licenseId)).toMatchObject([
      { value: 9, endsAt: month.toISOString() },
      { value: 7, startsAt: month.toISOString(), endsAt: null },
    ]);
    expect(await limitAt(licenseId, new Date())).toMatchObject({ limit: 9, nextTransitionAt: month });
    expect(await limitAt(licenseId, month)).toMatchObject({ limit: 7 });
    const past = await here.history.stateAt(licenseId, await databaseTime(world.node));
    expect(past.license.overrides).toEqual(await overrides(licenseId));
  });

  it('one that begins at once, or with the same start, replaces, and those that have ended are left out', async () => {
    const licenseId = await world.license();
    await set(licenseId, 9, [inDays(-2), inDays(5)]);
    await set(licenseId, 8, [inDays(-1), inDays(6)]);
    const start = inDays(-3);
    await set(licenseId, 7, [start, inDays(7)]);
    await set(licenseId, 6, [start, inDays(3)]);
    expect(await overrides(licenseId)).toMatchObject([{ value: 6, startsAt: start.toISOString() }]);
    await world.node.licenses.endOverride({ licenseId, feature: 'charts' }, 'admin');
    await databaseTime(world.node);
    await set(licenseId, 5, [inDays(1), inDays(2)]);
    expect(await overrides(licenseId)).toMatchObject([{ value: 5 }]);
    await set(licenseId, 4, [inDays(-1), inDays(0.5)]);
    expect(await overrides(licenseId)).toMatchObject([{ value: 4 }, { value: 5 }]);
  });

  it.each([
    ['a shorter one within one in force', [0, 5]],
    ['one that reaches over one that is to come', [20, 50]],
    ['one that begins at once and reaches into one that is to come', [-1, 31]],
    ['one that ends before one that is to come does', [35, 37]],
  ])('is refused where another would be lost: %s', async (_, [from = 0, to = 0]) => {
    const licenseId = await world.license();
    await set(licenseId, 9, [inDays(-2), inDays(10)]);
    await set(licenseId, 8, [inDays(30), inDays(40)]);
    const before = await here.details.find(licenseId);
    await expect(set(licenseId, 7, [inDays(from), inDays(to)])).rejects.toMatchObject({
      ...{ status: 409, code: 'override_overlaps' },
      publicMessage: expect.stringMatching(
        /holds from \S+Z until \S+Z, and would be lost\. Let that one end/,
      ),
    });
    expect(await here.details.find(licenseId)).toEqual(before);
  });

  it('of two that overlap, written down at once on two nodes, one is there and the other is refused', async () => {
    for (let round = 0; round < 5; round += 1) {
      const licenseId = await world.license();
      const outcomes = await Promise.allSettled([
        set(licenseId, 9, [inDays(3), inDays(6)], 0),
        set(licenseId, 8, [inDays(2), inDays(5)], 1),
        set(licenseId, 7, [inDays(1), inDays(4)], 0),
      ]);
      const there = await overrides(licenseId);
      const ends = there.map(({ endsAt }) => endsAt ?? '');
      const refused = outcomes.filter(({ status }) => status === 'rejected').length;
      expect(there.length + refused).toBe(3);
      // none of those that are there overlaps the next
      expect(there.slice(1).every(({ startsAt }, index) => startsAt >= (ends[index] ?? ''))).toBe(true);
    }
  });

  it('are 20 at most that have not ended', async () => {
    const licenseId = await world.license();
    for (let day = 1; day <= 20; day += 1) await set(licenseId, day, [inDays(day), inDays(day + 0.5)]);
    await expect(set(licenseId, 1, [inDays(21), null])).rejects.toMatchObject({
      ...{ status: 409, code: 'too_many_overrides' },
    });
    expect(await overrides(licenseId)).toHaveLength(20);
  });
});
