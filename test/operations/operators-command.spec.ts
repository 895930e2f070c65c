import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AdministratorRepository } from '#accounts';
import { Database, sql } from '#platform';
import { BuiltProcess } from '../support/built-process.js';
import { World } from '../support/world.js';

jest.setTimeout(60_000);

describe('core-auth operators', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world.stop());

  async function run(args: string, env: Readonly<Record<string, string>> = {}) {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['operators', ...args.split(' ').filter(Boolean)],
      env: {
        DATABASE_URL: world.database.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
        ...env,
      },
    });
    const { code } = await program.ended;
    return { code, said: program.output.trim() };
  }
  const isOperator = async () =>
    (await world.app.get(AdministratorRepository).find(world.id('member@acme.example'))).operator;

  it('adds a person, lists them, and removes them', async () => {
    expect(await run('list')).toEqual({ code: 0, said: 'Nobody is an operator.' });
    expect(await run('add Member@Acme.example')).toEqual({
      code: 0,
      said: 'member@acme.example is an operator from now on.',
    });
    expect(await isOperator()).toBe(true);
    const again = await run('add member@acme.example', { CORE_AUTH_OPERATOR_SECOND_FACTOR: 'on' });
    expect(again.said.split('\n')).toEqual([
      'member@acme.example is an operator already.',
      'They have no second factor yet: before they see a license they are asked to add one.',
    ]);
    expect((await run('list')).said).toBe('member@acme.example  Max Member, no second factor');
    expect((await run('remove member@acme.example')).said).toBe(
      'member@acme.example is no operator from now on.',
    );
    expect(await isOperator()).toBe(false);
  });

  it('has written a long list to its end when it ends, however slowly it is read', async () => {
    // more than a pipe takes at once
    const database = world.app.get(Database);
    await database.query(sql`
      INSERT INTO users (id, email, name, operator)
      SELECT gen_random_uuid(), 'many-' || n || '@seller.example', repeat('x', 100), true FROM generate_series(1, 5000) n`);
    const { code, said } = await run('list');
    expect([code, said.split('\n').length]).toEqual([0, 5000]);
    await database.query(sql`UPDATE users SET operator = false`);
  });

  it('knows nobody without an account', async () => {
    expect(await run('add nobody@acme.example')).toEqual({
      code: 1,
      said: 'There is no account with the e-mail address nobody@acme.example.',
    });
  });

  it.each(['', 'add', 'remove', 'list x', 'add a b', 'make a'])(
    'explains itself when it is given "%s"',
    async (args) => {
      const { code, said } = await run(args);
      expect([code, said.split('\n')[0]]).toEqual([1, 'Usage: core-auth operators <what>']);
    },
  );
});
