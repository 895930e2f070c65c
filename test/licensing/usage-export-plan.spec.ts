import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from '#migrations';
import { UsageExport1700000000014 } from '../../migrations/0014-usage-export.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/answers.js';
import { AdministrationWorld } from './administration/administration-world.js';

describe('an export of use', () => {
  const LICENSES = 100;
  const PERIODS = 30;
  let admin: AdministrationWorld;
  let database: Client;

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
    database = new Client({ connectionString: admin.world.database.url });
    await database.connect();
    await database.query(
      `WITH made AS (
         INSERT INTO licenses (id, organization_id, module_key, status, starts_at)
         SELECT gen_random_uuid(), $1, 'reports', 'issued', '2020-01-01Z' FROM generate_series(1, ${LICENSES})
         RETURNING id)
       INSERT INTO usage_counters (license_id, feature_key, period_starts_at, period_ends_at, used, overage)
       SELECT id, 'pages', day, day + interval '1 day', 10, 3
         FROM made, generate_series('2026-01-01Z'::timestamptz, '2026-01-01Z'::timestamptz + interval '${PERIODS - 1} days', '1 day') AS day`,
      [admin.world.id('acme')],
    );
    await database.query(
      `INSERT INTO usage_events (organization_id, module_key, idempotency_key, request_sha256, feature_key, amount,
                                 client_id, shares, answer, occurred_at)
       SELECT $1, 'reports', 'key-' || n, sha256('x'), 'pages', 1, 'reports',
              jsonb_build_array(jsonb_build_object('license', gen_random_uuid(), 'amount', 1)), '{}', '2026-01-15Z'
         FROM generate_series(1, 20000) AS n`,
      [admin.world.id('acme')],
    );
    await database.query('ANALYZE');
  }, 60_000);
  afterAll(async () => {
    await database.end();
    await admin.stop();
  });

  it('reads each page from where the one before ended, and of single uses nothing', async () => {
    const RANGE = 'from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&feature=pages';
    let path = `/v1/usage/export?${RANGE}&limit=100`;
    const lines = new Set<string>();
    const before = await scanned();
    let pages = 0;
    for (; path !== '' && pages < 50; pages += 1) {
      const { status, body } = await admin.operate('GET', path);
      expect(status).toBe(200);
      for (const use of body['usage'] as Record<string, unknown>[]) {
        expect(use).toMatchObject({ used: 10, overage: 3 });
        lines.add(`${String(use['license_id'])} ${String(use['period_starts_at'])}`);
      }
      const next = body['next_cursor'];
      path = typeof next === 'string' ? `/v1/usage/export?${RANGE}&limit=100&cursor=${next}` : '';
    }
    expect([pages, lines.size]).toEqual([(LICENSES * PERIODS) / 100, LICENSES * PERIODS]);
    const after = await eventually(async () => {
      const now = await scanned();
      return now.counters - before.counters >= LICENSES * PERIODS ? now : undefined;
    }, 'the statistics');
    expect(after.events - before.events).toBe(0);
    // of the last pages the planner may read all that is left, and sort it: pages read from the start would be 15 times them
    expect(after.counters - before.counters).toBeLessThanOrEqual(2 * LICENSES * PERIODS);
  });

  /** Rows that were read of the tables, by whatever way. */
  const scanned = async () => {
    await database.query('SELECT pg_stat_clear_snapshot()');
    const { rows } = await database.query<{ relname: string; read: string }>(
      `SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS read FROM pg_stat_user_tables
        WHERE relname IN ('usage_counters', 'usage_events')`,
    );
    const of = (name: string) => Number(rows.find(({ relname }) => relname === name)?.read);
    return { counters: of('usage_counters'), events: of('usage_events') };
  };
});

describe('the migration that keeps overage with its counter', () => {
  let test: TestDatabase;
  let source: DataSource;
  const ids = { organization: randomUUID(), license: randomUUID() };

  beforeAll(async () => {
    test = await createDatabase({ empty: true });
    const before = migrations.slice(0, migrations.indexOf(UsageExport1700000000014));
    source = new DataSource({ type: 'postgres', url: test.url, migrations: before });
    await source.initialize();
    await source.runMigrations({ transaction: 'each' });
    await source.query(
      `INSERT INTO organizations (id, key, name) VALUES ('${ids.organization}', 'acme', 'Acme')`,
    );
    await source.query(
      "INSERT INTO modules (key, name, base_url) VALUES ('reports', 'Reports', 'https://reports.example')",
    );
    await source.query(`
      INSERT INTO licenses (id, organization_id, module_key, status, starts_at)
      VALUES ('${ids.license}', '${ids.organization}', 'reports', 'issued', '2020-01-01Z')`);
    await source.query(`
      INSERT INTO usage_counters (license_id, feature_key, period_starts_at, period_ends_at, used)
      SELECT '${ids.license}', 'pages', start, start + interval '1 day', 20
        FROM unnest(ARRAY[date_trunc('day', now()), date_trunc('day', now()) - interval '1 day',
                          date_trunc('day', now()) - interval '500 days']) AS start`);
    await source.query(`
      INSERT INTO usage_events (organization_id, module_key, idempotency_key, request_sha256, feature_key, amount,
                                client_id, shares, answer, occurred_at)
      SELECT '${ids.organization}', 'reports', 'key-' || n, sha256('x'), 'pages', 5, 'reports',
             jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('license', '${ids.license}', 'amount', 5,
               'overage', nullif(n, 0), 'periodStartsAt', date_trunc('day', now())))), '{}', now()
        FROM generate_series(0, 3) AS n`);
  });
  afterAll(async () => {
    await source.destroy();
    await test.drop();
  });

  it('reckons it from the single uses, and says of older times that it is not known', async () => {
    const runner = source.createQueryRunner();
    const migration = new UsageExport1700000000014();
    await migration.up(runner);
    const counters = () =>
      source.query<unknown>('SELECT overage FROM usage_counters ORDER BY period_starts_at DESC');
    expect(await counters()).toEqual([{ overage: '6' }, { overage: '0' }, { overage: null }]);
    await migration.down(runner);
    await migration.up(runner);
    expect(await counters()).toEqual([{ overage: '6' }, { overage: '0' }, { overage: null }]);
    await runner.release();
  });
});
