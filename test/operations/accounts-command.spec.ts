import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { audited, failTimes, tryFrom } from '../accounts/lockout-world.js';
import { BuiltProcess } from '../support/built-process.js';
import { PASSWORD, World } from '../support/world.js';

jest.setTimeout(60_000);

const MEMBER = 'member@acme.example';

describe('core-auth accounts', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world.stop());

  async function run(args: string) {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['accounts', ...args.split(' ').filter(Boolean)],
      env: {
        DATABASE_URL: world.database.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
      },
    });
    const { code } = await program.ended;
    return { code, said: program.output.trim() };
  }

  it('unlock ends the delays of an account, once, and is audited', async () => {
    await failTimes(world, 5, MEMBER);
    expect((await tryFrom(world, MEMBER, { password: PASSWORD })).status).toBe(429);
    expect(await run('unlock Member@Acme.example')).toEqual({
      code: 0,
      said: `${MEMBER} may sign in again from now on.`,
    });
    expect((await tryFrom(world, MEMBER, { password: PASSWORD })).status).toBe(303);
    expect((await run('unlock member@acme.example')).said).toBe(`${MEMBER} was not delayed.`);
    expect(await audited(world, 'account.unlock', world.id(MEMBER))).toMatchObject([
      { actor: 'cli', address: null, factor: null, result: 'success' },
    ]);
  });

  it('knows nobody without an account', async () => {
    expect(await run('unlock nobody@acme.example')).toEqual({
      code: 1,
      said: 'There is no account with the e-mail address nobody@acme.example.',
    });
  });

  it.each(['', 'unlock', 'lock a', 'unlock a b'])('explains itself when it is given "%s"', async (args) => {
    const { code, said } = await run(args);
    expect([code, said.split('\n')[0]]).toEqual([1, 'Usage: core-auth accounts <what>']);
  });
});
