import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AdministratorRepository } from '#accounts';
import { BuiltProcess } from '../support/built-process.js';
import { World } from '../support/world.js';

jest.setTimeout(60_000);

describe('core-auth operators', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world.stop());

  async function run(args: string) {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['operators', ...args.split(' ').filter(Boolean)],
      env: {
        DATABASE_URL: world.database.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
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
    expect((await run('add member@acme.example')).said).toBe('member@acme.example is an operator already.');
    expect((await run('list')).said).toBe('member@acme.example  Max Member');
    expect((await run('remove member@acme.example')).said).toBe(
      'member@acme.example is no operator from now on.',
    );
    expect(await isOperator()).toBe(false);
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
