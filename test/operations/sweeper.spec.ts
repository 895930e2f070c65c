import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Database, sql } from '#platform';
import { Sweeper } from '../../apps/server/sweeper.js';
import { World } from '../support/world.js';

describe('sweeping', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  }, 60_000);
  afterAll(() => world.stop());

  it('goes on with the other tables when one of them cannot be swept', async () => {
    const database = world.app.get(Database);
    const license = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
    await database.query(sql`
      INSERT INTO sign_in_failures (subject, failures, last_failed_at, locked_until)
      VALUES ('somebody', 1, now() - interval '9 days', now() - interval '9 days')`);
    await database.query(sql`
      INSERT INTO seat_reservations (license_id, invitation_id, created_at, expires_at)
      VALUES (${license}, ${randomUUID()}, now() - interval '10 days', now() - interval '9 days')`);
    await database.query(sql`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not now''; END'`);
    await database.query(sql`
      CREATE TRIGGER refuse BEFORE DELETE ON sign_in_failures FOR EACH ROW EXECUTE FUNCTION refuse()`);
    await world.app.get(Sweeper).sweep();
    const [left] = await database.query(sql`
      SELECT (SELECT count(*)::int FROM sign_in_failures WHERE last_failed_at < now() - interval '8 days') AS failures,
             (SELECT count(*)::int FROM seat_reservations WHERE license_id = ${license}) AS reservations`);
    expect(left).toEqual({ failures: 1, reservations: 0 });
  });
});
