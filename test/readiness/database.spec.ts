import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { migrations } from '#migrations';
import { Database, dataSourceOptions, type Configuration } from '#platform';
import { connectTimeout } from '../../libs/readiness/controls/config/connect-timeout.control.js';
import { databaseUrl } from '../../libs/readiness/controls/config/database-url.control.js';
import { DatabaseEvidence } from '../../libs/readiness/controls/config/database.repository.js';
import { indexes } from '../../libs/readiness/controls/config/indexes.control.js';
import {
  migrationsReady,
  migrationsTested,
} from '../../libs/readiness/controls/config/migrations.control.js';
import { pool } from '../../libs/readiness/controls/config/pool.control.js';
import { queryTimeout } from '../../libs/readiness/controls/config/query-timeout.control.js';
import { databaseCredentials } from '../../libs/readiness/controls/security/database-credentials.control.js';
import type { Vitals } from '../../libs/readiness/vitals.js';
import { createDatabase } from '../support/database.js';
import { configurationWith, ReadinessWorld } from './readiness-world.js';

let readiness: ReadinessWorld;

beforeAll(async () => {
  readiness = await ReadinessWorld.start({ env: { CORE_AUTH_DATABASE_STATEMENT_TIMEOUT: '500' } });
}, 60_000);

afterAll(() => readiness.stop());

/** What the catalog says to somebody who connects with other settings. */
async function withEvidence<T>(
  settings: Partial<Configuration>,
  work: (changed: { database: DatabaseEvidence; configuration: Configuration }) => Promise<T>,
): Promise<T> {
  const configuration = configurationWith(readiness.configuration, settings);
  const source = new DataSource(dataSourceOptions(configuration, migrations));
  await source.initialize();
  try {
    return await work({ database: new DatabaseEvidence(new Database(source)), configuration });
  } finally {
    await source.destroy();
  }
}

const vitals = (count: number, p99: number) => ({ poolWait: { count, p99 } }) as Vitals;

describe('config.env.database-url', () => {
  it('is verified for the database of this build', async () => {
    expect(await readiness.verify(databaseUrl)).toMatchObject({ state: 'verified' });
  });

  it('is red for another database, and for one without this schema version', async () => {
    expect(
      await readiness.verifyWith(databaseUrl, {
        databaseUrl: readiness.configuration.databaseUrl.replace(/spec_\w+/, 'other'),
      }),
    ).toMatchObject({ state: 'failed', expected: expect.stringContaining('"other"') });
    const empty = await createDatabase({ empty: true });
    try {
      const finding = await withEvidence({ databaseUrl: empty.url }, (changed) =>
        readiness.verify(databaseUrl, changed),
      );
      expect(finding).toMatchObject({ state: 'failed', seen: expect.stringContaining('none') });
    } finally {
      await empty.drop();
    }
  });
});

describe('config.db.migrations and deploy.run.migrations', () => {
  it('are unknown with what was seen while nothing says that migrations were tested', async () => {
    for (const control of [migrationsTested, migrationsReady]) {
      expect(await readiness.verify(control)).toMatchObject({
        state: 'unknown',
        seen: expect.stringContaining('none pending'),
      });
    }
  });

  it('are red for a pending and for an unknown migration', async () => {
    const database = readiness.context.database;
    const seeing = (applied: string[]) =>
      Object.create(database, { appliedMigrations: { value: async () => applied } }) as DatabaseEvidence;
    const applied = await database.appliedMigrations();
    await readiness.sql("DELETE FROM migrations WHERE name = 'Events1700000000006'");
    expect(await readiness.verify(migrationsTested)).toMatchObject({
      state: 'failed',
      seen: 'pending: Events1700000000006',
    });
    await readiness.sql(
      "INSERT INTO migrations (timestamp, name) VALUES (1700000000006, 'Events1700000000006')",
    );
    expect(
      await readiness.verify(migrationsReady, { database: seeing([...applied, 'Later']) }),
    ).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('Later'),
    });
    expect(await readiness.verify(migrationsTested)).toMatchObject({ state: 'unknown' });
  });
});

describe('config.db.pool', () => {
  const settled = { vitals: vitals(300, 2) };

  it('is verified when every instance is named, all pools fit and nobody waits', async () => {
    const database = Object.create(readiness.context.database, {
      capacity: {
        value: async () => ({
          maxConnections: 100,
          reserved: 3,
          applications: ['core-auth a', 'core-auth b'],
        }),
      },
    }) as DatabaseEvidence;
    expect(await readiness.verify(pool, { ...settled, database })).toMatchObject({
      state: 'verified',
      seen: expect.stringContaining('10 × 2 instance(s) + 3 reserved = 23 of 100'),
    });
  });

  it('is red for a pool of 1000', async () => {
    const finding = await withEvidence({ databasePoolSize: 1000 }, (changed) =>
      readiness.verify(pool, { ...settled, ...changed }),
    );
    expect(finding).toMatchObject({
      state: 'failed',
      expected: expect.stringContaining('max_connections (300)'),
    });
  });

  it('is red when callers wait, and unknown while too few have been timed', async () => {
    expect(await readiness.verify(pool, { vitals: vitals(300, 80) })).toMatchObject({ state: 'failed' });
    expect(await readiness.verify(pool, { vitals: vitals(3, 1) })).toMatchObject({ state: 'unknown' });
  });
});

describe('config.db.connect-timeout', () => {
  it('is verified when a silent server is given up in time', async () => {
    const finding = await withEvidence({ databaseConnectTimeout: 1000 }, (changed) =>
      readiness.verify(connectTimeout, changed),
    );
    expect(finding).toMatchObject({ state: 'verified' });
  });

  it('is red for none', async () => {
    const finding = await withEvidence({ databaseConnectTimeout: 0 }, (changed) =>
      readiness.verify(connectTimeout, changed),
    );
    expect(finding).toMatchObject({ state: 'failed', seen: 'none: it would wait for ever' });
  });
});

describe('config.db.query-timeout', () => {
  it('is verified when pg_sleep is cancelled', async () => {
    expect(await readiness.verify(queryTimeout)).toMatchObject({
      state: 'verified',
      seen: expect.stringContaining('was cancelled'),
    });
  });

  it.each([
    ['statement_timeout', { databaseStatementTimeout: 0 }],
    ['lock_timeout', { databaseLockTimeout: 0 }],
  ])('is red without %s', async (_, settings) => {
    const finding = await withEvidence(settings, (changed) => readiness.verify(queryTimeout, changed));
    expect(finding).toMatchObject({ state: 'failed' });
  });
});

describe('config.db.indexes', () => {
  it('is verified, goes red when one index is dropped, and is verified again', async () => {
    expect(await readiness.verify(indexes)).toMatchObject({
      state: 'verified',
      seen: expect.stringContaining('not used so far'),
    });
    await readiness.sql('DROP INDEX authorizations_session');
    expect(await readiness.verify(indexes)).toMatchObject({
      state: 'failed',
      seen: 'none for authorizations (session_id)',
      mend: 'CREATE INDEX CONCURRENTLY ON authorizations (session_id);',
    });
    await readiness.sql('CREATE INDEX authorizations_session ON authorizations (session_id)');
    expect(await readiness.verify(indexes)).toMatchObject({ state: 'verified' });
  });

  it('is red for an index that is not valid', async () => {
    await readiness.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'outbox_age'::regclass");
    expect(await readiness.verify(indexes)).toMatchObject({
      state: 'failed',
      mend: 'REINDEX INDEX CONCURRENTLY outbox_age;',
    });
    await readiness.sql('REINDEX INDEX outbox_age');
    expect(await readiness.verify(indexes)).toMatchObject({ state: 'verified' });
  });

  it('is red when a hot statement reads a large table from end to end', async () => {
    const { database } = readiness.context;
    const hot = (statement: string) =>
      Object.create(database, { preparedStatements: { value: async () => [statement] } }) as DatabaseEvidence;
    await readiness.sql(
      `INSERT INTO sign_in_failures SELECT 'x' || n, 1, now(), now() FROM generate_series(1, 12000) n`,
    );
    await readiness.sql('ANALYZE sign_in_failures');
    expect(
      await readiness.verify(indexes, {
        database: hot('SELECT * FROM sign_in_failures WHERE failures = $1'),
      }),
    ).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('sign_in_failures in: SELECT'),
    });
    expect(
      await readiness.verify(indexes, { database: hot('SELECT * FROM sign_in_failures WHERE subject = $1') }),
    ).toMatchObject({
      state: 'verified',
    });
    await readiness.sql('TRUNCATE sign_in_failures');
  });

  it("looks at the statements that the server's own sessions have prepared", async () => {
    await fetch(`${readiness.world.url}/health/ready`);
    const { browser } = await readiness.world.signedInClient();
    await browser.get('/');
    const statements = await readiness.context.database.preparedStatements();
    expect(statements.join('\n')).toContain('FROM sessions s');
    for (const statement of statements) await readiness.context.database.sequentialScans(statement);
  });
});

describe('security.data.database-credentials', () => {
  const role = `limited_${process.pid}`;
  const url = (user: string, password: string, extra = '') => {
    const parsed = new URL(readiness.configuration.databaseUrl);
    parsed.username = user;
    parsed.password = password;
    return parsed.href + extra;
  };

  beforeAll(async () => {
    const name = readiness.world.database.name;
    await readiness.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'kV7w-2p0-long-and-random'`);
    await readiness.sql(
      `GRANT ALL ON DATABASE ${name} TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`,
    );
  });

  afterAll(() => readiness.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`));

  const verifyAs = (databaseUrl: string) =>
    withEvidence({ databaseUrl }, (changed) => readiness.verify(databaseCredentials, changed));

  it('is red for a superuser, and verified for a role without powers', async () => {
    expect(await verifyAs(url('core_auth', 'kV7w-2p0'))).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('SUPERUSER'),
    });
    expect(await verifyAs(url(role, 'kV7w-2p0-long-and-random'))).toMatchObject({ state: 'verified' });
  });

  it('is red for no password, for one that is the name, and for a schema that is none of ours', async () => {
    expect(await verifyAs(url(role, ''))).toMatchObject({
      state: 'failed',
      seen: 'no password in DATABASE_URL',
    });
    expect(await verifyAs(url(role, role))).toMatchObject({
      state: 'failed',
      seen: 'the password is the name of the user',
    });
    await readiness.sql(`CREATE SCHEMA foreign_one AUTHORIZATION ${role}`);
    expect(await verifyAs(url(role, 'kV7w-2p0-long-and-random'))).toMatchObject({
      state: 'failed',
      seen: `${role} owns foreign_one`,
    });
    await readiness.sql('DROP SCHEMA foreign_one');
  });

  it('is red off loopback without verify-full', async () => {
    const evidence = await withEvidence({ databaseUrl: url(role, 'kV7w') }, async ({ database }) => {
      const configuration = configurationWith(readiness.configuration, {
        databaseUrl: `postgres://${role}:kV7w@db.example/x?sslmode=require`,
      });
      const insecure = await readiness.verify(databaseCredentials, { database, configuration });
      const secure = await readiness.verify(databaseCredentials, {
        database,
        configuration: configurationWith(configuration, {
          databaseUrl: `postgres://${role}:kV7w@db.example/x?sslmode=verify-full`,
        }),
      });
      return { insecure, secure };
    });
    expect(evidence.insecure).toMatchObject({ state: 'failed', seen: 'sslmode=require to db.example' });
    expect(evidence.secure).toMatchObject({ state: 'verified' });
  });
});
