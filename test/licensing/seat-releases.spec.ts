import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { SeatLeaseRepository, SeatRepository } from '#licensing';
import { Database, sql } from '#platform';
import { eventually } from '../support/answers.js';
import { World } from '../support/world.js';

describe('seats of who leaves', () => {
  let world: World;
  let beside: World;
  let named: string;
  let floating: string;

  beforeAll(async () => {
    world = await World.start();
    beside = await World.start({ beside: world });
    named = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 200 });
    floating = await world.license('acme', 'projects', { seatModel: 'floating', seatLimit: 200 });
  }, 60_000);
  afterAll(async () => {
    await beside.stop();
    await world.stop();
  });

  const database = () => world.app.get(Database);
  /** A member of acme, and of globex, with a seat and a lease in acme. */
  const seated = async (): Promise<{ id: string; email: string }> => {
    const email = `${randomBytes(6).toString('hex')}@acme.example`;
    const id = await world.createPerson(email, 'A person', { acme: 'member', globex: 'member' });
    await world.assignSeat(named, email);
    await world.app
      .get(SeatLeaseRepository)
      .acquireLease({ licenseId: floating, userId: id, device: 'desk' }, id);
    return { id, email };
  };
  /** As the removal of a member does it. */
  const remove = (userId: string) =>
    database().query(sql`
      WITH removed AS (
        DELETE FROM memberships WHERE user_id = ${userId} AND organization_id = ${world.id('acme')}
        RETURNING user_id, organization_id
      )
      INSERT INTO outbox (kind, subject, organization_id)
      SELECT 'membership-changed', user_id, organization_id FROM removed`);
  const holdings = async (userId: string) => {
    const [row] = await database().query<{ seats: number; leases: number; released: string[] }>(sql`
      SELECT (SELECT count(*)::int FROM seat_assignments WHERE user_id = ${userId} AND released_at IS NULL) AS seats,
             (SELECT count(*)::int FROM seat_leases WHERE user_id = ${userId}) AS leases,
             ARRAY(SELECT act FROM audit_events
                    WHERE act LIKE 'seat.release%' AND detail->>'user' = ${userId} ORDER BY act) AS released`);
    return row;
  };
  const NOTHING = { seats: 0, leases: 0, released: ['seat.release', 'seat.release-lease'] };
  const EVERYTHING = { seats: 1, leases: 1, released: [] };
  const given = async (userId: string) =>
    eventually(async () => {
      const now = await holdings(userId);
      return now?.seats === 0 && now.leases === 0 ? now : undefined;
    }, 'the release');

  it('are given back by one node of two, with one trace each, and told to modules', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await seated();
      const version = async () =>
        Number(
          (
            await database().query<{ version: string }>(sql`
              SELECT license_version AS version FROM organizations WHERE id = ${world.id('acme')}`)
          )[0]?.version,
        );
      const before = await version();
      await remove(id);
      expect(await given(id)).toEqual(NOTHING);
      expect(await version()).toBe(before + 1);
      const told = await database().query(sql`
        SELECT organization_id FROM outbox WHERE kind = 'seat-released' AND subject = ${id}`);
      expect(told).toEqual(Array(2).fill({ organization_id: world.id('acme') }));
    }
    await Promise.all([world.heard(), beside.heard()]);
    // nothing was done twice by the node that came second
    const [twice] = await database().query(sql`
      SELECT count(*)::int AS count FROM (
        SELECT FROM audit_events WHERE act LIKE 'seat.release%'
         GROUP BY act, target, detail->>'user' HAVING count(*) > 1) AS repeated`);
    expect(twice).toEqual({ count: 0 });
  });

  it('are given back of who is disabled, wherever they are', async () => {
    const { id } = await seated();
    await world.accounts.disableUser(id, 'test');
    expect(await given(id)).toEqual(NOTHING);
  });

  it('stay with who joins, changes their role, or was taken back before anybody looked', async () => {
    const { id } = await seated();
    await database().query(sql`
      INSERT INTO outbox (kind, subject, organization_id) VALUES ('membership-changed', ${id}, ${world.id('acme')})`);
    await database().query(sql`
      INSERT INTO outbox (kind, subject, organization_id)
      VALUES ('membership-changed', 'nobody', ${world.id('acme')}), ('membership-changed', ${id}, NULL)`);
    const other = await seated();
    await remove(other.id);
    expect(await given(other.id)).toEqual(NOTHING);
    expect(await holdings(id)).toEqual(EVERYTHING);
  });

  it('that were being given while their person left are given back too', async () => {
    for (let round = 0; round < 3; round += 1) {
      const email = `${randomBytes(6).toString('hex')}@acme.example`;
      const id = await world.createPerson(email, 'A person', { acme: 'member' });
      const assign = (node: World) => node.app.get(SeatRepository).assignSeat(named, id, 'test');
      const waits = (statement: string) =>
        eventually(async () => {
          const waiting = await database().query(sql`
            SELECT FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'
               AND strpos(query, ${statement}) > 0 AND pid <> pg_backend_pid()`);
          return waiting.length > 0 ? true : undefined;
        }, statement);
      const removing = new Client({ connectionString: world.database.url });
      await removing.connect();
      await removing.query('BEGIN');
      await removing.query('DELETE FROM memberships WHERE user_id = $1', [id]);
      await removing.query(
        "INSERT INTO outbox (kind, subject, organization_id) VALUES ('membership-changed', $1, $2)",
        [id, world.id('acme')],
      );
      const assigned = await database().transaction(async (transaction) => {
        await transaction.query(
          sql`SELECT FROM organizations WHERE id = ${world.id('acme')} FOR NO KEY UPDATE`,
        );
        // it is decided that they belong, and not written yet
        const assigning = assign(round % 2 === 0 ? world : beside);
        await waits('INSERT INTO seat_assignments');
        await removing.query('COMMIT');
        await waits('SELECT id FROM licenses WHERE organization_id = ANY');
        return { assigning };
      });
      await removing.end();
      expect(await assigned.assigning).toMatchObject({ assigned: true });
      expect(await given(id)).toMatchObject({ seats: 0, released: ['seat.release'] });
    }
  });

  it('are given back after a time in which no node ran, and those of whom no event tells', async () => {
    const [told, untold] = [await seated(), await seated()];
    await Promise.all([world.heard(), beside.heard()]);
    const { url } = world.database;
    await beside.stop();
    await world.app.close();
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query('DELETE FROM memberships WHERE user_id = ANY ($1)', [[told.id, untold.id]]);
    await client.query(
      "INSERT INTO outbox (kind, subject, organization_id) VALUES ('membership-changed', $1, $2)",
      [told.id, world.id('acme')],
    );
    const left = async (id: string) => {
      const { rows } = await client.query<{ count: number }>(
        `SELECT ((SELECT count(*) FROM seat_assignments WHERE user_id = $1 AND released_at IS NULL)
               + (SELECT count(*) FROM seat_leases WHERE user_id = $1))::int AS count`,
        [id],
      );
      return rows[0]?.count;
    };
    expect([await left(told.id), await left(untold.id)]).toEqual([2, 2]);
    const again = await Promise.all([World.start({ beside: world }), World.start({ beside: world })]);
    try {
      for (const { id } of [told, untold]) {
        await eventually(async () => ((await left(id)) === 0 ? true : undefined), 'the release');
      }
    } finally {
      for (const node of again) await node.stop();
      await client.end();
    }
  });
});
