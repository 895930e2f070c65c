import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { ClientAdministration } from '#oauth';
import { Database } from '#platform';
import { parametersOf } from '../support/answers.js';
import { REPOSITORY } from '../support/built-process.js';
import { callRegistration } from '../support/registering.js';
import { World, type TestClient } from '../support/world.js';

jest.setTimeout(60_000);

const REDIRECT = 'https://calendar.example/callback';

describe('core-auth clients', () => {
  let world: World;
  let database: Client;

  beforeAll(async () => {
    world = await World.start({ env: { CORE_AUTH_REGISTRATION: 'open' } });
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await world.stop();
  });

  async function run(args: readonly string[], input = '') {
    const program = spawn(process.execPath, [join(REPOSITORY, 'dist/apps/cli/main.js'), 'clients', ...args], {
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: world.database.url,
        CORE_AUTH_URL: world.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
      },
    });
    program.stdin.end(input);
    const code = new Promise<number | null>((resolve) => program.on('close', resolve));
    const [out, err] = await Promise.all([text(program.stdout), text(program.stderr)]);
    return { code: await code, said: (out + err).trim() };
  }
  /** What a command prints for programs, once the server has heard of it. */
  const json = async (args: readonly string[], input?: string): Promise<Record<string, unknown>> => {
    const { code, said } = await run([...args, '--json'], input);
    expect([code, said]).toEqual([0, expect.stringMatching(/^[{[]/)]);
    await world.heard();
    return JSON.parse(said) as Record<string, unknown>;
  };
  const create = async (...args: string[]): Promise<TestClient> => {
    const { client_id: id, client_secret: secret } = await json(['create', ...args]);
    return { id: String(id), secret: secret as string | undefined, redirectUri: REDIRECT };
  };
  const machine = (id: string, ...args: string[]) =>
    create('--id', id, '--name', id, '--scope', 'projects:read', ...args);
  const policyOf = async (id: string) => (await json(['show', id]))['policy'] as Record<string, unknown>;
  const asks = (client: TestClient) => world.token(client, { grant_type: 'client_credentials' });
  const audit = async (id: string) =>
    (await database.query('SELECT act, actor, detail FROM audit_events WHERE target = $1 ORDER BY id', [id]))
      .rows as { act: string; actor: string; detail: unknown }[];
  const rows = async () => (await database.query('SELECT to_jsonb(c) FROM clients c ORDER BY id')).rows;

  it('makes a client that signs people in, from a name and an address; its secret is shown once and kept by its digest', async () => {
    const { code, said } = await run(['create', '--name', 'Calendar', '--redirect-uri', REDIRECT]);
    const [, id = '', secret = ''] = /^client_id +(\S{22})\nclient_secret +(\S{43})\n/.exec(said) ?? [];
    expect([code, said]).toEqual([
      0,
      expect.stringMatching(/Calendar is a client from now on\. The secret is shown this once\.$/),
    ]);
    const calendar = { id, secret, redirectUri: REDIRECT };
    const browser = await world.signIn('member@acme.example');
    const { path, verifier } = world.authorizationRequest(calendar, { scope: 'openid profile email' });
    const page = (await browser.get(path)).headers.get('location') ?? '';
    const allowed = await browser.submit(page, '/consent', { decision: 'allow' });
    const { code: given } = parametersOf(await browser.get(allowed.headers.get('location') ?? ''));
    expect((await world.exchange(calendar, { code: String(given), verifier })).status).toBe(200);

    const shown = await run(['show', id]);
    expect(shown.said).toContain('client_secret_basic');
    expect(JSON.stringify([shown.said, await rows(), await audit(id)])).not.toContain(secret);
    expect((await run(['list'])).said.split('\n')).toContain(`${id}  Calendar, client_secret_basic`);
    expect((await audit(id))[0]).toMatchObject({ act: 'client.create', actor: 'cli' });
  });

  it('makes one for each part of the policy, and shows it by the same names', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256' }] };
    await machine('ledger');
    const policy = {
      client_name: 'Bank',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
      jwks_uri: null,
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      redirect_uris: [REDIRECT, 'https://calendar.example/other'],
      post_logout_redirect_uris: ['https://calendar.example/out'],
      backchannel_logout_uri: null,
      scope: 'openid projects:read',
      resources: ['https://projects.example'],
      organization: 'acme',
      module: 'projects',
      first_party: true,
      pkce: 'required',
      require_pushed_authorization_requests: true,
      dpop_bound_access_tokens: true,
      profile: 'fapi2',
      access_token_format: 'opaque',
      id_token_signed_response_alg: 'ES256',
      may_act: 'ledger',
      access_token_seconds: 600,
      refresh_token_seconds: 3600,
      code_seconds: 30,
      client_uri: null,
      logo_uri: null,
      tos_uri: null,
      policy_uri: null,
      contacts: ['ops@calendar.example'],
    };
    const [members, flags] = [
      { jwks, contacts: policy.contacts },
      '--id bank --name Bank --grant code --grant token-exchange --scope openid --scope projects:read ' +
        `--redirect-uri ${REDIRECT} --redirect-uri https://calendar.example/other ` +
        '--post-logout-redirect-uri https://calendar.example/out --resource https://projects.example ' +
        '--organization acme --module projects --first-party --par --dpop --profile fapi2 --token-format opaque ' +
        '--may-act ledger --access-token-seconds 600 --refresh-token-seconds 3600 --code-seconds 30 --policy -',
    ];
    expect(await json(['create', ...flags.split(' ')], JSON.stringify(members))).toEqual({
      client_id: 'bank',
    });
    expect(await policyOf('bank')).toEqual(policy);
    // what is shown makes the same again
    expect(await json(['set', 'bank', '--policy', '-'], JSON.stringify(policy))).toMatchObject({
      changed: [],
    });
    await json(['create', '--id', 'bank-2', '--policy', '-'], JSON.stringify(policy));
    expect(await policyOf('bank-2')).toEqual(policy);
  });

  it('changes what a client is held to, on every node within a moment, and notes what', async () => {
    const client = await machine('changing');
    expect((await asks(client)).body).toMatchObject({ scope: 'projects:read', expires_in: 86_400 });
    await json([
      'set',
      'changing',
      '--scope',
      'projects:read projects:write',
      '--access-token-seconds',
      '60',
    ]);
    expect((await asks(client)).body).toMatchObject({
      scope: 'projects:read projects:write',
      expires_in: 60,
    });
    await json(['set', 'changing', '--dpop']);
    expect((await asks(client)).body['error']).toBe('invalid_dpop_proof');
    expect(await run(['set', 'changing', '--no-dpop'])).toEqual({
      code: 0,
      said: 'changing is held to that from now on.',
    });
    expect((await run(['set', 'changing', '--no-dpop'])).said).toBe('changing is like that already.');
    await world.heard();
    expect((await asks(client)).status).toBe(200);
    expect((await audit('changing')).map(({ act, detail }) => [act, detail])).toEqual([
      ['client.create', null],
      ['client.change', { changed: ['scopes', 'accessTokenSeconds'] }],
      ['client.change', { changed: ['dpopRequired'] }],
      ['client.change', { changed: ['dpopRequired'] }],
    ]);
  });

  it('does what docs/guides/clients.md shows, in its order', async () => {
    const guide = readFileSync(join(REPOSITORY, 'docs/guides/clients.md'), 'utf8');
    const commands = guide
      .split('\n')
      .filter((line) => line.startsWith('node dist/apps/cli/main.js clients '));
    expect(commands.length).toBeGreaterThan(8);
    for (const command of commands) {
      const [, ...words] = command.replace(/^.* clients/, 'clients').match(/"[^"]*"|\S+/g) ?? [];
      const { code, said } = await run(words.map((word) => word.replaceAll('"', '')));
      expect([command, code, said]).toEqual([command, 0, expect.anything()]);
    }
    expect(await policyOf('calendar')).toMatchObject({
      access_token_seconds: 600,
      first_party: true,
      dpop_bound_access_tokens: false,
    });
  });

  it('of changes that come at once none is lost, 20 times', async () => {
    const administration = new ClientAdministration(world.app.get(Database), world.clients, world.clock);
    await machine('busy');
    for (let round = 1; round <= 20; round += 1) {
      const changes = [
        { dpopRequired: round % 2 === 1 },
        { parRequired: round % 2 === 1 },
        { accessTokenSeconds: round },
        { codeSeconds: round },
      ];
      await Promise.all(changes.map((change) => administration.change('busy', change, 'test')));
      const found = await administration.find('busy');
      expect(found?.client).toMatchObject(Object.assign({}, ...changes) as object);
    }
  });

  it('excuses a confidential client from PKCE, and from the nonce too', async () => {
    const certified = await create(
      '--name',
      'Suite',
      '--redirect-uri',
      REDIRECT,
      '--first-party',
      '--pkce',
      'none',
    );
    const browser = await world.signIn('member@acme.example');
    const { parameters } = world.authorizationRequest(certified, { scope: 'openid' });
    for (const name of ['code_challenge', 'code_challenge_method', 'nonce']) delete parameters[name];
    const visit = () => browser.get(`/oauth2/authorize?${new URLSearchParams(parameters)}`);
    expect(parametersOf(await visit())).toHaveProperty('code');
    await json(['set', certified.id, '--pkce', 'nonce']);
    expect(parametersOf(await visit())).toMatchObject({ error: 'invalid_request' });
  });

  it('gives another secret, and from then on refuses the one before', async () => {
    const before = await machine('rotating');
    expect((await asks(before)).status).toBe(200);
    const { client_secret: secret } = await json(['rotate-secret', 'rotating']);
    expect((await asks(before)).body['error']).toBe('invalid_client');
    expect((await asks({ ...before, secret: String(secret) })).status).toBe(200);
    expect((await run(['rotate-secret', 'rotating'])).said).toMatch(/^client_secret {2}\S{43}\n/);
    // one that comes to need a secret is given it, and one that needs none any more has none
    expect(
      await json(['set', 'rotating', '--auth', 'none', '--grant', 'code', '--redirect-uri', REDIRECT]),
    ).toEqual({
      client_id: 'rotating',
      changed: ['tokenEndpointAuthMethod', 'grantTypes', 'redirectUris'],
    });
    const { client_secret: another } = await json(['set', 'rotating', '--auth', 'client_secret_post']);
    expect(another).toMatch(/^\S{43}$/);
  });

  it('disables a client and its tokens, and enables it again', async () => {
    const client = await machine('leaving');
    const { access_token: token } = (await asks(client)).body;
    const active = async () =>
      (await world.introspect(world.client('projects'), String(token))).body['active'];
    expect(await active()).toBe(true);
    expect(await run(['disable', 'leaving'])).toEqual({ code: 0, said: 'leaving is disabled from now on.' });
    await world.heard();
    expect([await active(), (await asks(client)).body['error']]).toEqual([false, 'invalid_client']);
    expect((await run(['disable', 'leaving'])).said).toBe('leaving is disabled already.');
    expect((await run(['list'])).said).toContain('leaving  leaving, client_secret_basic, disabled');
    // its policy may be mended meanwhile
    await json(['set', 'leaving', '--name', 'Back again']);
    expect((await asks(client)).body['error']).toBe('invalid_client');
    expect(await run(['enable', 'leaving'])).toEqual({ code: 0, said: 'Back again is enabled from now on.' });
    await world.heard();
    expect((await asks(client)).status).toBe(200);
    const { rows: told } = await database.query<{ kind: string }>(
      "SELECT kind FROM outbox WHERE subject = 'leaving' ORDER BY id",
    );
    expect(told.map(({ kind }) => kind)).toEqual([
      'client-changed',
      'client-disabled',
      'client-changed',
      'client-changed',
    ]);
    expect((await audit('leaving')).map(({ act }) => act)).toEqual([
      'client.create',
      'client.disable',
      'client.change',
      'client.enable',
    ]);
  });

  it('changes a client that registered itself, never makes it first-party, and calls back none that has left', async () => {
    const { body } = await callRegistration(`${world.url}/oauth2/register`, {
      body: { redirect_uris: [REDIRECT], client_name: 'Newcomer' },
    });
    const id = String(body['client_id']);
    await json(['set', id, '--access-token-seconds', '300']);
    expect(await policyOf(id)).toMatchObject({ access_token_seconds: 300 });
    const refused = await run(['set', id, '--first-party']);
    expect(refused).toEqual({
      code: 1,
      said: 'A client that registered itself can change what it is, and so is never first-party. Nothing was changed.',
    });
    await callRegistration(String(body['registration_client_uri']), {
      method: 'DELETE',
      token: String(body['registration_access_token']),
    });
    expect(await run(['enable', id])).toEqual({
      code: 1,
      said: 'Newcomer has unregistered itself, and is not called back. Nothing was changed.',
    });
  });

  it.each([
    ['create --scope openid', 'Name the client'],
    ['create --name X', 'Say what it may ask for'],
    ['create --name X --scope a --auth none', 'A public client cannot use the client credentials grant.'],
    ['create --name X --scope a --organization nowhere', 'There is no organization with the key nowhere.'],
    ['create --name X --scope a --module nowhere', 'There is no module nowhere.'],
    ['create --name X --scope a --may-act nobody', 'There is no client nobody'],
    ['create --name X --scope a --id projects', 'There is a client projects already.'],
    ['create --name X --scope a --id 6f7c1f0e-5a5f-4c0e-9a53-3f4f2a0d9c11', 'not the form of a UUID'],
    ['create --name X --scope a --policy -', 'The input is no JSON.'],
    ['set projects', 'Say what to change'],
    ['set nobody --dpop', 'There is no client nobody.'],
    ['show nobody', 'There is no client nobody.'],
    ['disable nobody', 'There is no client nobody.'],
    ['create --nam X', 'Usage: core-auth clients'],
    ['', 'Usage: core-auth clients'],
  ])('%s changes nothing, and says: %s', async (args, says) => {
    const before = await rows();
    const { code, said } = await run(args.split(' ').filter(Boolean));
    expect([code, said]).toEqual([1, expect.stringContaining(says)]);
    expect(await rows()).toEqual(before);
  });

  it('a policy with a member that there is not is refused whole', async () => {
    const before = await rows();
    const { code, said } = await run(
      ['set', 'projects', '--policy', '-'],
      '{"scope":"openid","redirect_uri":"x"}',
    );
    expect([code, said]).toEqual([1, expect.stringContaining('A policy has no member "redirect_uri"')]);
    expect(await rows()).toEqual(before);
  });
});
