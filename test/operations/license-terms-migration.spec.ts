import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { migrations } from '#migrations';
import { LicenseTerms1700000000013 } from '../../migrations/0013-license-terms.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const idOf = (number: number) => `00000000-0000-4000-8000-00000000000${number}`;
const [ORGANIZATION, PLAN, ...LICENSES] = [1, 2, 3, 4, 5].map(idOf);

describe('the migration that gives licenses terms over time', () => {
  let database: TestDatabase;
  let source: DataSource;

  beforeAll(async () => {
    database = await createDatabase({ empty: true });
    const before = migrations.slice(0, migrations.indexOf(LicenseTerms1700000000013));
    source = new DataSource({ type: 'postgres', url: database.url, migrations: before });
    await source.initialize();
    await source.runMigrations({ transaction: 'each' });
    await source.query(
      `INSERT INTO organizations (id, key, name) VALUES ('${ORGANIZATION}', 'acme', 'Acme')`,
    );
    await source.query(
      "INSERT INTO modules (key, name, base_url) VALUES ('projects', 'x', 'https://x.example')",
    );
    await source.query(
      `INSERT INTO plan_versions (id, plan_key, version, module_key, name, features)
       VALUES ('${PLAN}', 'projects', 1, 'projects', 'x', '{}')`,
    );
    await source.query(
      `INSERT INTO licenses (id, organization_id, module_key, plan_version_id, status, starts_at, seat_model, seat_limit)
       SELECT id, '${ORGANIZATION}', 'projects', '${PLAN}', 'issued', '2026-01-01Z', model, seats
         FROM unnest($1::uuid[], '{named,floating,unlimited}'::text[], '{1000001,1000000,null}'::int[]) AS given (id, model, seats)`,
      [LICENSES],
    );
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  it('keeps what was sold, leaves a million seats to who had more, writes that down, and gives all of it back', async () => {
    const sold = () =>
      source.query('SELECT id, seat_model, seat_limit, plan_version_id FROM licenses ORDER BY id');
    const before = (await sold()) as { seat_limit: number }[];
    const runner = source.createQueryRunner();
    const migration = new LicenseTerms1700000000013();
    await migration.up(runner);
    expect(
      await source.query('SELECT license_id, seat_model, seat_limit FROM license_terms ORDER BY license_id'),
    ).toEqual([
      { license_id: LICENSES[0], seat_model: 'named', seat_limit: 1_000_000 },
      { license_id: LICENSES[1], seat_model: 'floating', seat_limit: 1_000_000 },
      { license_id: LICENSES[2], seat_model: 'unlimited', seat_limit: null },
    ]);
    expect(
      await source.query('SELECT act, actor, target, organization_id, detail FROM audit_events'),
    ).toEqual([
      {
        act: 'license.limit-seats',
        actor: 'migration',
        target: LICENSES[0],
        organization_id: ORGANIZATION,
        detail: { seat_limit: 1_000_000, seat_limit_before: 1_000_001 },
      },
    ]);
    await migration.down(runner);
    expect(await sold()).toEqual(
      before.map((row, index) => (index === 0 ? { ...row, seat_limit: 1_000_000 } : row)),
    );
    await migration.up(runner);
    await runner.release();
  });
});
