import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { RegisteredClientRepository } from '#oauth';
import { addSeconds, Database, sql } from '#platform';
import { Sweeper } from '../../apps/server/sweeper.js';
import { eventually } from '../support/answers.js';
import { hiddenFields } from '../support/http-browser.js';
import { callRegistration, clientOf } from '../support/registering.js';
import { World, type TestClient } from '../support/world.js';

const A_DAY = 86_400;

describe('sweeping', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start({ env: { CORE_AUTH_REGISTRATION: 'open' } });
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
    await database.query(sql`DROP TRIGGER refuse ON sign_in_failures`);
    const [left] = await database.query(sql`
      SELECT (SELECT count(*)::int FROM sign_in_failures WHERE last_failed_at < now() - interval '8 days') AS failures,
             (SELECT count(*)::int FROM seat_reservations WHERE license_id = ${license}) AS reservations`);
    expect(left).toEqual({ failures: 1, reservations: 0 });
  });

  it('removes whatever has piled up at once, and of released seats those that no cooling needs any more', async () => {
    const database = world.app.get(Database);
    const license = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
    const person = world.id('member@acme.example');
    await database.query(sql`
      INSERT INTO seat_reservations (license_id, invitation_id, created_at, expires_at)
      SELECT ${license}, gen_random_uuid(), now() - interval '10 days', now() - interval '9 days'
        FROM generate_series(1, 2500)`);
    await database.query(sql`
      INSERT INTO seat_leases (license_id, user_id, device, fence, leased_at, expires_at)
      SELECT ${license}, ${person}, 'device-' || n, n, now() - interval '10 days', now() - interval '9 days'
        FROM generate_series(1, 2500) AS n`);
    await database.query(sql`
      INSERT INTO seat_assignments (id, license_id, user_id, assigned_at, released_at)
      SELECT gen_random_uuid(), ${license}, ${person}, now() - interval '500 days', now() - make_interval(days => days)
        FROM generate_series(1, 2500), unnest(ARRAY[366, 401]) AS days`);
    await world.assignSeat(license, 'member@acme.example');
    await world.app.get(Sweeper).sweep();
    const [left] = await database.query(sql`
      SELECT (SELECT count(*)::int FROM seat_reservations WHERE license_id = ${license}) AS reservations,
             (SELECT count(*)::int FROM seat_leases WHERE license_id = ${license}) AS leases,
             (SELECT count(*)::int FROM seat_assignments
               WHERE license_id = ${license} AND released_at IS NOT NULL) AS released,
             (SELECT count(*)::int FROM seat_assignments
               WHERE license_id = ${license} AND released_at IS NULL) AS held`);
    expect(left).toEqual({ reservations: 0, leases: 0, released: 2500, held: 1 });
  });

  describe('a registered client that nobody has used, at the moment at which it is used', () => {
    let other: Client;
    beforeAll(async () => {
      other = new Client({ connectionString: world.database.url });
      await other.connect();
    });
    afterAll(() => other.end());

    const unused = async (more: Readonly<Record<string, unknown>> = {}): Promise<TestClient> => {
      const metadata = { redirect_uris: ['https://app.example/callback'], ...more };
      const client = clientOf(await callRegistration(`${world.url}/oauth2/register`, { body: metadata }));
      await other.query('UPDATE clients SET created_at = $2 WHERE id = $1', [
        client.id,
        addSeconds(world.clock.now(), -31 * A_DAY),
      ]);
      return client;
    };
    const exists = async ({ id }: TestClient) =>
      (await world.app.get(Database).query(sql`SELECT FROM clients WHERE id = ${id}`)).length > 0;
    const aPush = ({ id }: TestClient) =>
      other.query(
        `INSERT INTO pushed_requests (reference_sha256, client_id, parameters_envelope, created_at, expires_at)
         VALUES (sha256($2), $1, '', now(), now() + interval '1 day')`,
        [id, randomUUID()],
      );
    /** Whether somebody waits for what `other` has locked. */
    const waited = () =>
      eventually(async () => {
        const waiting = await world.app.get(Database).query(sql`
          SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
        return waiting.length > 0 || undefined;
      }, 'somebody who waits for the lock');

    it('is kept, with what it was used for, when the use is on its way as the sweeper comes', async () => {
      const client = await unused();
      await other.query('BEGIN');
      await aPush(client);
      const sweeping = world.app.get(Sweeper).sweep();
      await Promise.race([waited(), sweeping]);
      await other.query('COMMIT');
      await sweeping;
      const pushed = await other.query('SELECT FROM pushed_requests WHERE client_id = $1', [client.id]);
      expect([await exists(client), pushed.rowCount]).toEqual([true, 1]);
    });

    it('is kept when it was used while the sweeper looked through the tables', async () => {
      const client = await unused();
      // in place of one of them, what is only looked through once the lock is free
      await other.query(`
        SELECT pg_advisory_lock(1);
        CREATE FUNCTION held() RETURNS boolean LANGUAGE plpgsql AS
          'BEGIN PERFORM pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1); RETURN true; END';
        ALTER TABLE device_authorizations RENAME TO devices;
        CREATE VIEW device_authorizations AS SELECT '' AS client_id FROM held() AS held WHERE NOT held`);
      const sweeping = world.app.get(RegisteredClientRepository).prune(100);
      await waited();
      await aPush(client);
      await other.query('SELECT pg_advisory_unlock(1)');
      await sweeping;
      await other.query(
        'DROP VIEW device_authorizations; ALTER TABLE devices RENAME TO device_authorizations',
      );
      const pushed = await other.query('SELECT FROM pushed_requests WHERE client_id = $1', [client.id]);
      expect([await exists(client), pushed.rowCount]).toEqual([true, 1]);
    });

    it('is kept or is gone, and a use is never lost, however often both happen at once', async () => {
      const answers: (readonly [status: number, kept: boolean, pushed: number])[] = [];
      for (let time = 0; time < 25; time += 1) {
        const client = await unused();
        const { parameters } = world.authorizationRequest(client, { scope: 'openid' });
        const [{ status }] = await Promise.all([
          world.call('/oauth2/par', client, parameters),
          world.app.get(Sweeper).sweep(),
        ]);
        const pushed = await other.query('SELECT FROM pushed_requests WHERE client_id = $1', [client.id]);
        answers.push([status, await exists(client), pushed.rowCount ?? 0]);
      }
      for (const answer of answers)
        expect([
          [201, true, 1],
          [401, false, 0],
        ]).toContainEqual(answer);
    });

    /** The sweeper's own transaction, held open while `use` is made. */
    const whileItIsRemoved = async <T>({ id }: TestClient, use: () => Promise<T>): Promise<T> => {
      await other.query('BEGIN');
      await other.query('DELETE FROM clients WHERE id = $1', [id]);
      const used = use();
      await waited();
      await other.query('COMMIT');
      return used;
    };

    it('is unknown to whoever pushes a request for it as it is removed: invalid_client', async () => {
      const client = await unused();
      const { parameters } = world.authorizationRequest(client, { scope: 'openid' });
      const answer = await whileItIsRemoved(client, () => world.call('/oauth2/par', client, parameters));
      expect([answer.status, answer.body['error'], answer.headers.get('www-authenticate')]).toEqual([
        401,
        'invalid_client',
        expect.stringContaining('Basic'),
      ]);
    });

    it('is unknown to the person who allows it as it is removed: a page with status 400', async () => {
      const client = await unused();
      const browser = await world.signIn('member@acme.example');
      const { path } = world.authorizationRequest(client, { scope: 'openid' });
      const page = (await browser.get(path)).headers.get('location') ?? '';
      const form = hiddenFields(await (await browser.get(page)).text());
      const answer = await whileItIsRemoved(client, () =>
        browser.post('/consent', { ...form, decision: 'allow' }),
      );
      expect([answer.status, await answer.text()]).toEqual([
        400,
        expect.stringContaining('not known to this server'),
      ]);
    });
  });
});
