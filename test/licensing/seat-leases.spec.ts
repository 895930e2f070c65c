import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Lease, LeaseHolder } from '#licensing';
import { sql } from '#platform';
import { LicensingWorld, type Node } from './licensing-world.js';

const NOTHING = { version: 0, audit: [], outbox: [] };
const EXHAUSTED = { status: 403, code: 'SEATS_EXHAUSTED' };
const EXPIRED = { status: 403, code: 'LEASE_EXPIRED' };
const SUPERSEDED = { status: 409, code: 'lease_superseded' };

describe('floating seats', () => {
  let world: LicensingWorld;
  let people: string[];
  beforeAll(async () => {
    world = await LicensingWorld.create({ nodes: 2 });
    people = await world.members(6);
  });
  afterAll(() => world.close());

  const nodeFor = (index: number): Node => world.nodes[index % world.nodes.length] ?? world.node;

  async function floating(
    seats: number,
    changes: Parameters<LicensingWorld['license']>[0] = {},
  ): Promise<string> {
    const licenseId = await world.license({ ...changes, seatModel: 'named', seatLimit: seats });
    await world.node.database.query(sql`
      UPDATE license_terms SET seat_model = 'floating' WHERE license_id = ${licenseId}`);
    return licenseId;
  }
  const holder = (licenseId: string, person: number, device = 'desk'): LeaseHolder => ({
    licenseId,
    userId: people[person] ?? '',
    device,
  });
  const acquire = (who: LeaseHolder, node = world.node) => node.leases.acquireLease(who, who.userId);
  const expire = ({ licenseId, userId, device }: LeaseHolder) =>
    world.node.database.query(sql`
      UPDATE seat_leases SET expires_at = now() - interval '1 millisecond'
       WHERE license_id = ${licenseId} AND user_id = ${userId} AND device = ${device}`);
  async function live(licenseId: string): Promise<number> {
    const [row] = await world.node.database.query<{ count: number }>(sql`
      SELECT count(*)::int FROM seat_leases WHERE license_id = ${licenseId} AND expires_at > now()`);
    return row?.count ?? 0;
  }

  it('a lease lasts as long as the license says, is heard of every third of that, and leaves one trace', async () => {
    const licenseId = await floating(1, { leaseSeconds: 90 });
    const who = holder(licenseId, 0);
    const traces = await world.traced(async () => {
      const began = Date.now();
      const lease = await acquire(who);
      expect(lease).toMatchObject({ fence: 1, heartbeatSeconds: 30 });
      expect(lease.expiresAt.getTime()).toBeGreaterThanOrEqual(began + 90_000);
      expect(lease.expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 90_000);
    });
    expect(traces).toEqual({
      version: 0,
      audit: [{ act: 'seat.lease', actor: who.userId, target: licenseId }],
      outbox: [{ kind: 'seat-assigned', subject: who.userId }],
    });
    expect(
      await world.traced(async () => {
        await world.node.database.query(sql`
          UPDATE seat_leases SET expires_at = now() + interval '45 seconds' WHERE license_id = ${licenseId}`);
        const began = Date.now();
        const { expiresAt } = await world.node.leases.heartbeat(who, 1);
        expect(expiresAt.getTime()).toBeGreaterThanOrEqual(began + 90_000);
        expect(await world.node.leases.leasedUntil(licenseId, who.userId)).toEqual(expiresAt);
      }),
    ).toEqual(NOTHING);
    expect((await world.traced(() => world.node.leases.releaseLease(who, 1, who.userId))).outbox).toEqual([
      { kind: 'seat-released', subject: who.userId },
    ]);
    expect(await world.traced(() => world.node.leases.releaseLease(who, 1, who.userId))).toEqual(NOTHING);
    expect(await world.node.leases.leasedUntil(licenseId, who.userId)).toBeUndefined();
  });

  it('of 40 who come at once on two nodes exactly as many get in as there are seats, each time', async () => {
    for (let round = 0; round < 4; round += 1) {
      const licenseId = await floating(3);
      const comers = Array.from({ length: 40 }, (_, index) =>
        holder(licenseId, index % 6, `device-${index}`),
      );
      const results = await Promise.allSettled(comers.map((who, index) => acquire(who, nodeFor(index))));
      const fences = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value.fence] : []));
      expect(fences.sort()).toEqual([1, 2, 3]);
      for (const each of results) {
        if (each.status === 'rejected') expect(each.reason).toMatchObject(EXHAUSTED);
      }
    }
  });

  it('an expired lease is taken by the next who comes, by one alone, and its holder is told', async () => {
    for (let round = 0; round < 4; round += 1) {
      const licenseId = await floating(1);
      const first = holder(licenseId, 0);
      const { fence } = await acquire(first);
      await expect(acquire(holder(licenseId, 1))).rejects.toMatchObject(EXHAUSTED);
      await expire(first);
      await expect(world.node.leases.heartbeat(first, fence)).rejects.toMatchObject(EXPIRED);
      const takers = [1, 2, 3, 4, 5].map((person) => acquire(holder(licenseId, person), nodeFor(person)));
      const taken = (await Promise.allSettled(takers)).flatMap((each) =>
        each.status === 'fulfilled' ? [each.value.fence] : [],
      );
      expect(taken).toEqual([fence + 1]);
      // the seat is another's, and its former holder still hears why
      await expect(world.node.leases.heartbeat(first, fence)).rejects.toMatchObject(EXPIRED);
      await expect(acquire(first)).rejects.toMatchObject(EXHAUSTED);
    }
  });

  it('a heartbeat that is under way when its lease expires is waited for: either it or the next has the seat', async () => {
    for (let round = 0; round < 15; round += 1) {
      const licenseId = await floating(1);
      const [first, next] = [holder(licenseId, 0), holder(licenseId, 1)];
      const { fence } = await acquire(first);
      await world.node.database.query(sql`
        UPDATE seat_leases SET expires_at = now() + make_interval(secs => ${(round % 5) * 0.002})
         WHERE license_id = ${licenseId}`);
      const outcomes = await Promise.allSettled([
        nodeFor(0).leases.heartbeat(first, fence),
        acquire(next, nodeFor(1)),
      ]);
      expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
      expect(await live(licenseId)).toBeLessThanOrEqual(1);
    }
  });

  it('who asks again at the same device holds the same lease, and at another one takes one more', async () => {
    const licenseId = await floating(2);
    const who = holder(licenseId, 0);
    const { fence } = await acquire(who);
    expect(
      await world.traced(async () => expect(await acquire(who, nodeFor(1))).toMatchObject({ fence })),
    ).toEqual(NOTHING);
    expect((await acquire(holder(licenseId, 0, 'laptop'))).fence).toBe(fence + 1);
    // also where all are taken by now
    expect((await acquire(who)).fence).toBe(fence);
  });

  it('a holder with an older fence is refused, whatever they want', async () => {
    const licenseId = await floating(2);
    const who = holder(licenseId, 0);
    const old = await acquire(who);
    await expire(who);
    const { fence } = await acquire(who);
    expect(fence).toBeGreaterThan(old.fence);
    const { leases } = world.node;
    expect(
      await world.traced(async () => {
        await expect(leases.heartbeat(who, old.fence)).rejects.toMatchObject(SUPERSEDED);
        await expect(leases.releaseLease(who, old.fence, 'x')).rejects.toMatchObject(SUPERSEDED);
        await expect(leases.heartbeat(who, fence + 1)).rejects.toMatchObject(SUPERSEDED);
      }),
    ).toEqual(NOTHING);
    expect(await leases.heartbeat(who, fence)).toMatchObject({ fence });
    expect(await live(licenseId)).toBe(1);
  });

  it('with fewer seats those who came first stay; the others keep theirs to the end of the surplus', async () => {
    const licenseId = await floating(3);
    const leases: Lease[] = [];
    for (const person of [0, 1, 2]) leases.push(await acquire(holder(licenseId, person)));
    const shrink = (surplusUntil: Date | null) =>
      world.node.database.query(sql`
        UPDATE license_terms SET seat_limit = 1, surplus_until = ${surplusUntil} WHERE license_id = ${licenseId}`);
    const heard = () =>
      Promise.allSettled(
        leases.map(({ fence }, person) => world.node.leases.heartbeat(holder(licenseId, person), fence)),
      );
    await shrink(new Date(Date.now() + 60_000));
    expect((await heard()).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    await expect(acquire(holder(licenseId, 3))).rejects.toMatchObject({ code: 'OVER_ALLOCATED' });
    await shrink(null);
    expect(await heard()).toMatchObject([
      { status: 'fulfilled' },
      { reason: { status: 403, code: 'OVER_ALLOCATED' } },
      { reason: { status: 403, code: 'OVER_ALLOCATED' } },
    ]);
  });

  it('only a license in effect whose seats float leases, to members alone; bad input is refused with a sentence', async () => {
    const { leases, licenses } = world.node;
    const refused = (who: LeaseHolder, error: object) => expect(acquire(who)).rejects.toMatchObject(error);
    const open = await floating(5);
    const suspended = await floating(5);
    await licenses.changeStatus(suspended, 'suspended', 'admin');
    const scheduled = await floating(5, { startsAt: new Date(Date.now() + 60_000) });
    const expired = await floating(5, { endsAt: new Date(Date.now() - 60_000), graceDays: 0 });
    const seated = await world.license({ seatModel: 'named', seatLimit: 5 });
    const unlimited = await world.license();
    expect(
      await world.traced(async () => {
        await refused(holder(suspended, 0), { status: 409, code: 'license_not_in_effect' });
        await refused(holder(scheduled, 0), { status: 409, code: 'license_not_in_effect' });
        await refused(holder(expired, 0), { status: 409, code: 'license_ended' });
        await refused(holder(seated, 0), { status: 409, code: 'no_leases' });
        await refused(holder(unlimited, 0), { status: 409, code: 'no_leases' });
        await refused(holder(randomUUID(), 0), { status: 404, code: 'unknown_license' });
        await refused(holder('x', 0), { status: 404, code: 'unknown_license' });
        await refused({ ...holder(open, 0), userId: randomUUID() }, { status: 409, code: 'not_a_member' });
        await refused({ ...holder(open, 0), userId: 'x' }, { status: 409, code: 'not_a_member' });
        for (const device of ['', 'x'.repeat(129), 'a\0b']) {
          await refused(holder(open, 0, device), { status: 400, code: 'invalid_device' });
        }
        for (const fence of [NaN, 0, -1, 1.5, 2 ** 53]) {
          await expect(leases.heartbeat(holder(open, 0), fence)).rejects.toMatchObject({
            status: 400,
            code: 'invalid_fence',
          });
        }
        await expect(world.node.seats.assignSeat(open, people[0] ?? '', 'admin')).rejects.toMatchObject({
          status: 409,
          code: 'no_seats',
        });
      }),
    ).toEqual(NOTHING);
  });

  it('who has left the organization, or is disabled, holds the seat no longer, and hears why', async () => {
    const licenseId = await floating(5);
    const [left = '', disabled = '', stays = ''] = await world.members(3);
    const { accounts, database, leases } = world.node;
    const leased = await Promise.all(
      [left, disabled, stays].map(async (userId) => {
        const who = { licenseId, userId, device: 'desk' };
        return { who, fence: (await acquire(who)).fence };
      }),
    );
    await database.query(sql`DELETE FROM memberships WHERE user_id = ${left}`);
    await accounts.disableUser(disabled, 'admin');
    const heard = await Promise.allSettled(leased.map(({ who, fence }) => leases.heartbeat(who, fence)));
    expect(heard).toMatchObject([
      { reason: { status: 409, code: 'not_a_member' } },
      { reason: { status: 409, code: 'not_a_member' } },
      { status: 'fulfilled' },
    ]);
    await expect(acquire({ licenseId, userId: disabled, device: 'laptop' })).rejects.toMatchObject({
      status: 409,
      code: 'not_a_member',
    });
  });

  it('what ended long ago is cleared away, however much it is, and what is held stays', async () => {
    const licenseId = await floating(5);
    await acquire(holder(licenseId, 0));
    await acquire(holder(licenseId, 1));
    await world.node.database.query(sql`
      UPDATE seat_leases SET expires_at = now() - interval '25 hours'
       WHERE license_id = ${licenseId} AND user_id = ${people[0]}`);
    await world.node.database.query(sql`
      INSERT INTO seat_leases (license_id, user_id, device, fence, leased_at, expires_at, ended_at)
      SELECT ${licenseId}, ${people[2]}, 'device-' || n, 100 + n, now(), now() - interval '25 hours', now()
        FROM generate_series(1, 25) AS n`);
    await world.node.leases.prune(10);
    expect(
      await world.node.database.query(sql`SELECT user_id FROM seat_leases WHERE license_id = ${licenseId}`),
    ).toEqual([{ user_id: people[1] }]);
  });

  /** What a client does to floating seats, and what a plain map says of it. */
  type Step =
    | {
        readonly act: 'acquire' | 'heartbeat' | 'stale' | 'release' | 'expire';
        readonly who: number;
        readonly device: string;
      }
    | { readonly act: 'take-offline' | 'return-offline'; readonly block: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      act: fc.constantFrom('acquire', 'acquire', 'heartbeat', 'stale', 'release', 'expire'),
      who: fc.nat(3),
      device: fc.constantFrom('desk', 'laptop'),
    }),
    fc.record({
      act: fc.constantFrom('take-offline', 'return-offline'),
      block: fc.integer({ min: 1, max: 2 }),
    }),
  );

  it('seats in use are never more than the limit and fences only rise, whatever is done in whichever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.integer({ min: 0, max: 4 }),
        async (steps, limit) => {
          const licenseId = await floating(limit);
          const { database, leases } = world.node;
          const model = new Map<string, { fence: number; live: boolean }>();
          let [offline, highest] = [0, 0];
          const inUse = () => [...model.values()].filter((lease) => lease.live).length + offline;
          for (const one of steps) {
            if ('block' in one && one.act === 'take-offline') {
              if (inUse() + one.block > limit) continue;
              offline += one.block;
              await database.query(sql`
              INSERT INTO offline_grants (id, license_id, instance, seat_block, sequence, issued_at, expires_at)
              VALUES (${randomUUID()}, ${licenseId}, ${randomUUID()}, ${one.block}, 1, now(), now() + interval '1 day')`);
              continue;
            }
            if ('block' in one) {
              offline = 0;
              await database.query(sql`
              UPDATE offline_grants SET returned_at = now() WHERE license_id = ${licenseId} AND returned_at IS NULL`);
              continue;
            }
            const who = holder(licenseId, one.who, one.device);
            const key = `${one.who} ${one.device}`;
            const held = model.get(key);
            if (one.act === 'acquire') {
              const others = inUse() - (held?.live ? 1 : 0);
              const result = await acquire(who).catch((error: { code: string }) => error.code);
              if (held?.live) {
                expect(result).toMatchObject({ fence: held.fence });
              } else if (others >= limit) {
                expect(result).toBe(others > limit ? 'OVER_ALLOCATED' : 'SEATS_EXHAUSTED');
              } else {
                const { fence } = result as { fence: number };
                expect(fence).toBeGreaterThan(highest);
                highest = fence;
                model.set(key, { fence, live: true });
              }
            } else if (one.act === 'expire') {
              if (held) {
                await expire(who);
                held.live = false;
              }
            } else if (one.act === 'release') {
              if (held) expect(await leases.releaseLease(who, held.fence, 'x')).toBe(true);
              model.delete(key);
            } else {
              const fence = one.act === 'stale' ? Math.max(1, (held?.fence ?? 2) - 1) : (held?.fence ?? 1);
              const result = await leases
                .heartbeat(who, fence)
                .catch((error: { code: string }) => error.code);
              if (held?.fence !== fence) expect(result).toBe('lease_superseded');
              else if (!held.live) expect(result).toBe('LEASE_EXPIRED');
              else expect(result).toMatchObject({ fence });
            }
            expect(await live(licenseId)).toBe([...model.values()].filter((lease) => lease.live).length);
            expect((await live(licenseId)) + offline).toBeLessThanOrEqual(limit);
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);
});
