import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { sha256 } from '#platform';
import { eventually } from '../support/answers.js';
import { BuiltProcess } from '../support/built-process.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

jest.setTimeout(60_000);

describe('the command line on a database of its own', () => {
  let empty: TestDatabase;
  let settings: Record<string, string>;

  beforeAll(async () => {
    empty = await createDatabase({ empty: true });
    settings = {
      DATABASE_URL: empty.url,
      CORE_AUTH_KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
      CORE_AUTH_DEMO_PASSWORD: 'several unrelated words',
      PROJECTS_OAUTH_CLIENT_SECRET: randomBytes(32).toString('base64url'),
      REPORTS_OAUTH_CLIENT_SECRET: randomBytes(32).toString('base64url'),
      BILLING_OAUTH_CLIENT_SECRET: randomBytes(32).toString('base64url'),
    };
  });

  afterAll(() => empty.drop());

  async function run(
    command: string,
    env: Record<string, string> = {},
  ): Promise<{ code: number | null; said: string }> {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: [command],
      env: { ...settings, ...env },
    });
    const { code } = await program.ended;
    return { code, said: program.output.trim() };
  }

  async function count(table: string): Promise<number> {
    const client = new Client({ connectionString: empty.url });
    await client.connect();
    const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
    await client.end();
    return Number(rows[0]?.count);
  }

  it('migrates once, also when two nodes begin at the same moment', async () => {
    const both = await Promise.all([run('migrate'), run('migrate')]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.filter(({ said }) => said === 'The tables are up to date.')).toHaveLength(1);
    expect(both.filter(({ said }) => said.startsWith('Migrated: '))).toHaveLength(1);
  });

  describe('whose connection is lost while it migrates', () => {
    const LOST =
      'The migration was broken off: terminating connection due to administrator command. What was not finished is undone: run it again.';
    /** What is held here makes the command wait; then its connection that has, or wants, the turn is ended. */
    const migratedWhile = async (hold: readonly string[], granted: boolean) => {
      const fresh = await createDatabase({ empty: true });
      const holder = new Client({ connectionString: fresh.url });
      await holder.connect();
      for (const statement of hold) await holder.query(statement);
      const migrating = run('migrate', { DATABASE_URL: fresh.url, CORE_AUTH_DATABASE_LOCK_TIMEOUT: '30000' });
      await eventually(async () => {
        const waiting = await holder.query(
          'SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())',
        );
        return waiting.rowCount === 0 ? undefined : true;
      }, 'a migration that waits');
      await holder.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks
          WHERE locktype = 'advisory' AND granted = $1 AND pid <> pg_backend_pid()
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        [granted],
      );
      const said = await migrating;
      await holder.end();
      await fresh.drop();
      return said;
    };

    it('says so in one sentence while it waits for its turn', async () => {
      const hold = ["SELECT pg_advisory_lock('7165065861825654369')"];
      expect(await migratedWhile(hold, false)).toEqual({ code: 1, said: LOST });
    });

    it('says so in one sentence while it has its turn', async () => {
      const hold = [
        'CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name varchar NOT NULL)',
        'BEGIN',
        'LOCK TABLE migrations',
      ];
      expect(await migratedWhile(hold, true)).toEqual({ code: 1, said: LOST });
    });
  });

  it('refuses to seed in production, and without a password or a secret, and changes nothing', async () => {
    const production = await run('seed', { NODE_ENV: 'production' });
    expect(production).toEqual({
      code: 1,
      said: 'The demonstration is not for production; nothing was changed.',
    });
    const lacking = { CORE_AUTH_DEMO_PASSWORD: '', BILLING_OAUTH_CLIENT_SECRET: '' };
    const { said } = await run('seed', lacking);
    for (const name of Object.keys(lacking)) expect(said).toContain(`${name} is not set`);
    expect(await count('users')).toBe(0);
  });

  it('seeds an empty database once, also when two begin at the same moment', async () => {
    const both = await Promise.all([run('seed'), run('seed')]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.filter(({ said }) => said === 'The demonstration is there.')).toHaveLength(1);
    expect(await count('users')).toBe(7);
    expect(await count('users WHERE operator')).toBe(1);
    expect(await count('organizations')).toBe(2);
    expect(await count('licenses')).toBe(3);
    expect(await count('seat_assignments')).toBe(4);
  });

  it('seeds every client that `npm start` makes, the one that administers licenses among them', async () => {
    const client = new Client({ connectionString: empty.url });
    await client.connect();
    const { rows } = await client.query<{ id: string; secret: Buffer | null }>(
      'SELECT id, secret_sha256 AS secret FROM clients ORDER BY id',
    );
    await client.end();
    expect(rows.map(({ id }) => id)).toEqual(['billing', 'projects', 'projects-cli', 'reports']);
    expect(rows[0]?.secret).toEqual(sha256(settings['BILLING_OAUTH_CLIENT_SECRET'] ?? ''));
  });

  it('writes nothing when the demonstration is there and nothing has changed', async () => {
    const before = await count('audit_events');
    expect((await run('seed')).code).toBe(0);
    expect(await count('audit_events')).toBe(before);
  });

  it('lets modules change places', async () => {
    const swapped = { PROJECTS_URL: 'http://localhost:3002', REPORTS_URL: 'http://localhost:3001' };
    expect((await run('seed', swapped)).code).toBe(0);
    const client = new Client({ connectionString: empty.url });
    await client.connect();
    const { rows } = await client.query<{ base_url: string }>('SELECT base_url FROM modules ORDER BY key');
    await client.end();
    expect(rows.map(({ base_url }) => base_url)).toEqual(Object.values(swapped));
  });

  it('leaves a database alone that holds something else', async () => {
    const other = await createDatabase();
    const client = new Client({ connectionString: other.url });
    await client.connect();
    await client.query("INSERT INTO organizations (id, key, name) VALUES (gen_random_uuid(), 'own', 'Own')");
    await client.end();
    const refused = await run('seed', { DATABASE_URL: other.url });
    expect(refused).toEqual({ code: 1, said: 'The database is not empty; nothing was changed.' });
    await other.drop();
  });
});
