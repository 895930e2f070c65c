import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { sql } from '#platform';
import { inDays } from './license-administration.js';
import { LicensingWorld, type Node } from './licensing-world.js';

const named = (seatLimit: number) => ({ seatModel: 'named', seatLimit }) as const;
const inAnHour = () => new Date(Date.now() + 3_600_000);
const NOTHING = { version: 0, audit: [], outbox: [] };

describe('seats kept for invitations', () => {
  let world: LicensingWorld;
  beforeAll(async () => (world = await LicensingWorld.create({ nodes: 2 })));
  afterAll(() => world.close());

  const nodeFor = (index: number): Node => world.nodes[index % world.nodes.length] ?? world.node;
  const expire = (invitationId: string) =>
    world.node.database.query(sql`
      UPDATE seat_reservations SET expires_at = now() - interval '1 second' WHERE invitation_id = ${invitationId}`);

  it('a kept seat is nobody else’s until who accepts gets it, and each step leaves one trace', async () => {
    const { reservations, seats } = world.node;
    const licenseId = await world.license(named(1));
    const [invited = '', other = ''] = await world.members(2);
    const invitation = randomUUID();
    expect(
      await world.traced(() => reservations.reserveSeat(licenseId, invitation, inAnHour(), 'admin')),
    ).toEqual({
      version: 0,
      audit: [{ act: 'seat.reserve', actor: 'admin', target: licenseId }],
      outbox: [{ kind: 'license-changed', subject: world.organizationId }],
    });
    await expect(seats.assignSeat(licenseId, other, 'admin')).rejects.toMatchObject({
      code: 'SEATS_EXHAUSTED',
    });
    await expect(
      reservations.reserveSeat(licenseId, randomUUID(), inAnHour(), 'admin'),
    ).rejects.toMatchObject({ code: 'SEATS_EXHAUSTED' });

    expect(
      await world.traced(() =>
        reservations.convertReservation(world.invitation(invitation), invited, invited),
      ),
    ).toEqual({
      version: 1,
      audit: [{ act: 'seat.assign', actor: invited, target: licenseId }],
      outbox: [{ kind: 'seat-assigned', subject: invited }],
    });
    expect(await world.seated(licenseId)).toBe(1);
    await expect(
      reservations.convertReservation(world.invitation(invitation), other, other),
    ).rejects.toMatchObject({
      status: 404,
      code: 'unknown_reservation',
    });
  });

  it('the same invitation keeps one seat, however often it is asked at once', async () => {
    const licenseId = await world.license(named(2));
    const invitation = randomUUID();
    const traces = await world.traced(async () => {
      const kept = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          nodeFor(index).reservations.reserveSeat(licenseId, invitation, inAnHour(), 'admin'),
        ),
      );
      expect(kept.filter(({ reserved }) => reserved)).toHaveLength(1);
      expect(new Set(kept.map(({ expiresAt }) => expiresAt.getTime())).size).toBe(1);
    });
    expect(traces.audit).toHaveLength(1);
    const [userId = ''] = await world.members(1);
    expect(await world.node.seats.assignSeat(licenseId, userId, 'admin')).toMatchObject({ assigned: true });
  });

  it('one that has expired frees its seat, converts to nothing, and is cleared away', async () => {
    const { database, reservations, seats } = world.node;
    const licenseId = await world.license(named(1));
    const [userId = '', late = ''] = await world.members(2);
    const invitation = randomUUID();
    await reservations.reserveSeat(licenseId, invitation, inAnHour(), 'admin');
    await expire(invitation);
    await expect(
      reservations.convertReservation(world.invitation(invitation), late, late),
    ).rejects.toMatchObject({
      code: 'unknown_reservation',
    });
    expect(await seats.assignSeat(licenseId, userId, 'admin')).toMatchObject({ assigned: true });
    const left = () => database.query(sql`SELECT FROM seat_reservations WHERE license_id = ${licenseId}`);
    expect(await left()).toHaveLength(0);

    const many = await world.license(named(5));
    const [stale, live] = [randomUUID(), randomUUID()];
    for (const id of [stale, live]) await reservations.reserveSeat(many, id, inAnHour(), 'admin');
    await expire(stale);
    await reservations.prune(100);
    expect(
      await database.query(sql`SELECT invitation_id FROM seat_reservations WHERE license_id = ${many}`),
    ).toEqual([{ invitation_id: live }]);
  });

  it('one that is cancelled frees its seat; cancelling again changes nothing', async () => {
    const { reservations, seats } = world.node;
    const licenseId = await world.license(named(1));
    const [userId = ''] = await world.members(1);
    const invitation = randomUUID();
    await reservations.reserveSeat(licenseId, invitation, inAnHour(), 'admin');
    expect(
      (await world.traced(() => reservations.cancelReservation(world.invitation(invitation), 'admin'))).audit,
    ).toEqual([{ act: 'seat.cancel-reservation', actor: 'admin', target: licenseId }]);
    expect(
      await world.traced(() => reservations.cancelReservation(world.invitation(invitation), 'admin')),
    ).toEqual(NOTHING);
    expect(await seats.assignSeat(licenseId, userId, 'admin')).toMatchObject({ assigned: true });
  });

  it('an invitation to several licenses seats on all of them or on none', async () => {
    const { database, reservations } = world.node;
    const [one, two] = [await world.license(named(1)), await world.license(named(1))];
    const [userId = '', stranger = randomUUID()] = await world.members(1);
    const invitation = randomUUID();
    for (const id of [one, two]) await reservations.reserveSeat(id, invitation, inAnHour(), 'admin');
    await database.query(sql`UPDATE licenses SET status = 'revoked' WHERE id = ${two}`);
    expect(
      await world.traced(() =>
        expect(
          reservations.convertReservation(world.invitation(invitation), userId, userId),
        ).rejects.toMatchObject({
          code: 'license_ended',
        }),
      ),
    ).toEqual(NOTHING);
    expect(await world.seated(one)).toBe(0);
    await database.query(sql`UPDATE licenses SET status = 'issued' WHERE id = ${two}`);
    await expect(
      reservations.convertReservation(world.invitation(invitation), stranger, 'x'),
    ).rejects.toMatchObject({
      code: 'not_a_member',
    });
    expect(await reservations.convertReservation(world.invitation(invitation), userId, userId)).toHaveLength(
      2,
    );
  });

  it('an invitation of one organization neither takes nor frees what another one keeps under the same id', async () => {
    const { accounts, reservations } = world.node;
    const key = `other-${randomUUID().slice(0, 8)}`;
    const { id: organizationId } = await accounts.createOrganization({ key, name: 'Other' }, 'seed');
    const [own, foreign] = [
      await world.license(named(1)),
      await world.license({ ...named(1), organizationId }),
    ];
    const [userId = ''] = await world.members(1);
    await accounts.addMember({ userId, organizationId, role: 'member' }, 'seed');
    const invitation = randomUUID();
    const theirs = { organizationId, invitationId: invitation };
    await reservations.reserveSeat(foreign, invitation, inAnHour(), 'admin');
    await expect(
      reservations.convertReservation(world.invitation(invitation), userId, userId),
    ).rejects.toMatchObject({
      code: 'unknown_reservation',
    });
    expect(await reservations.cancelReservation(world.invitation(invitation), 'admin')).toBe(0);
    await reservations.reserveSeat(own, invitation, inAnHour(), 'admin');
    expect(await reservations.convertReservation(world.invitation(invitation), userId, userId)).toMatchObject(
      [{ licenseId: own }],
    );
    expect([await world.seated(own), await world.seated(foreign)]).toEqual([1, 0]);
    expect(await reservations.cancelReservation(theirs, 'admin')).toBe(1);
  });

  it('accepted twice at once it seats once; one who sits there already gives the kept seat back', async () => {
    const { reservations, seats } = world.node;
    for (let round = 0; round < 5; round += 1) {
      const licenseId = await world.license(named(2));
      const [userId = '', other = ''] = await world.members(2);
      const invitation = randomUUID();
      await reservations.reserveSeat(licenseId, invitation, inAnHour(), 'admin');
      await Promise.allSettled(
        [0, 1].map((index) =>
          nodeFor(index).reservations.convertReservation(world.invitation(invitation), userId, userId),
        ),
      );
      expect(await world.seated(licenseId)).toBe(1);
      const again = randomUUID();
      await reservations.reserveSeat(licenseId, again, inAnHour(), 'admin');
      expect(await reservations.convertReservation(world.invitation(again), userId, userId)).toMatchObject([
        { assigned: false },
      ]);
      expect(await seats.assignSeat(licenseId, other, 'admin')).toMatchObject({ assigned: true });
    }
  });

  it('bad input is refused with a sentence and changes nothing', async () => {
    const { reservations } = world.node;
    const licenseId = await world.license(named(1));
    const refused = { status: 400, code: 'invalid_reservation' };
    const reserve = (invitation: string, at: Date) =>
      reservations.reserveSeat(licenseId, invitation, at, 'admin');
    expect(
      await world.traced(async () => {
        await expect(reserve('x', inAnHour())).rejects.toMatchObject(refused);
        await expect(reserve(randomUUID(), new Date(Date.now() - 60_000))).rejects.toMatchObject(refused);
        await expect(reserve(randomUUID(), new Date(NaN))).rejects.toMatchObject(refused);
        await expect(reserve(randomUUID(), inDays(91))).rejects.toMatchObject(refused);
        await expect(reservations.reserveSeat('x', randomUUID(), inAnHour(), 'admin')).rejects.toMatchObject({
          code: 'unknown_license',
        });
        await expect(reservations.convertReservation(world.invitation('x'), 'y', 'z')).rejects.toMatchObject({
          status: 404,
        });
        expect(await reservations.cancelReservation(world.invitation('x'), 'admin')).toBe(0);
      }),
    ).toEqual(NOTHING);
  });
});
