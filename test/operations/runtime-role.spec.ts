import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { BuiltProcess } from '../support/built-process.js';
import { World } from '../support/world.js';

jest.setTimeout(120_000);

describe('core-auth migrate --runtime-role', () => {
  const role = `spec_runtime_${randomBytes(6).toString('hex')}`;
  let world: World;
  let owner: Client;

  beforeAll(async () => {
    world = await World.start();
    owner = new Client({ connectionString: world.database.url });
    await owner.connect();
    await owner.query(`CREATE ROLE ${role} LOGIN`);
  });
  afterAll(async () => {
    await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await owner.end();
    await world.stop();
  });

  async function migrate(...args: string[]): Promise<{ code: number | null; said: string }> {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['migrate', ...args],
      env: {
        DATABASE_URL: world.database.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: String(world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS']),
      },
    });
    const { code } = await program.ended;
    return { code, said: program.output.trim() };
  }

  const asRole = () => world.database.url.replace('//core_auth@', `//${role}@`);

  it('lets a server run as a role that can neither change the audit trail nor the tables', async () => {
    const granted = { code: 0, said: `The tables are up to date.\n"${role}" may do what the server needs.` };
    expect(await migrate('--runtime-role', role)).toEqual(granted);
    // again after each migration
    expect(await migrate('--runtime-role', role)).toEqual(granted);

    const server = await World.start({ beside: world, env: { DATABASE_URL: asRole() } });
    const client = server.client('projects');
    const browser = await server.signIn('member@acme.example');
    const tokens = (await server.exchange(client, await server.code(client, browser))).body;
    expect(await server.introspect(client, String(tokens['access_token']))).toMatchObject({
      body: { active: true },
    });
    await server.stop();

    const runtime = new Client({ connectionString: asRole() });
    await runtime.connect();
    for (const text of [
      "UPDATE audit_events SET actor = 'nobody'",
      'DELETE FROM audit_events',
      'TRUNCATE audit_events',
      'DELETE FROM audit_chain',
      'UPDATE audit_chain SET position = 1',
      'DELETE FROM migrations',
      'ALTER TABLE audit_events DISABLE TRIGGER ALL',
      'DROP TABLE audit_events',
      'TRUNCATE users',
      'CREATE TABLE other (id integer)',
      'SET session_replication_role = replica',
    ]) {
      await expect(runtime.query(text)).rejects.toMatchObject({ code: '42501' });
    }
    await runtime.end();
  });

  it('refuses a role that no privilege would hold, and one that does not exist', async () => {
    expect(await migrate('--runtime-role', 'core_auth')).toMatchObject({
      code: 1,
      said: expect.stringContaining('"core_auth" is a superuser'),
    });
    expect(await migrate('--runtime-role', `no"body`)).toMatchObject({
      code: 1,
      said: expect.stringContaining('There is no role "no"body".'),
    });
    await owner.query(`GRANT core_auth TO ${role}`);
    expect(await migrate('--runtime-role', role)).toMatchObject({
      code: 1,
      said: expect.stringContaining(`"${role}" owns the tables`),
    });
    await owner.query(`REVOKE core_auth FROM ${role}`);
    const database = new URL(world.database.url).pathname.slice(1);
    for (const [what, before] of [
      ['SCHEMA public', 'pg_database_owner'],
      [`DATABASE "${database}"`, 'core_auth'],
    ] as const) {
      await owner.query(`ALTER ${what} OWNER TO ${role}`);
      expect([what, await migrate('--runtime-role', role)]).toEqual([
        what,
        { code: 1, said: expect.stringContaining(`"${role}" owns the tables, their schema or the database`) },
      ]);
      await owner.query(`ALTER ${what} OWNER TO ${before}`);
    }
  });

  it('says what it can do when the arguments are wrong', async () => {
    for (const args of [['--runtime-role'], ['x'], ['--runtime-role', role, 'x']]) {
      expect(await migrate(...args)).toEqual({
        code: 1,
        said: expect.stringContaining('Usage: core-auth migrate'),
      });
    }
  });
});
