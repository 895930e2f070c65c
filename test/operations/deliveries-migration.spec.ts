import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { migrations } from '#migrations';
import { Deliveries1700000000009 } from '../../migrations/0009-deliveries.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const SESSION = '11111111-1111-4111-8111-111111111111';
const USER = '22222222-2222-4222-8222-222222222222';

describe('the migration that makes logouts deliveries like others', () => {
  let database: TestDatabase;
  let source: DataSource;

  beforeAll(async () => {
    database = await createDatabase({ empty: true });
    const before = migrations.slice(0, migrations.indexOf(Deliveries1700000000009));
    source = new DataSource({ type: 'postgres', url: database.url, migrations: before });
    await source.initialize();
    await source.runMigrations({ transaction: 'each' });
    await source.query(`
      INSERT INTO clients (id, name, token_endpoint_auth_method, grant_types, scopes)
      SELECT 'client-' || n, 'x', 'none', '{}', '{}' FROM generate_series(1, 3) n`);
    await source.query(
      `INSERT INTO logout_deliveries (client_id, session_id, user_id, attempts, next_attempt_at, delivered_at, failed_at, last_error)
       VALUES ('client-1', $1, $2, 1, '2026-01-01Z', '2026-01-01Z', NULL, NULL),
              ('client-2', $1, $2, 12, '2026-01-02Z', NULL, '2026-01-02Z', 'status 500'),
              ('client-3', $1, $2, 3, '2026-01-03Z', NULL, NULL, 'status 503')`,
      [SESSION, USER],
    );
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  it('keeps every logout that was under way, and gives it back', async () => {
    const before: unknown = await source.query('SELECT * FROM logout_deliveries ORDER BY client_id');
    const runner = source.createQueryRunner();
    const migration = new Deliveries1700000000009();
    await migration.up(runner);
    expect(
      await source.query(`SELECT kind, target, reference, payload, attempts, delivered_at IS NOT NULL AS delivered,
                                 failed_at IS NOT NULL AS failed, last_error, expires_at > now() AS open
                            FROM deliveries ORDER BY target`),
    ).toEqual(
      [
        { target: 'client-1', attempts: 1, delivered: true, failed: false, last_error: null, open: false },
        {
          target: 'client-2',
          attempts: 12,
          delivered: false,
          failed: true,
          last_error: 'status 500',
          open: false,
        },
        {
          target: 'client-3',
          attempts: 3,
          delivered: false,
          failed: false,
          last_error: 'status 503',
          open: true,
        },
      ].map((row) => ({ kind: 'logout', reference: SESSION, payload: { sid: SESSION, sub: USER }, ...row })),
    );
    await migration.down(runner);
    expect(await source.query('SELECT * FROM logout_deliveries ORDER BY client_id')).toEqual(before);
    const [{ tables }] = await source.query<[{ tables: string | null }]>(
      "SELECT coalesce(to_regclass('deliveries'), to_regclass('webhooks'))::text AS tables",
    );
    expect(tables).toBeNull();
    await migration.up(runner);
    await runner.release();
  });
});
