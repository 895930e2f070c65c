import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from '#platform';
import { administrationOf, databaseTime, inDays, licensesOf, planOf } from './license-administration.js';
import { LicensingWorld } from './licensing-world.js';

type Administration = ReturnType<typeof administrationOf>;

/** One act of a random history: what, on which of the licenses there are, and with which number. */
interface Step {
  readonly act: string;
  readonly which: number;
  readonly number: number;
  readonly later: boolean;
}

const ACTS = [
  ...[
    'issue',
    'draft',
    'trial',
    'suspend',
    'resume',
    'cancel',
    'revoke',
    'renew',
    'convert',
    'plan',
    'seats',
  ],
  ...['shrink', 'floating', 'calloff', 'override', 'planOverride', 'remove', 'endOverride', 'removeOverride'],
  // seats come and go more often than anything else
  ...['assign', 'assign', 'assign', 'release', 'suspendOrganization', 'resumeOrganization'],
];

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    act: fc.constantFrom(...ACTS),
    which: fc.nat(4),
    number: fc.integer({ min: 1, max: 4 }),
    later: fc.boolean(),
  }),
  { minLength: 25, maxLength: 40 },
);

const step = (act: string, which = 0, number = 3, later = true): Step => ({ act, which, number, later });

/** Each act once, where it is possible. */
const EVERY_ACT: Step[] = [
  ...[step('assign'), step('release'), step('plan'), step('calloff'), step('seats', 0, 4, false)],
  ...[step('shrink'), step('floating', 0, 3, false), step('override'), step('endOverride')],
  ...[
    step('removeOverride'),
    step('override'),
    step('planOverride', 0, 3, false),
    step('planOverride'),
    step('remove'),
    step('renew'),
    step('suspend'),
    step('resume'),
  ],
  ...[step('draft'), step('trial'), step('convert', 2, 4), step('cancel'), step('revoke', 2), step('issue')],
  ...[step('suspendOrganization'), step('resumeOrganization')],
];

describe('the history of licenses', () => {
  let world: LicensingWorld;
  let here: Administration;
  let pro = '';
  let people: string[] = [];
  beforeAll(async () => {
    world = await LicensingWorld.create({ nodes: 2 });
    here = administrationOf(world.node);
    pro = await planOf(world, 'reports-pro');
    people = await world.members(4);
  });
  afterAll(() => world.close());

  /** An organization of its own, whose people are those of acme. */
  async function organization(): Promise<string> {
    const { id } = await world.node.accounts.createOrganization(
      { key: `customer-${randomUUID().slice(0, 13)}`, name: 'A customer' },
      'seed',
    );
    for (const userId of people) {
      await world.node.accounts.addMember({ userId, organizationId: id, role: 'member' }, 'seed');
    }
    return id;
  }

  /** What the tables say now of each license. */
  async function tables(organizationId: string) {
    const snapshot = await world.node.licenses.snapshot(organizationId);
    const organizationSuspended = snapshot?.organization.state === 'suspended';
    const licenses = await licensesOf(world.node, organizationId);
    return new Map([...licenses].map(([id, license]) => [id, { license, organizationSuspended }]));
  }

  /** What the history says of each of these licenses. */
  async function told(ids: readonly string[], at: Date) {
    const states = await Promise.all(
      ids.map(async (id) => [id, await here.history.stateAt(id, at)] as const),
    );
    return new Map(states);
  }

  async function take(taken: Step, organizationId: string, licenses: string[]): Promise<void> {
    const { node } = world;
    const { act, number, later } = taken;
    const licenseId = licenses[taken.which % Math.max(1, licenses.length)] ?? '';
    const named = { organizationId, seatModel: 'named', seatLimit: number } as const;
    const seat = people[number % people.length] ?? '';
    const override = { licenseId, feature: later ? 'charts' : 'export' };
    const when = later ? { effectiveAt: inDays(number) } : {};
    const added = async (change: Promise<{ licenseId: string }>) => licenses.push((await change).licenseId);
    const trial = { organizationId, moduleKey: 'reports', planVersionId: pro, days: number };
    const ways: Record<string, () => Promise<unknown>> = {
      issue: () =>
        added(
          node.licenses.issue(
            world.terms({ ...named, lastDay: '2031-05-31', timeZone: 'Asia/Tokyo' }),
            'ada',
          ),
        ),
      draft: () => added(node.licenses.draft(world.terms({ ...named, overage: 'allow' }), 'ada')),
      trial: () => added(here.trials.startTrial(trial, 'ada')),
      suspend: () => node.licenses.changeStatus(licenseId, 'suspended', 'ada'),
      resume: () => node.licenses.changeStatus(licenseId, 'issued', 'ada'),
      cancel: () => node.licenses.changeStatus(licenseId, 'cancelled', 'ada'),
      revoke: () => node.licenses.changeStatus(licenseId, 'revoked', 'ada'),
      renew: () => here.terms.renew({ licenseId, endsAt: inDays(number * 900), graceDays: number }, 'ada'),
      convert: () => here.trials.convertTrial({ licenseId, endsAt: inDays(number * 400) }, 'ada'),
      plan: () =>
        here.terms.changeTerms({ licenseId, planVersionId: later ? pro : world.plan.id, ...when }, 'ada'),
      seats: () =>
        here.terms.changeTerms({ licenseId, seatModel: 'named', seatLimit: number, ...when }, 'ada'),
      shrink: () => here.terms.changeTerms({ licenseId, seatLimit: 1, surplusUntil: inDays(number) }, 'ada'),
      floating: () =>
        here.terms.changeTerms({ licenseId, seatModel: 'floating', seatLimit: number, ...when }, 'ada'),
      calloff: async () => {
        const [next] = await here.terms.scheduledChanges(licenseId);
        const effectiveAt = new Date(next?.effectiveAt ?? 0);
        await here.terms.cancelChange({ licenseId, effectiveAt }, 'ada');
      },
      override: () =>
        node.licenses.setOverride(
          {
            ...override,
            value: later ? number : true,
            startsAt: inDays(-1),
            endsAt: later ? inDays(9) : null,
          },
          'ada',
        ),
      planOverride: () =>
        node.licenses.setOverride(
          { ...override, value: later ? number : false, startsAt: inDays(number), endsAt: null },
          'ada',
        ),
      remove: () =>
        node.licenses.setOverride(
          { ...override, value: 'REMOVED', startsAt: inDays(-1), endsAt: null },
          'ada',
        ),
      endOverride: () =>
        node.licenses.endOverride({ ...override, ...(later ? { endsAt: inDays(2) } : {}) }, 'ada'),
      removeOverride: () => node.licenses.removeOverride(override, 'ada'),
      assign: () => node.seats.assignSeat(licenseId, seat, 'ada'),
      release: () => node.seats.releaseSeat(licenseId, seat, 'ada'),
      suspendOrganization: () => node.accounts.suspendOrganization(organizationId, 'ada'),
      resumeOrganization: () => node.accounts.resumeOrganization(organizationId, 'ada'),
    };
    await ways[act]?.();
  }

  async function counts(organizationId: string) {
    const [row] = await world.node.database.query<{ version: string; audit: string; outbox: string }>(sql`
      SELECT license_version AS version,
             (SELECT count(*) FROM audit_events WHERE organization_id = organizations.id) AS audit,
             (SELECT count(*) FROM outbox WHERE organization_id = organizations.id) AS outbox
        FROM organizations WHERE id = ${organizationId}`);
    return { version: Number(row?.version), audit: Number(row?.audit), outbox: Number(row?.outbox) };
  }

  it('replays to what the tables say, now and at every instant between any changes, each of which wrote one audit and one outbox row', async () => {
    const made = new Set<string>();
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const organizationId = await organization();
        const licenses: string[] = [];
        const past: { at: Date; state: Awaited<ReturnType<typeof tables>> }[] = [];
        await take({ act: 'issue', which: 0, number: 3, later: false }, organizationId, licenses);
        for (const one of all) {
          const before = await counts(organizationId);
          const refusal = await take(one, organizationId, licenses).then(
            () => undefined,
            (error: { status?: number }) => error,
          );
          const after = await counts(organizationId);
          // a seat that was held or free already, an organization that was suspended: nothing to change
          const changed = after.version > before.version;
          if (refusal)
            expect({ changed, status: refusal.status }).toEqual({
              changed: false,
              status: expect.any(Number),
            });
          if (changed) made.add(one.act);
          const rows = changed ? 1 : 0;
          expect(after).toEqual({
            version: before.version + rows,
            audit: before.audit + rows,
            outbox: before.outbox + rows,
          });
          past.push({ at: await databaseTime(world.node), state: await tables(organizationId) });
        }
        for (const { at, state } of past) {
          expect(await told([...state.keys()], at)).toEqual(state);
        }
      }),
      { numRuns: 15, examples: [[EVERY_ACT]] },
    );
    expect([...new Set(ACTS)].filter((act) => !made.has(act))).toEqual([]);
  }, 120_000);

  it('replays to what the tables say after changes that raced each other on two nodes', async () => {
    for (let round = 0; round < 5; round += 1) {
      const organizationId = await organization();
      const licenseId = await world.license({ organizationId, seatModel: 'named', seatLimit: 3 });
      const there = world.nodes[1] ?? world.node;
      const other = administrationOf(there);
      await Promise.allSettled([
        ...people.map((person) => world.node.seats.assignSeat(licenseId, person, 'ada')),
        here.terms.changeTerms({ licenseId, seatLimit: 2 }, 'ada'),
        other.terms.changeTerms({ licenseId, planVersionId: pro }, 'bob'),
        other.terms.renew({ licenseId, endsAt: null }, 'bob'),
        there.licenses.changeStatus(licenseId, 'suspended', 'bob'),
        world.node.licenses.changeStatus(licenseId, 'issued', 'ada'),
        here.terms.changeTerms({ licenseId, seatLimit: 9 }, 'ada'),
      ]);
      const at = await databaseTime(world.node);
      expect(await told([licenseId], at)).toEqual(await tables(organizationId));
    }
  });

  it('reads more audit rows than it holds at once', async () => {
    const organizationId = await organization();
    const licenseId = await world.license({ organizationId });
    await world.node.database.query(sql`
      INSERT INTO audit_events (act, actor, target, organization_id, detail)
      SELECT CASE WHEN n % 2 = 0 THEN 'seat.assign' ELSE 'seat.release' END, 'seed', ${licenseId}, ${organizationId}::uuid,
             jsonb_build_object('user', 'person-' || n / 3, 'way', 'import')
        FROM generate_series(1, 2500) AS n ORDER BY n`);
    const { license } = await here.history.stateAt(licenseId, inDays(1));
    // three rows for each person: seated are those whose last row is even, persons 0, 2, … 832 and the very last one
    expect(license.seats).toHaveLength(418);
  });

  it('reads the rows of the one license that is asked for, and refuses more of them than it bears', async () => {
    const organizationId = await organization();
    const [asked, busy] = [await world.license({ organizationId }), await world.license({ organizationId })];
    const acts = (licenseId: string, count: number) =>
      world.node.database.query(sql`
        INSERT INTO audit_events (act, actor, target, organization_id, detail)
        SELECT CASE WHEN n % 2 = 1 THEN 'seat.assign' ELSE 'seat.release' END, 'seed', ${licenseId},
               ${organizationId}::uuid, jsonb_build_object('user', 'ada', 'way', 'import')
          FROM generate_series(1, ${count}::int) AS n ORDER BY n`);
    const early = await databaseTime(world.node);
    // what comes now comes in another millisecond
    await databaseTime(world.node);
    await acts(busy, 20_000);
    await acts(asked, 1);
    expect((await here.history.stateAt(asked, inDays(1))).license.seats).toEqual(['ada']);
    await expect(here.history.stateAt(busy, inDays(1))).rejects.toMatchObject({
      ...{ status: 409, code: 'history_too_long' },
    });
    expect((await here.history.stateAt(busy, early)).license.seats).toEqual([]);
  });

  it('finds the rows of a license by an index, among those of a large organization', async () => {
    const organizationId = await organization();
    const licenseId = await world.license({ organizationId });
    const { database } = world.node;
    await database.query(sql`
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'seat.assign', 'seed', gen_random_uuid()::text, ${organizationId}::uuid FROM generate_series(1, 20000)`);
    await database.query(sql`ANALYZE audit_events`);
    const plan = await database.query<{ 'QUERY PLAN': string }>(sql`
      EXPLAIN SELECT act FROM audit_events
       WHERE organization_id = ${organizationId} AND target = ${licenseId} ORDER BY id DESC LIMIT 51`);
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toMatch(
      /Index.* using audit_events_(target|about)/,
    );
  });

  it('before the license is none, of nobody and of another organization is refused, and so is what is no instant', async () => {
    const organizationId = await organization();
    const before = await databaseTime(world.node);
    await databaseTime(world.node);
    const licenseId = await world.license({ organizationId });
    const { history } = here;
    for (const [ask, status, code] of [
      [() => history.stateAt(licenseId, before), 404, 'no_license_then'],
      [() => history.stateAt(randomUUID(), before), 404, 'unknown_license'],
      [() => history.stateAt(licenseId, inDays(1), randomUUID()), 404, 'unknown_license'],
      [() => history.stateAt(licenseId, new Date(Number.NaN)), 400, 'invalid_instant'],
    ] as const) {
      await expect(ask()).rejects.toMatchObject({ status, code });
    }
  });

  it('of rows from before histories were kept is refused instead of made up', async () => {
    const licenseId = await world.license();
    await world.node.database.transaction(async (transaction) => {
      // the trail takes no change; a release from before wrote less
      await transaction.query(sql`SET LOCAL session_replication_role = replica`);
      await transaction.query(sql`UPDATE audit_events SET detail = '{}' WHERE target = ${licenseId}`);
    });
    await expect(here.history.stateAt(licenseId, inDays(1))).rejects.toMatchObject({
      ...{ status: 409, code: 'history_incomplete' },
    });
  });

  describe('of one license', () => {
    it('tells who did what and when, the latest first, a page at a time', async () => {
      const licenseId = await world.license({ seatModel: 'named', seatLimit: 5 });
      const [person = ''] = people;
      await world.node.seats.assignSeat(licenseId, person, 'eve');
      await here.terms.renew({ licenseId, endsAt: null }, 'bob');
      await here.terms.changeTerms({ licenseId, seatLimit: 7 }, 'ada');
      const { entries, next } = await here.history.timeline(licenseId);
      expect(entries.map(({ act, actor }) => [act, actor])).toEqual([
        ['license.change-terms', 'ada'],
        ['license.renew', 'bob'],
        ['seat.assign', 'eve'],
        ['license.issue', 'seed'],
      ]);
      expect(next).toBeNull();
      expect(entries[1]?.detail).toMatchObject({ endsAt: null, lastDay: null });
      const times = entries.map(({ occurredAt }) => occurredAt.getTime());
      expect(times).toEqual(times.toSorted((one, other) => other - one));

      const pages = [];
      for (let before: string | null | undefined; before !== null;) {
        const page: Awaited<ReturnType<Administration['history']['timeline']>> = await here.history.timeline(
          licenseId,
          { limit: 3, ...(before === undefined ? {} : { before }) },
        );
        pages.push(page.entries.length);
        before = page.next;
      }
      expect(pages).toEqual([3, 1]);
    });

    it('is not told to another organization, nor in pages that are none', async () => {
      const licenseId = await world.license();
      const { history } = here;
      const neighbor = await organization();
      expect(
        (await history.timeline(licenseId, { organizationId: world.organizationId })).entries,
      ).toHaveLength(1);
      for (const ask of [
        () => history.timeline(licenseId, { organizationId: neighbor }),
        () => history.timeline(randomUUID()),
      ]) {
        await expect(ask()).rejects.toMatchObject({ status: 404, code: 'unknown_license' });
      }
      for (const page of [{ limit: 0 }, { limit: 101 }, { limit: 1.5 }, { before: 'x' }, { before: '-1' }]) {
        await expect(history.timeline(licenseId, page)).rejects.toMatchObject({
          status: 400,
          code: 'invalid_page',
        });
      }
    });
  });
});
