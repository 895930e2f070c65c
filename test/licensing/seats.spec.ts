import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readImport, SeatImportRepository, type SeatWay } from '#licensing';
import { sql } from '#platform';
import { LicensingWorld, type Node } from './licensing-world.js';

const named = (seatLimit: number) => ({ seatModel: 'named', seatLimit }) as const;

describe('seats', () => {
  let world: LicensingWorld;
  beforeAll(async () => (world = await LicensingWorld.create({ nodes: 2 })));
  afterAll(() => world.close());

  /** The nodes in turn. */
  const nodeFor = (index: number): Node => world.nodes[index % world.nodes.length] ?? world.node;

  it('50 concurrent assignments on two nodes with one seat left: 1 succeeds, 49 are SEATS_EXHAUSTED', async () => {
    const licenseId = await world.license(named(3));
    // a second license of the organization, whose seats are taken at the same time in the opposite order
    const otherId = await world.license(named(1000));
    const people = await world.members(52);
    for (const userId of people.splice(0, 2)) await world.node.seats.assignSeat(licenseId, userId, 'admin');

    const others = Promise.all(
      people.map((userId, i) => nodeFor(i + 1).seats.assignSeat(otherId, userId, 'admin')),
    );
    const results = await Promise.allSettled(
      people.map((userId, index) => nodeFor(index).seats.assignSeat(licenseId, userId, 'admin')),
    );
    await others;

    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(refused).toHaveLength(49);
    for (const error of refused) expect(error).toMatchObject({ status: 403, code: 'SEATS_EXHAUSTED' });
    expect(await world.seated(licenseId)).toBe(3);
  });

  it('one person assigned twice at once on two nodes gets one seat, and both calls succeed', async () => {
    for (let round = 0; round < 10; round += 1) {
      const licenseId = await world.license(named(5));
      const [userId = ''] = await world.members(1);
      const traces = await world.traced(async () => {
        const [one, two] = await Promise.all(
          [0, 1].map((index) => nodeFor(index).seats.assignSeat(licenseId, userId, 'admin')),
        );
        expect(one?.seatId).toBe(two?.seatId);
        expect([one?.assigned, two?.assigned].sort()).toEqual([false, true]);
      });
      expect(traces).toMatchObject({ version: 1, audit: [{ act: 'seat.assign', target: licenseId }] });
      expect(traces.outbox).toEqual([{ kind: 'seat-assigned', subject: userId }]);
      expect(await world.seated(licenseId)).toBe(1);
    }
  });

  it('a full license still answers who is seated with their seat', async () => {
    const licenseId = await world.license(named(1));
    const [userId = ''] = await world.members(1);
    const first = await world.node.seats.assignSeat(licenseId, userId, 'admin');
    expect(await world.node.seats.assignSeat(licenseId, userId, 'admin')).toEqual({
      seatId: first.seatId,
      assigned: false,
      version: first.version,
    });
  });

  it('a released seat is free for the next person, and releasing it again changes nothing', async () => {
    const licenseId = await world.license(named(1));
    const [first = '', second = ''] = await world.members(2);
    const { seats } = world.node;
    await seats.assignSeat(licenseId, first, 'admin');
    await expect(seats.assignSeat(licenseId, second, 'admin')).rejects.toMatchObject({
      code: 'SEATS_EXHAUSTED',
    });

    const released = await world.traced(() => seats.releaseSeat(licenseId, first, 'admin'));
    expect(released).toEqual({
      version: 1,
      audit: [{ act: 'seat.release', actor: 'admin', target: licenseId }],
      outbox: [{ kind: 'seat-released', subject: first }],
    });
    expect(await world.traced(() => seats.releaseSeat(licenseId, first, 'admin'))).toEqual({
      version: 0,
      audit: [],
      outbox: [],
    });
    expect(await seats.assignSeat(licenseId, second, 'admin')).toMatchObject({ assigned: true });
  });

  it('nobody from outside the organization, no ended and no unlimited license takes a seat', async () => {
    const { accounts, licenses, seats } = world.node;
    const stranger = await accounts.createUser(
      { email: 'stranger@globex.example', name: 'A stranger', passwordHash: 'none' },
      'seed',
    );
    const [member = ''] = await world.members(1);
    const revoked = await world.license(named(5));
    await licenses.changeStatus(revoked, 'revoked', 'admin');
    const refusals = await world.traced(async () => {
      const open = await world.license(named(5));
      await expect(seats.assignSeat(open, stranger.id, 'admin')).rejects.toMatchObject({
        code: 'not_a_member',
      });
      await expect(seats.assignSeat(revoked, member, 'admin')).rejects.toMatchObject({
        code: 'license_ended',
      });
      const unlimited = await world.license();
      await expect(seats.assignSeat(unlimited, member, 'admin')).rejects.toMatchObject({ code: 'no_seats' });
      await expect(seats.assignSeat(member, member, 'admin')).rejects.toMatchObject({
        code: 'unknown_license',
      });
    });
    expect(refusals.audit.map(({ act }) => act)).toEqual(['license.issue', 'license.issue']);
  });

  it('50 people by every way at once on two nodes and one seat left: 1 gets it, 49 are SEATS_EXHAUSTED, each time', async () => {
    for (let round = 0; round < 10; round += 1) {
      const licenseId = await world.license(named(3));
      const people = await world.members(52);
      for (const userId of people.splice(0, 2)) await world.node.seats.assignSeat(licenseId, userId, 'admin');
      const emails = await emailsOf(people);

      const outcomes = await Promise.all(
        people.map(async (userId, index) => {
          const { database, seats, reservations } = nodeFor(index);
          const ways = [
            () => seats.assignSeat(licenseId, userId, 'admin', 'administrator'),
            () => seats.assignSeat(licenseId, userId, userId, 'first-use'),
            () => reservations.reserveSeat(licenseId, randomUUID(), inAnHour(), 'admin'),
            async () => {
              const lines = readImport(Buffer.from(`email,license\n${emails.get(userId)},${licenseId}\n`));
              const target = { organizationKey: 'acme', moduleKey: 'reports' };
              const imports = new SeatImportRepository(database, seats);
              const run = (): ReturnType<typeof imports.run> =>
                imports.run(lines, target, 'admin').catch((error: { code?: string }) => {
                  // one import of an organization at a time: the others come again
                  if (error.code === 'import_under_way') return run();
                  throw error;
                });
              const [result] = await run();
              if (result?.outcome !== 'assigned') throw Object.assign(new Error(), { code: result?.code });
            },
          ];
          // by fours, so that each way is gone on both nodes
          return ways[(index >> 1) % ways.length]?.().then(
            () => 'seated',
            (error: { code: string }) => error.code,
          );
        }),
      );
      expect(outcomes.filter((outcome) => outcome === 'seated')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'SEATS_EXHAUSTED')).toHaveLength(49);
    }
  });

  it('the way in is written down with the seat and in its audit row', async () => {
    const licenseId = await world.license(named(9));
    for (const way of ['administrator', 'first-use', 'import', 'invitation'] satisfies SeatWay[]) {
      const [userId = ''] = await world.members(1);
      const { seatId } = await world.node.seats.assignSeat(licenseId, userId, 'admin', way);
      expect(
        await world.node.database.query(sql`
          SELECT way, (SELECT detail FROM audit_events WHERE target = ${licenseId} ORDER BY id DESC LIMIT 1) AS detail
            FROM seat_assignments WHERE id = ${seatId}`),
      ).toEqual([{ way, detail: { user: userId, way } }]);
    }
  });

  it('a seat that was released goes to nobody else until it has cooled, and to its last holder at once', async () => {
    const licenseId = await world.license({ ...named(2), seatCooldownSeconds: 3600 });
    const [first = '', second = '', third = ''] = await world.members(3);
    const { database, seats } = world.node;
    const assign = (userId: string) => seats.assignSeat(licenseId, userId, 'admin');
    await assign(first);
    await assign(second);
    // however often they come and go, they leave one seat
    for (let time = 0; time < 3; time += 1) {
      await seats.releaseSeat(licenseId, first, 'admin');
      await expect(assign(third)).rejects.toMatchObject({ status: 403, code: 'SEATS_EXHAUSTED' });
      await assign(first);
    }
    await seats.releaseSeat(licenseId, second, 'admin');
    await seats.releaseSeat(licenseId, first, 'admin');
    await database.query(sql`
      UPDATE seat_assignments SET released_at = released_at - interval '3601 seconds'
       WHERE license_id = ${licenseId} AND user_id = ${first}`);
    await assign(third);
    await expect(assign(first)).rejects.toMatchObject({ code: 'SEATS_EXHAUSTED' });
    await assign(second);
    expect(await world.seated(licenseId)).toBe(2);
  });

  it('an over-allocated license seats nobody new, not even who comes back, and takes no seat from anybody', async () => {
    const licenseId = await world.license({ ...named(3), seatCooldownSeconds: 60 });
    const people = await world.members(4);
    const { database, seats, reservations } = world.node;
    for (const userId of people.slice(0, 3)) await seats.assignSeat(licenseId, userId, 'admin');
    await database.query(sql`UPDATE license_terms SET seat_limit = 1 WHERE license_id = ${licenseId}`);
    const none = { version: 0, audit: [], outbox: [] };
    const overAllocated = { status: 403, code: 'OVER_ALLOCATED' };
    expect(
      await world.traced(async () => {
        await expect(seats.assignSeat(licenseId, people[3] ?? '', 'admin')).rejects.toMatchObject(
          overAllocated,
        );
        await expect(
          reservations.reserveSeat(licenseId, randomUUID(), inAnHour(), 'admin'),
        ).rejects.toMatchObject(overAllocated);
      }),
    ).toEqual(none);
    await seats.releaseSeat(licenseId, people[2] ?? '', 'admin');
    await expect(seats.assignSeat(licenseId, people[2] ?? '', 'admin')).rejects.toMatchObject(overAllocated);
    expect(await world.seated(licenseId)).toBe(2);
  });

  it('seats in an offline file are gone online until the file is returned or expires: a block of 4 of 10 leaves 6', async () => {
    const licenseId = await world.license(named(10));
    const { database, seats } = world.node;
    const grant = async (returned: boolean, ends: string) =>
      database.query(sql`
        INSERT INTO offline_grants (id, license_id, instance, seat_block, sequence, issued_at, expires_at, returned_at)
        VALUES (${randomUUID()}, ${licenseId}, ${randomUUID()}, 4, 1, now() - interval '2 hours',
                now() + ${ends}::interval, CASE WHEN ${returned} THEN now() END)`);
    await grant(false, '1 hour');
    await grant(true, '1 hour');
    await grant(false, '-1 hour');
    const people = await world.members(7);
    const seated = await Promise.allSettled(
      people.map((userId, index) => nodeFor(index).seats.assignSeat(licenseId, userId, 'admin')),
    );
    expect(seated.filter(({ status }) => status === 'fulfilled')).toHaveLength(6);
    await database.query(sql`UPDATE offline_grants SET returned_at = now() WHERE license_id = ${licenseId}`);
    await expect(
      Promise.all(people.map((userId) => seats.assignSeat(licenseId, userId, 'admin'))),
    ).resolves.toHaveLength(7);
  });

  it('the terms that hold now decide, not those to come', async () => {
    const licenseId = await world.license(named(1));
    const [first = '', second = ''] = await world.members(2);
    const { database, seats } = world.node;
    await seats.assignSeat(licenseId, first, 'admin');
    await database.query(sql`
      INSERT INTO license_terms (license_id, effective_at, plan_version_id, seat_model, seat_limit)
      SELECT license_id, now() + interval '1 hour', plan_version_id, 'named', 5 FROM license_terms
       WHERE license_id = ${licenseId}`);
    await expect(seats.assignSeat(licenseId, second, 'admin')).rejects.toMatchObject({
      code: 'SEATS_EXHAUSTED',
    });
    await database.query(sql`
      UPDATE license_terms SET effective_at = now() - interval '1 hour'
       WHERE license_id = ${licenseId} AND seat_limit = 5`);
    expect(await seats.assignSeat(licenseId, second, 'admin')).toMatchObject({ assigned: true });
  });

  it('at first use only a license in effect gives a seat; an administrator may be earlier, and nobody later', async () => {
    const { licenses, seats } = world.node;
    const [first = '', second = ''] = await world.members(2);
    const hour = 3_600_000;
    const at = (milliseconds: number) => new Date(Date.now() + milliseconds);
    const scheduled = await world.license({ ...named(5), startsAt: at(hour) });
    const suspended = await world.license(named(5));
    await licenses.changeStatus(suspended, 'suspended', 'admin');
    const graced = await world.license({ ...named(5), endsAt: at(-hour), graceDays: 1 });
    const expired = await world.license({ ...named(5), endsAt: at(-25 * hour), graceDays: 1 });
    const assign = (licenseId: string, userId: string, way: SeatWay) =>
      seats.assignSeat(licenseId, userId, 'admin', way);
    for (const licenseId of [scheduled, suspended]) {
      await expect(assign(licenseId, first, 'first-use')).rejects.toMatchObject({
        status: 409,
        code: 'license_not_in_effect',
      });
      expect(await assign(licenseId, second, 'administrator')).toMatchObject({ assigned: true });
    }
    expect(await assign(graced, first, 'first-use')).toMatchObject({ assigned: true });
    for (const way of ['first-use', 'administrator', 'import', 'invitation'] satisfies SeatWay[]) {
      await expect(assign(expired, first, way)).rejects.toMatchObject({ status: 409, code: 'license_ended' });
    }
  });

  it('ids that are none are refused with a sentence, and nothing happens', async () => {
    const licenseId = await world.license(named(5));
    const [userId = ''] = await world.members(1);
    const { seats } = world.node;
    for (const id of ['', 'x', "' OR 1=1 --", 'ffffffff-ffff-ffff-ffff-ffffffffffff0', randomUUID()]) {
      await expect(seats.assignSeat(id, userId, 'admin')).rejects.toMatchObject({ code: 'unknown_license' });
      await expect(seats.assignSeat(licenseId, id, 'admin')).rejects.toMatchObject({ code: 'not_a_member' });
      expect(await seats.releaseSeat(id, userId, 'admin')).toBe(false);
      expect(await seats.releaseSeat(licenseId, id, 'admin')).toBe(false);
    }
  });

  async function emailsOf(people: readonly string[]): Promise<Map<string, string>> {
    const rows = await world.node.database.query<{ id: string; email: string }>(sql`
      SELECT id, email FROM users WHERE id = ANY (${people}::uuid[])`);
    return new Map(rows.map(({ id, email }) => [id, email]));
  }
});

const inAnHour = () => new Date(Date.now() + 3_600_000);
