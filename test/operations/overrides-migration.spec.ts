import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { migrations } from '#migrations';
import { Overrides1700000000037 } from '../../migrations/0037-overrides.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const LICENSE = '00000000-0000-4000-8000-000000000003';

describe('the migration that lets overrides follow one another', () => {
  let database: TestDatabase;
  let source: DataSource;

  beforeAll(async () => {
    database = await createDatabase({ empty: true });
    const before = migrations.slice(0, migrations.indexOf(Overrides1700000000037));
    source = new DataSource({ type: 'postgres', url: database.url, migrations: before });
    await source.initialize();
    await source.runMigrations({ transaction: 'each' });
    await source.query(`
      INSERT INTO organizations (id, key, name) VALUES ('00000000-0000-4000-8000-000000000001', 'acme', 'Acme');
      INSERT INTO modules (key, name, base_url) VALUES ('projects', 'x', 'https://x.example');
      INSERT INTO licenses (id, organization_id, module_key, status, starts_at)
      VALUES ('${LICENSE}', '00000000-0000-4000-8000-000000000001', 'projects', 'issued', '2026-01-01Z');
      INSERT INTO license_overrides (license_id, feature_key, value, starts_at)
      VALUES ('${LICENSE}', 'export', 'true', '2026-01-01Z')`);
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  it('keeps those that there are, and on the way back the one in force', async () => {
    const runner = source.createQueryRunner();
    const migration = new Overrides1700000000037();
    const there = () => source.query('SELECT feature_key, value FROM license_overrides ORDER BY starts_at');
    await migration.up(runner);
    expect(await there()).toEqual([{ feature_key: 'export', value: true }]);
    await source.query(`
      UPDATE license_overrides SET ends_at = '2900-01-01Z';
      INSERT INTO license_overrides (license_id, feature_key, value, starts_at, ends_at)
      VALUES ('${LICENSE}', 'export', 'false', '2900-01-01Z', NULL),
             ('${LICENSE}', 'export', '7', '2025-01-01Z', '2025-02-01Z')`);
    await migration.down(runner);
    expect(await there()).toEqual([{ feature_key: 'export', value: true }]);
    await migration.up(runner);
    expect(await there()).toEqual([{ feature_key: 'export', value: true }]);
    await runner.release();
  });
});
