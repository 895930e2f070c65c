import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BuiltProcess } from '../support/built-process.js';
import { callRegistration } from '../support/registering.js';
import { World } from '../support/world.js';

jest.setTimeout(60_000);

describe('core-auth registration-token', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start({ env: { CORE_AUTH_REGISTRATION: 'token' } });
  });
  afterAll(() => world.stop());

  async function run(args: string, env: Readonly<Record<string, string>> = {}) {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['registration-token', ...args.split(' ').filter(Boolean)],
      env: {
        DATABASE_URL: world.database.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
        CORE_AUTH_REGISTRATION: 'token',
        ...env,
      },
    });
    const { code } = await program.ended;
    return { code, said: program.output.trim() };
  }
  const create = async (args = '', env = {}) => {
    const { code, said } = await run(`create ${args}`, env);
    const [token = ''] = said.split('\n');
    const id = /It is ([0-9a-f-]{36}),/.exec(said)?.[1] ?? '';
    return { code, said, token, id };
  };
  const register = async (token: string) =>
    (
      await callRegistration(`${world.url}/oauth2/register`, {
        token,
        body: { redirect_uris: ['https://app.example/callback'] },
      })
    ).status;

  it('creates a token that registers one client, and says until when it can', async () => {
    const { code, said, token } = await create();
    expect([code, token]).toEqual([0, expect.stringMatching(/^[\w-]{43}$/)]);
    expect(said).toMatch(/registers 1 client and ends at \d{4}-\d\d-\d\dT/);
    expect([await register(token), await register(token)]).toEqual([201, 401]);
  });

  it('creates one for several clients, lists what is left of it, and revokes it', async () => {
    const { token, id } = await create('--uses 3 --days 2');
    expect(await register(token)).toBe(201);
    expect((await run('list')).said).toContain(`${id}  2 clients, until `);
    expect(await run(`revoke ${id}`)).toEqual({ code: 0, said: `${id} lets nobody register any more.` });
    expect(await register(token)).toBe(401);
    expect((await run('list')).said).not.toContain(id);
    expect(await run(`revoke ${id}`)).toEqual({ code: 1, said: `There is no registration token ${id}.` });
  });

  it('never shows a token again', async () => {
    const { token } = await create();
    expect((await run('list')).said).not.toContain(token);
  });

  it('says so when the setting lets nobody in by a token', async () => {
    const { said } = await create('', { CORE_AUTH_REGISTRATION: 'closed' });
    expect(said).toContain('It opens nothing before CORE_AUTH_REGISTRATION is "token".');
  });

  it.each([
    '',
    'make',
    'create --uses 0',
    'create --days 366',
    'create --uses x',
    'create x',
    'revoke',
    'list x',
  ])('explains itself when it is given "%s"', async (args) => {
    const { code, said } = await run(args);
    expect([code, said.split('\n')[0]]).toEqual([1, 'Usage: core-auth registration-token <what>']);
  });
});
