import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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
      expect(traces.outbox).toHaveLength(1);
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
      outbox: [{ kind: 'license-changed', subject: world.organizationId }],
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
});
