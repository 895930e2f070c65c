import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { LicenseTermsRepository, OfflineGrantRepository, type NewOfflineGrant } from '#licensing';
import { sql } from '#platform';
import { eventually } from '../support/answers.js';
import { LicensingWorld } from './licensing-world.js';
import { named, outcome, tally } from './seat-helpers.js';

jest.setTimeout(60_000);

const DAY = 86_400_000;

describe('seats that are away with a license file', () => {
  let world: LicensingWorld;
  let people: string[];

  beforeAll(async () => {
    world = await LicensingWorld.create({ nodes: 2 });
    people = await world.members(12);
  });
  afterAll(() => world.close());

  /** One of the two, in turns. */
  const nodeAt = (index: number) => world.nodes[index % 2] ?? world.node;
  const grantsAt = (index: number) => new OfflineGrantRepository(nodeAt(index).database);
  const grant = (licenseId: string, changes: Partial<NewOfflineGrant> = {}, node = 0) => {
    const expiresAt = new Date(Date.now() + 30 * DAY);
    return grantsAt(node).grant({ licenseId, instance: 'ship', seatBlock: 4, expiresAt, ...changes }, 'test');
  };
  const giveBack = (id: string, node = 0) => grantsAt(node).return(id, 'test');
  const assign = (licenseId: string, index: number) =>
    nodeAt(index).seats.assignSeat(licenseId, people[index] ?? '', 'test');
  const query = <Row>(statement: ReturnType<typeof sql>) => world.node.database.query<Row>(statement);
  const expire = (id: string) =>
    query(sql`
      UPDATE offline_grants SET issued_at = now() - interval '2 days', expires_at = now() - interval '1 second'
       WHERE id = ${id}`);
  const inUse = async (licenseId: string) =>
    (await world.seated(licenseId)) +
    Number(
      (
        await query<{ away: string }>(sql`
          SELECT coalesce(sum(seat_block), 0) AS away FROM offline_grants
           WHERE license_id = ${licenseId} AND returned_at IS NULL AND expires_at > now()`)
      )[0]?.away,
    );

  it('issue writes one audit row and one outbox row and raises the version once; so does return', async () => {
    const licenseId = await world.license(named(10));
    let id = '';
    const issued = await world.traced(async () => ({ id } = await grant(licenseId)));
    const told = { kind: 'license-changed', subject: world.organizationId };
    expect(issued).toEqual({
      version: 1,
      audit: [{ act: 'offline-grant.issue', actor: 'test', target: licenseId }],
      outbox: [told],
    });
    expect(await world.traced(() => giveBack(id))).toEqual({
      version: 1,
      audit: [{ act: 'offline-grant.return', actor: 'test', target: licenseId }],
      outbox: [told],
    });
  });

  it('issued twice for one instance, the second takes the place of the first, whose seats it counts once', async () => {
    const licenseId = await world.license(named(10));
    const first = await grant(licenseId, { seatBlock: 6 });
    let second = first;
    const traces = await world.traced(async () => (second = await grant(licenseId, { seatBlock: 10 })));
    expect([first.sequence, second.sequence]).toEqual([1, 2]);
    expect([traces.version, traces.audit.length, traces.outbox.length]).toEqual([1, 1, 1]);
    expect(await inUse(licenseId)).toBe(10);
    const [row] = await query<{ detail: { supersedes: string } }>(sql`
      SELECT detail FROM audit_events WHERE target = ${licenseId} ORDER BY id DESC LIMIT 1`);
    expect(row?.detail.supersedes).toBe(first.id);
  });

  it('returned twice, or after a successor, or unknown, nothing is written', async () => {
    const licenseId = await world.license(named(10));
    const first = await grant(licenseId);
    const { id } = await grant(licenseId);
    const untouched = { version: 0, audit: [], outbox: [] };
    const refused = (grantId: string, code: string) =>
      world.traced(async () => expect(await outcome(giveBack(grantId))).toBe(code));
    expect(await refused(first.id, 'grant_superseded')).toEqual(untouched);
    expect(await refused(randomUUID(), 'unknown_grant')).toEqual(untouched);
    await giveBack(id);
    expect(await refused(id, 'grant_returned')).toEqual(untouched);
    const raced = await grant(licenseId);
    const traces = await world.traced(async () => {
      const all = await Promise.all([0, 1, 0, 1].map((node) => outcome(giveBack(raced.id, node))));
      expect(tally(all)).toEqual({ ok: 1, grant_returned: 3 });
    });
    expect([traces.version, traces.audit.length, traces.outbox.length]).toEqual([1, 1, 1]);
  });

  it('refused, nothing is written', async () => {
    const licenseId = await world.license(named(3));
    const unlimited = await world.license();
    const ended = await world.license({ ...named(3), endsAt: new Date(Date.now() - DAY), graceDays: 0 });
    const draft = (await world.node.licenses.draft(world.terms(named(3)), 'seed')).licenseId;
    const traces = await world.traced(async () => {
      expect([
        await outcome(grant(licenseId)),
        await outcome(grant(unlimited, { seatBlock: 1 })),
        await outcome(grant(ended, { seatBlock: 1 })),
        await outcome(grant(draft, { seatBlock: 1 })),
        await outcome(grant(randomUUID())),
        await outcome(grant(licenseId, { seatBlock: 1, expiresAt: new Date('2030-01-15T00:00:01.000Z') })),
      ]).toEqual([
        'SEATS_EXHAUSTED',
        'no_seats',
        'license_not_in_force',
        'license_not_in_force',
        'unknown_license',
        'license_ends_before',
      ]);
    });
    expect(traces).toEqual({ version: 0, audit: [], outbox: [] });
  });

  it('a block whose file has expired is free again, with no job running, and returning it then frees nothing more', async () => {
    const licenseId = await world.license(named(4));
    const { id } = await grant(licenseId);
    expect(await outcome(assign(licenseId, 0))).toBe('SEATS_EXHAUSTED');
    expect(await outcome(grant(licenseId, { instance: 'barge', seatBlock: 1 }))).toBe('SEATS_EXHAUSTED');
    await expire(id);
    expect(await outcome(grant(licenseId, { instance: 'barge', seatBlock: 1 }))).toBe('ok');
    const all = await Promise.all([0, 1, 2, 3].map((index) => outcome(assign(licenseId, index))));
    expect(tally(all)).toEqual({ ok: 3, SEATS_EXHAUSTED: 1 });
    expect(await outcome(giveBack(id))).toBe('ok');
    expect(await outcome(grant(licenseId, { instance: 'raft', seatBlock: 1 }))).toBe('SEATS_EXHAUSTED');
    expect(await inUse(licenseId)).toBe(4);
  });

  it('seats that only the other model knows keep no block here, and leases keep none of named seats', async () => {
    const licenseId = await world.license(named(4));
    await assign(licenseId, 0);
    const become = (model: string) =>
      query(sql`UPDATE license_terms SET seat_model = ${model} WHERE license_id = ${licenseId}`);
    await become('floating');
    await world.node.leases.acquireLease({ licenseId, userId: people[1] ?? '', device: 'desk' }, 'test');
    await world.node.leases.acquireLease({ licenseId, userId: people[2] ?? '', device: 'desk' }, 'test');
    expect(await outcome(grant(licenseId, { seatBlock: 3 }))).toBe('SEATS_EXHAUSTED');
    expect(await outcome(grant(licenseId, { seatBlock: 2 }))).toBe('ok');
    await become('named');
    expect(await outcome(grant(licenseId, { seatBlock: 4 }))).toBe('SEATS_EXHAUSTED');
    expect(await outcome(grant(licenseId, { seatBlock: 3 }))).toBe('ok');
  });

  it('takes no seat that somebody has under terms which begin while the file lasts', async () => {
    const licenseId = await world.license(named(5));
    for (const index of [0, 1]) await assign(licenseId, index);
    const effectiveAt = new Date(Date.now() + 10 * DAY);
    const terms = new LicenseTermsRepository(world.node.database);
    await terms.changeTerms({ licenseId, seatLimit: 3, effectiveAt }, 'test');
    await expect(grant(licenseId, { seatBlock: 3 })).rejects.toMatchObject({
      code: 'SEATS_EXHAUSTED',
      publicMessage: expect.stringContaining(`changes on ${effectiveAt.toISOString()}`),
    });
    const before = new Date(effectiveAt.getTime() - DAY);
    expect(await outcome(grant(licenseId, { seatBlock: 3, expiresAt: before }))).toBe('ok');
    expect(await outcome(grant(licenseId, { seatBlock: 1 }))).toBe('ok');
  });

  it('is renewed with the block that it has, also where fewer seats are left, and with no more', async () => {
    const licenseId = await world.license(named(6));
    for (const index of [0, 1]) await assign(licenseId, index);
    await grant(licenseId, { seatBlock: 2 });
    const terms = new LicenseTermsRepository(world.node.database);
    await terms.changeTerms({ licenseId, seatLimit: 3, surplusUntil: new Date(Date.now() + DAY) }, 'test');
    expect(await outcome(grant(licenseId, { seatBlock: 3 }))).toBe('SEATS_EXHAUSTED');
    expect(await outcome(grant(licenseId, { seatBlock: 1, instance: 'other' }))).toBe('SEATS_EXHAUSTED');
    expect(await outcome(grant(licenseId, { seatBlock: 2 }))).toBe('ok');
  });

  it('a seat that cools goes into no block, until it has cooled or its last holder is back', async () => {
    const licenseId = await world.license({ ...named(2), seatCooldownSeconds: 3600 });
    await assign(licenseId, 0);
    await world.node.seats.releaseSeat(licenseId, people[0] ?? '', 'test');
    const [cooling] = await query<{ until: Date }>(sql`
      SELECT released_at + interval '1 hour' AS until FROM seat_assignments WHERE license_id = ${licenseId}`);
    await expect(grant(licenseId, { seatBlock: 2 })).rejects.toMatchObject({
      code: 'SEATS_EXHAUSTED',
      publicMessage: expect.stringContaining(`1 at most, or again from ${cooling?.until.toISOString()} on`),
    });
    // more than could ever cool off
    await expect(grant(licenseId, { seatBlock: 3 })).rejects.toMatchObject({
      publicMessage: expect.stringContaining('or release seats first'),
    });
    expect(await outcome(grant(licenseId, { seatBlock: 1 }))).toBe('ok');
    expect(await outcome(assign(licenseId, 0))).toBe('ok');
    await world.node.seats.releaseSeat(licenseId, people[0] ?? '', 'test');
    await query(sql`
      UPDATE seat_assignments SET assigned_at = assigned_at - interval '2 hours',
                                  released_at = released_at - interval '2 hours'
       WHERE license_id = ${licenseId}`);
    expect(await outcome(grant(licenseId, { seatBlock: 2 }))).toBe('ok');
  });

  it('the sequence goes on after a file has expired or was returned, so that no state is deceived', async () => {
    const licenseId = await world.license(named(4));
    const first = await grant(licenseId);
    await expire(first.id);
    const second = await grant(licenseId);
    await giveBack(second.id);
    expect([first.sequence, second.sequence, (await grant(licenseId)).sequence]).toEqual([1, 2, 3]);
  });

  it('files and people who come at once on two nodes never take more than the limit', async () => {
    const licenseId = await world.license(named(10));
    const files = Array.from({ length: 4 }, (_, index) =>
      outcome(grant(licenseId, { instance: `race-${index}` }, index)),
    );
    const seats = people.map((_, index) => outcome(assign(licenseId, index)));
    const all = await Promise.all([...files, ...seats]);
    expect(Object.keys(tally(all)).sort()).toEqual(['SEATS_EXHAUSTED', 'ok']);
    const blocks = tally(all.slice(0, 4))['ok'] ?? 0;
    expect(await world.seated(licenseId)).toBe(10 - 4 * blocks);
    expect(await inUse(licenseId)).toBe(10);
  });

  it('a block of 4 out of 10 leaves exactly 6: to those who are assigned and invited, and to those who lease', async () => {
    const seats = await world.license(named(10));
    await grant(seats);
    await world.node.reservations.reserveSeat(seats, randomUUID(), new Date(Date.now() + DAY), 'test');
    const assigned = await Promise.all(people.map((_, index) => outcome(assign(seats, index))));
    expect(tally(assigned)).toEqual({ ok: 5, SEATS_EXHAUSTED: 7 });

    const floating = await world.license({ seatModel: 'floating', seatLimit: 10 });
    await grant(floating);
    const lease = (userId: string, index: number) =>
      nodeAt(index).leases.acquireLease({ licenseId: floating, userId, device: 'desk' }, 'test');
    const leased = await Promise.all(people.map((userId, index) => outcome(lease(userId, index))));
    expect(tally(leased)).toEqual({ ok: 6, SEATS_EXHAUSTED: 6 });
    await expect(grant(floating, { instance: 'mill', seatBlock: 1 })).rejects.toThrow(
      'No seat of this license is free to be taken along: end floating seats that are held now, or wait until their holders have left.',
    );
  });

  it('a heartbeat that is under way when its lease expires is waited for: either it or the file has the seat', async () => {
    const licenseId = await world.license(named(1));
    await query(sql`UPDATE license_terms SET seat_model = 'floating' WHERE license_id = ${licenseId}`);
    const userId = people[0] ?? '';
    await world.node.leases.acquireLease({ licenseId, userId, device: 'desk' }, 'test');
    await query(sql`
      UPDATE seat_leases SET expires_at = now() - interval '1 millisecond' WHERE license_id = ${licenseId}`);
    let asked: Promise<string> | undefined;
    let answered = false;
    await nodeAt(1).database.transaction(async (heartbeat) => {
      await heartbeat.query(sql`
        UPDATE seat_leases SET expires_at = now() + interval '5 minutes' WHERE license_id = ${licenseId}`);
      asked = outcome(grant(licenseId, { seatBlock: 1 }));
      void asked.then(() => (answered = true));
      await eventually(async () => {
        const waiting = await query(sql`
          SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
        return waiting.length > 0 || answered ? true : undefined;
      }, 'the file to wait for the heartbeat');
    });
    expect(await asked).toBe('SEATS_EXHAUSTED');
    await query(sql`
      UPDATE seat_leases SET expires_at = now() - interval '1 millisecond' WHERE license_id = ${licenseId}`);
    expect(await outcome(grant(licenseId, { seatBlock: 1 }))).toBe('ok');
  });

  it('what has long been returned is deleted, but for the last of an instance', async () => {
    const licenseId = await world.license(named(4));
    const ids = [await grant(licenseId), await grant(licenseId), await grant(licenseId)].map(({ id }) => id);
    await giveBack(ids[2] ?? '');
    const left = async () =>
      (
        await query<{ id: string }>(sql`
          SELECT id FROM offline_grants WHERE license_id = ${licenseId} ORDER BY sequence`)
      ).map(({ id }) => id);
    await grantsAt(0).prune(new Date(Date.now() - DAY), 100);
    expect(await left()).toEqual(ids);
    await grantsAt(0).prune(new Date(Date.now() + DAY), 100);
    expect(await left()).toEqual(ids.slice(2));
    expect((await grant(licenseId)).sequence).toBe(4);
  });
});
