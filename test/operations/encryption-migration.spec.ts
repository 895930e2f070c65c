import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { migrations } from '#migrations';
import { EncryptionAtRest1700000000025 } from '../../migrations/0025-encryption.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const USER = '00000000-0000-4000-8000-000000000001';
const TEXTS = ['Firefox/140', '192.0.2.7', 'BCDFGHJK', 'somebody@hinted.example'];

describe('the migration that encrypts where people sign in from', () => {
  let database: TestDatabase;
  let source: DataSource;

  beforeAll(async () => {
    database = await createDatabase({ empty: true });
    const before = migrations.slice(0, migrations.indexOf(EncryptionAtRest1700000000025));
    source = new DataSource({ type: 'postgres', url: database.url, migrations: before });
    await source.initialize();
    await source.runMigrations({ transaction: 'each' });
    await source.query(`INSERT INTO users (id, email, name) VALUES ('${USER}', 'mira@acme.example', 'Mira')`);
    await source.query(
      `INSERT INTO clients (id, name, token_endpoint_auth_method, grant_types, scopes)
       VALUES ('tv', 'TV', 'none', '{}', '{}')`,
    );
    await source.query(
      `INSERT INTO sessions (id, secret_sha256, user_id, amr, auth_time, last_seen_at, expires_at, user_agent, address)
       VALUES (gen_random_uuid(), 'a', '${USER}', '{pwd}', now(), now(), now() + interval '1 day', $1, $2)`,
      TEXTS.slice(0, 2),
    );
    await source.query(
      `INSERT INTO known_devices (id, user_id, secret_sha256, user_agent, address, first_seen_at)
       VALUES (gen_random_uuid(), '${USER}', 'b', $1, $2, now())`,
      TEXTS.slice(0, 2),
    );
    await source.query(
      `INSERT INTO device_authorizations (id, row_secret, user_code, state, client_id, scopes, interval_seconds, created_at, expires_at)
       SELECT gen_random_uuid(), decode(repeat('00', 16), 'hex'), $1 || state, state, 'tv', '{}', 5, now(), now()
         FROM unnest('{pending,approved}'::text[]) AS state`,
      [TEXTS[2]],
    );
    await source.query(
      `INSERT INTO pushed_requests (reference_sha256, client_id, parameters, created_at, expires_at)
       VALUES (sha256('x'), 'tv', jsonb_build_object('login_hint', $1::text), now(), now())`,
      [TEXTS[3]],
    );
    await source.query(
      `INSERT INTO sign_in_failures (subject, failures, last_failed_at, locked_until) VALUES ('network:x', 1, now(), now())`,
    );
    await source.query(
      `INSERT INTO mail_requests (subject, requests, window_ends_at) VALUES (sha256('x'), 1, now())`,
    );
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  const rows = async () => {
    const [row] = await source.query<Record<string, unknown>[]>(`
      SELECT (SELECT string_agg(s::text, '') FROM sessions s) AS sessions,
             (SELECT string_agg(d::text, '') FROM known_devices d) AS devices,
             (SELECT string_agg(d::text, '') FROM device_authorizations d) AS waiting,
             (SELECT count(*)::int FROM device_authorizations) AS authorizations,
             (SELECT count(*)::int FROM pushed_requests) AS pushed,
             (SELECT count(*)::int FROM sign_in_failures) AS failures,
             (SELECT count(*)::int FROM mail_requests) AS mails`);
    return row ?? {};
  };

  it('keeps sessions and devices, drops what stood there in the clear, and goes back and forth', async () => {
    const runner = source.createQueryRunner();
    const migration = new EncryptionAtRest1700000000025();
    expect(JSON.stringify(await rows())).toContain(TEXTS[0]);
    for (let time = 0; time < 2; time += 1) {
      await migration.up(runner);
      const after = await rows();
      expect(after).toMatchObject({
        sessions: expect.stringContaining(USER),
        devices: expect.stringContaining(USER),
        ...{ authorizations: time === 0 ? 1 : 0, pushed: 0, failures: 0, mails: 0 },
      });
      for (const text of TEXTS) expect(JSON.stringify(after)).not.toContain(text);
      await migration.down(runner);
      expect(await rows()).toMatchObject({ sessions: expect.stringContaining(USER) });
    }
    await runner.release();
  });
});
