import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { dropExpired, lockLicensesBeside, seatStanding } from '#licensing';
import { sql } from '#platform';
import { LicensingWorld } from './licensing-world.js';
import { floatingLicense, named, outcome, setTerms, takeOffline } from './seat-helpers.js';

describe('the rules of seats', () => {
  let world: LicensingWorld;
  beforeAll(async () => (world = await LicensingWorld.create({ nodes: 2 })));
  afterAll(() => world.close());

  it('who sits there again is counted once, not as a cooling seat beside', async () => {
    const { seats } = world.node;
    const licenseId = await world.license({ ...named(2), seatCooldownSeconds: 3600 });
    const [ann = '', ben = ''] = await world.members(2);
    await seats.assignSeat(licenseId, ann, 'admin');
    await seats.releaseSeat(licenseId, ann, 'admin');
    await seats.assignSeat(licenseId, ann, 'admin');
    expect(await outcome(seats.assignSeat(licenseId, ben, 'admin'))).toBe('ok');
  });

  it('who came and went twice leaves one seat behind', async () => {
    const { seats } = world.node;
    const licenseId = await world.license({ ...named(2), seatCooldownSeconds: 3600 });
    const [ann = '', ben = ''] = await world.members(2);
    for (let time = 0; time < 2; time += 1) {
      await seats.assignSeat(licenseId, ann, 'admin');
      await seats.releaseSeat(licenseId, ann, 'admin');
    }
    expect(await outcome(seats.assignSeat(licenseId, ben, 'admin'))).toBe('ok');
  });

  it('the terms that hold are those of the moment the locks were taken, not of when the waiting began', async () => {
    const { database, seats } = world.node;
    const licenseId = await world.license(named(2));
    const [ann = '', ben = ''] = await world.members(2);
    await seats.assignSeat(licenseId, ann, 'admin');
    let waiting: Promise<string> | undefined;
    await database.transaction(async (transaction) => {
      await transaction.query(sql`SELECT FROM licenses WHERE id = ${licenseId} FOR UPDATE`);
      waiting = outcome(seats.assignSeat(licenseId, ben, 'admin'));
      await untilSomebodyWaits();
      await transaction.query(sql`
        INSERT INTO license_terms (license_id, effective_at, plan_version_id, seat_model, seat_limit)
        VALUES (${licenseId}, clock_timestamp(), ${world.plan.id}, 'named', 1)`);
    });
    expect(await waiting).toBe('SEATS_EXHAUSTED');
  });

  it('before the start seats are given by the terms that it starts with', async () => {
    const { seats } = world.node;
    const licenseId = await world.license({
      ...named(1),
      startsAt: new Date('2029-01-01T00:00:00.000Z'),
    });
    const [ann = '', ben = ''] = await world.members(2);
    expect(await outcome(seats.assignSeat(licenseId, ann, 'admin'))).toBe('ok');
    expect(await outcome(seats.assignSeat(licenseId, ben, 'admin'))).toBe('SEATS_EXHAUSTED');
  });

  it('a lease that ends while another waits for the locks is free by then', async () => {
    const { database, leases } = world.node;
    const licenseId = await floatingLicense(world, 1);
    const [ann = '', ben = ''] = await world.members(2);
    await leases.acquireLease({ licenseId, userId: ann, device: 'desk' }, ann);
    let waiting: Promise<string> | undefined;
    await database.transaction(async (transaction) => {
      await transaction.query(sql`SELECT FROM licenses WHERE id = ${licenseId} FOR UPDATE`);
      waiting = outcome(leases.acquireLease({ licenseId, userId: ben, device: 'desk' }, ben));
      await untilSomebodyWaits();
      await transaction.query(sql`
        UPDATE seat_leases SET expires_at = clock_timestamp() WHERE license_id = ${licenseId}`);
    });
    expect(await waiting).toBe('ok');
  });

  it('a lease that has expired holds its seat until it is dropped, since a heartbeat may be prolonging it', async () => {
    const { database, leases } = world.node;
    const licenseId = await floatingLicense(world, 1);
    const [ann = ''] = await world.members(1);
    await leases.acquireLease({ licenseId, userId: ann, device: 'desk' }, ann);
    await database.transaction(async (transaction) => {
      await lockLicensesBeside(transaction, licenseId);
      const count = async () => (await seatStanding(transaction, licenseId)).leased;
      await dropExpired(transaction, licenseId);
      await transaction.query(sql`
        UPDATE seat_leases SET expires_at = clock_timestamp() WHERE license_id = ${licenseId}`);
      expect(await count()).toBe(1);
      await dropExpired(transaction, licenseId);
      expect(await count()).toBe(0);
    });
  });

  it('of fewer floating seats those that a license file took along are not given to who came first', async () => {
    const { leases } = world.node;
    const licenseId = await floatingLicense(world, 4);
    const people = await world.members(3);
    const fences: number[] = [];
    for (const userId of people.slice(0, 2)) {
      fences.push((await leases.acquireLease({ licenseId, userId, device: 'desk' }, userId)).fence);
    }
    await takeOffline(world, licenseId, 2);
    await setTerms(world, licenseId, { seatModel: 'floating', seatLimit: 3 });
    const heard = await Promise.all(
      fences.map((fence, index) =>
        outcome(leases.heartbeat({ licenseId, userId: people[index] ?? '', device: 'desk' }, fence)),
      ),
    );
    expect(heard).toEqual(['ok', 'OVER_ALLOCATED']);
  });

  it('a kept seat that is accepted and cancelled at once is either a seat or gone, never both', async () => {
    const { reservations } = world.node;
    for (let round = 0; round < 40; round += 1) {
      const licenseId = await world.license(named(1));
      const [ann = ''] = await world.members(1);
      const invitation = randomUUID();
      await reservations.reserveSeat(licenseId, invitation, new Date(Date.now() + 60_000), 'admin');
      const other = world.nodes[1] ?? world.node;
      const attempts = [
        () => outcome(reservations.convertReservation(world.invitation(invitation), ann, ann)),
        () => other.reservations.cancelReservation(world.invitation(invitation), 'admin'),
      ] as const;
      const results = await Promise.all(
        round % 2 === 0 ? [attempts[0](), attempts[1]()] : [attempts[1](), attempts[0]()].reverse(),
      );
      const cancelled = results.includes(1);
      expect(results).toEqual(cancelled ? ['unknown_reservation', 1] : ['ok', 0]);
      expect(await world.seated(licenseId)).toBe(cancelled ? 0 : 1);
    }
  });

  it('a seat is kept, accepted and assigned at once on two nodes, and the one seat is given once', async () => {
    const people = await world.members(8);
    for (let round = 0; round < 60; round += 1) {
      const licenseId = await world.license(named(1));
      const invitation = randomUUID();
      await Promise.all(
        people.flatMap((user, index) => {
          const { reservations, seats } = world.nodes[index % 2] ?? world.node;
          return [
            outcome(reservations.reserveSeat(licenseId, invitation, new Date(Date.now() + 60_000), 'admin')),
            outcome(reservations.convertReservation(world.invitation(invitation), user, user)),
            outcome(seats.assignSeat(licenseId, user, 'admin')),
          ];
        }),
      );
      const [row] = await world.node.database.query<{ held: number }>(sql`
        SELECT (SELECT count(*) FROM seat_assignments WHERE license_id = ${licenseId})::int
             + (SELECT count(*) FROM seat_reservations WHERE license_id = ${licenseId})::int AS held`);
      expect(row?.held).toBe(1);
    }
  });

  async function untilSomebodyWaits(): Promise<void> {
    for (;;) {
      const rows = await world.node.database.query(sql`
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
      if (rows.length > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
});
