import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Client } from 'pg';
import { InitialAccessTokenRepository, MAX_UNASKED_CLIENTS } from '#oauth';
import { addSeconds, Database, sha256 } from '#platform';
import { Sweeper } from '../../apps/server/sweeper.js';
import { callRegistration, clientOf, consentedCode } from '../support/registering.js';
import { World, type Answer, type TestClient } from '../support/world.js';

const REDIRECT = 'https://app.example/callback';
const A_DAY = 86_400;
const WEB = { redirect_uris: [REDIRECT], client_name: 'Some App' };
const UNLIMITED = { CORE_AUTH_RATE_LIMIT_REGISTRATION: '1000000' };

describe('dynamic client registration', () => {
  let world: World;
  /** The same deployment, as if its setting were another. */
  let byToken: World;
  let closed: World;
  let database: Client;

  beforeAll(async () => {
    world = await World.start({ env: { CORE_AUTH_REGISTRATION: 'open', ...UNLIMITED } });
    byToken = await World.start({
      beside: world,
      env: {
        CORE_AUTH_REGISTRATION: 'token',
        CORE_AUTH_REGISTRATION_SCOPES: 'openid projects:read',
        ...UNLIMITED,
      },
    });
    closed = await World.start({ beside: world, env: UNLIMITED });
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await closed.stop();
    await byToken.stop();
    await world.stop();
  });

  const at = (node: World) => `${node.url}/oauth2/register`;
  const register = (metadata: unknown, node = world, token?: string) =>
    callRegistration(at(node), { body: metadata, token });
  const managed = (answer: Answer) => ({
    url: String(answer.body['registration_client_uri']),
    token: String(answer.body['registration_access_token']),
  });
  const initialAccessToken = async (uses = 1, days = 1) => {
    const tokens = new InitialAccessTokenRepository(world.app.get(Database), world.clock);
    return tokens.create(uses, addSeconds(world.clock.now(), days * A_DAY), 'test');
  };
  const row = async (id: unknown) =>
    (await database.query<Record<string, unknown>>('SELECT * FROM clients WHERE id = $1', [id])).rows[0];
  const registered = async () =>
    Number(
      (await database.query<{ count: string }>("SELECT count(*) FROM clients WHERE source = 'registration'"))
        .rows[0]?.count,
    );
  const discovered = async (node: World) =>
    (await (await fetch(`${node.url}/.well-known/oauth-authorization-server`)).json()) as Record<
      string,
      unknown
    >;

  describe('who may register', () => {
    it('closed, which it is unless a setting opens it: 403, and discovery names no endpoint', async () => {
      expect(await register(WEB, closed)).toMatchObject({ status: 403, body: { error: 'access_denied' } });
      expect(await discovered(closed)).not.toHaveProperty('registration_endpoint');
      expect((await discovered(world))['registration_endpoint']).toBe(at(world));
    });

    it('RFC 7591 §3: with an initial access token; 401 with a challenge that tells of no error without one, and with a wrong one', async () => {
      const none = await register(WEB, byToken);
      expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="core-auth"']);
      const wrong = await register(WEB, byToken, 'x'.repeat(43));
      expect([wrong.status, wrong.body['error']]).toEqual([401, 'invalid_token']);
      expect(wrong.headers.get('www-authenticate')).toContain('error="invalid_token"');
      const { token } = await initialAccessToken();
      expect((await register(WEB, byToken, token)).status).toBe(201);
    });

    it('RFC 7591 §3: an initial access token registers as many clients as it was made for, whoever comes at once', async () => {
      const { token } = await initialAccessToken(2);
      const answers = await Promise.all(Array.from({ length: 6 }, () => register(WEB, byToken, token)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 401, 401, 401, 401]);
    });

    it('RFC 7591 §3: what is refused for its metadata uses no token up', async () => {
      const { token } = await initialAccessToken();
      expect((await register({ redirect_uris: ['http://app.example/'] }, byToken, token)).status).toBe(400);
      expect((await register(WEB, byToken, token)).status).toBe(201);
    });

    it('an initial access token that has expired or was revoked lets nobody in', async () => {
      const revoked = await initialAccessToken();
      const tokens = new InitialAccessTokenRepository(world.app.get(Database), world.clock);
      expect(await tokens.revoke(revoked.id, 'test')).toBe(true);
      expect((await register(WEB, byToken, revoked.token)).status).toBe(401);
      const old = await initialAccessToken(1, 1);
      await database.query(
        "UPDATE initial_access_tokens SET expires_at = now() - interval '1 day' WHERE id = $1",
        [old.id],
      );
      expect((await register(WEB, byToken, old.token)).status).toBe(401);
    });

    it('an initial access token is kept by its digest alone', async () => {
      const { id, token } = await initialAccessToken();
      const { rows } = await database.query('SELECT * FROM initial_access_tokens WHERE id = $1', [id]);
      expect(JSON.stringify(rows)).not.toContain(token);
      expect(rows).toMatchObject([{ token_sha256: sha256(token) }]);
    });

    it('the scripts of any origin may register: there is no cookie that they could use', async () => {
      const answer = await fetch(at(world), {
        method: 'OPTIONS',
        headers: { origin: 'https://inspector.example', 'access-control-request-method': 'POST' },
      });
      expect(answer.status).toBe(204);
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://inspector.example');
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    });

    it('RFC 6585 §4: an address that registers too often waits', async () => {
      const strict = await World.start({
        beside: world,
        env: { CORE_AUTH_REGISTRATION: 'open', CORE_AUTH_RATE_LIMIT_REGISTRATION: '3' },
      });
      const answers: Answer[] = [];
      for (let count = 0; count < 4; count += 1) answers.push(await register(WEB, strict));
      await strict.stop();
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 429]);
      expect(Number(answers[3]?.headers.get('retry-after'))).toBeGreaterThan(0);
    });
  });

  describe('the answer', () => {
    it('RFC 7591 §3.2.1: 201 with all that is registered, the secret once, not to be stored', async () => {
      const metadata = {
        ...WEB,
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        scope: 'openid email',
        contacts: ['ops@app.example'],
        client_uri: 'https://app.example',
        logo_uri: 'https://app.example/logo.png',
        tos_uri: 'https://app.example/terms',
        policy_uri: 'https://app.example/privacy',
        jwks_uri: 'https://app.example/keys.json',
        id_token_signed_response_alg: 'ES256',
        post_logout_redirect_uris: ['https://app.example/signed-out'],
        backchannel_logout_uri: 'https://app.example/logout',
        require_pushed_authorization_requests: true,
        dpop_bound_access_tokens: true,
        application_type: 'web',
        software_id: 'some-app',
        software_version: '1.2.3',
      };
      const answer = await register({ ...metadata, favorite_color: 'green', 'client_name#de': 'Eine App' });
      expect(answer.status).toBe(201);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const { client_id: id, client_secret: secret, ...rest } = answer.body;
      expect(rest).toEqual({
        ...metadata,
        client_id_issued_at: Math.floor(world.clock.now().getTime() / 1000),
        client_secret_expires_at: 0,
        registration_access_token: expect.stringMatching(/^[\w-]{43}$/),
        registration_client_uri: `${at(world)}/${String(id)}`,
      });
      expect(await row(id)).toMatchObject({
        secret_sha256: sha256(String(secret)),
        registration_token_sha256: sha256(String(rest['registration_access_token'])),
        first_party: false,
        source: 'registration',
        module_key: null,
        organization_id: null,
      });
    });

    it('RFC 7591 §2: what is left out, or null, has its default', async () => {
      const { status, body } = await register({ redirect_uris: [REDIRECT], client_name: null, scope: null });
      expect(status).toBe(201);
      expect(body).toMatchObject({
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        scope: 'openid profile email offline_access',
        id_token_signed_response_alg: 'RS256',
        application_type: 'web',
        client_name: body['client_id'],
      });
    });

    it('a client without a secret is told of none', async () => {
      const { body } = await register({ ...WEB, token_endpoint_auth_method: 'none' });
      expect(Object.keys(body).filter((name) => name.startsWith('client_secret'))).toEqual([]);
    });

    it('a registered client is none of ours: the person is asked for consent, and it works by its secret', async () => {
      const client = clientOf(
        await register({ ...WEB, grant_types: ['authorization_code', 'refresh_token'] }),
      );
      const { status, body } = await world.exchange(client, await consentedCode(world, client));
      expect([status, body['scope']]).toEqual([200, 'openid profile']);
      expect((await world.refresh(client, String(body['refresh_token']))).status).toBe(200);
      const thief = { ...client, secret: 'x'.repeat(43) };
      expect((await world.introspect(thief, 'x')).body['error']).toBe('invalid_client');
    });

    it('client credentials are for those whom a token has let in', async () => {
      const machine = {
        grant_types: ['client_credentials'],
        scope: 'projects:read',
        client_name: 'Some Machine',
      };
      expect(await register({ ...machine, scope: 'openid' })).toMatchObject({
        status: 400,
        body: { error: 'invalid_client_metadata', error_description: expect.stringContaining('grant_types') },
      });
      const answer = await register(machine, byToken, (await initialAccessToken()).token);
      expect(answer).toMatchObject({ status: 201, body: { response_types: [], redirect_uris: [] } });
      const client = { ...clientOf(answer), redirectUri: '' };
      const granted = await world.token(client, { grant_type: 'client_credentials' });
      expect(granted).toMatchObject({ status: 200, body: { scope: 'projects:read' } });
    });
  });

  describe('RFC 7591 §3.2.2: refused, and nothing is registered', () => {
    const native = { application_type: 'native', token_endpoint_auth_method: 'none' };
    it.each([
      ['no redirect URI', {}],
      ['none in the list', { redirect_uris: [] }],
      ['http', { redirect_uris: ['http://app.example/callback'] }],
      ['a fragment', { redirect_uris: [`${REDIRECT}#x`] }],
      ['a wildcard', { redirect_uris: ['https://*.app.example/callback'] }],
      ['user information', { redirect_uris: ['https://me@app.example/callback'] }],
      ['no absolute URI', { redirect_uris: ['/callback'] }],
      ['a script', { redirect_uris: ['javascript:alert(1)'], ...native }],
      ['a space', { redirect_uris: ['https://app.example/a b'] }],
      ['letters beyond ASCII', { redirect_uris: ['https://app.example/ü'] }],
      ['loopback for a web application', { redirect_uris: ['http://127.0.0.1/cb'], application_type: 'web' }],
      [
        'a scheme of its own for a web application',
        { redirect_uris: ['com.example:/cb'], application_type: 'web' },
      ],
      ['RFC 8252 §8.4: a scheme without a dot', { redirect_uris: ['someapp:/callback'], ...native }],
      ['one good and one bad', { redirect_uris: [REDIRECT, 'http://app.example/'] }],
    ])('invalid_redirect_uri: %s', async (_, metadata) => {
      const before = await registered();
      expect(await register(metadata)).toMatchObject({
        status: 400,
        body: { error: 'invalid_redirect_uri' },
      });
      expect(await registered()).toBe(before);
    });

    const { publicKey } = { publicKey: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' } };
    it.each([
      ['an unknown method', { token_endpoint_auth_method: 'tls_client_auth' }],
      ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }],
      ['jwks and jwks_uri', { jwks: { keys: [] }, jwks_uri: 'https://app.example/keys' }],
      ['no key', { jwks: { keys: [] } }],
      ['a key that is none', { jwks: { keys: [publicKey] } }],
      ['a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }],
      ['a jwks_uri by http', { jwks_uri: 'http://app.example/keys' }],
      ['an unknown grant', { grant_types: ['authorization_code', 'password'] }],
      ['refresh alone', { grant_types: ['refresh_token'] }],
      ['the implicit response type', { response_types: ['token'] }],
      ['a code without its grant', { grant_types: [], response_types: ['code'] }],
      ['a grant without its response type', { response_types: [] }],
      ['a scope that is not to be had', { scope: 'openid readiness:read' }],
      ['a scope of the administration', { scope: 'openid licensing:write' }],
      ['no scope', { scope: ' ' }],
      ['a name that is too long', { client_name: 'x'.repeat(129) }],
      ['a name that turns the text around', { client_name: 'Core\u202eAuth' }],
      ['a name with a zero', { client_name: 'Core\u0000Auth' }],
      ['a name of another type', { client_name: 7 }],
      ['a logo by another scheme', { logo_uri: 'javascript:alert(1)' }],
      ['a home page by http', { client_uri: 'http://app.example' }],
      ['too many contacts', { contacts: Array.from({ length: 6 }, (_, at) => `${at}@app.example`) }],
      ['an algorithm that signs nothing', { id_token_signed_response_alg: 'none' }],
      ['pairwise subjects', { subject_type: 'pairwise' }],
      ['an unknown kind of application', { application_type: 'toaster' }],
      ['a flag that is text', { dpop_bound_access_tokens: 'true' }],
      ['a post-logout address by http', { post_logout_redirect_uris: ['http://app.example/'] }],
      ['a logout address that is no public one', { backchannel_logout_uri: 'https://10.0.0.1/logout' }],
      ['a list that is none', { redirect_uris: REDIRECT }],
    ])('invalid_client_metadata: %s', async (_, metadata) => {
      const before = await registered();
      expect(await register({ ...WEB, ...metadata })).toMatchObject({
        status: 400,
        body: { error: 'invalid_client_metadata' },
      });
      expect(await registered()).toBe(before);
    });

    it('RFC 7591 §3.1: anything but JSON', async () => {
      const answer = await fetch(at(world), {
        method: 'POST',
        body: new URLSearchParams({ redirect_uris: REDIRECT }),
      });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: 'invalid_client_metadata' });
      expect((await callRegistration(at(world), { body: '{"redirect_uris":' })).status).toBe(400);
      expect((await callRegistration(at(world), { body: { x: 'x'.repeat(70_000) } })).status).toBe(400);
    });

    it.each([
      ['loopback, which a native application listens on', 'http://127.0.0.1/callback'],
      ['localhost', 'http://localhost:4000/callback'],
      ['a reversed domain name', 'com.example.app:/callback'],
      ['a claimed https address', REDIRECT],
    ])('RFC 8252 §7: a native application may have %s', async (_, uri) => {
      const { status, body } = await register({ redirect_uris: [uri], token_endpoint_auth_method: 'none' });
      expect([status, body['application_type']]).toEqual([201, uri === REDIRECT ? 'web' : 'native']);
    });

    it('whatever the JSON is, the answer is 201 or 400 and never a failure', async () => {
      const members = [
        ...['redirect_uris', 'token_endpoint_auth_method', 'grant_types', 'response_types', 'client_name'],
        ...['client_uri', 'scope', 'contacts', 'jwks', 'jwks_uri', 'application_type', 'software_id'],
        ...['post_logout_redirect_uris', 'require_pushed_authorization_requests', 'subject_type'],
        ...['id_token_signed_response_alg', '__proto__', 'constructor'],
      ];
      const value = fc.oneof(
        fc.jsonValue(),
        fc.string({ unit: 'binary' }),
        fc.array(fc.webUrl()),
        fc.array(fc.string({ unit: 'binary' })),
        fc.constant({ keys: [{ kty: 'RSA', n: '\ud800', e: 'AQAB', kid: '\u0000' }] }),
      );
      const metadata = fc.oneof(
        fc.jsonValue(),
        fc
          .dictionary(fc.constantFrom(...members), value)
          .map((each) => ({ redirect_uris: [REDIRECT], ...each })),
      );
      await fc.assert(
        fc.asyncProperty(metadata, async (body) => {
          const { status, body: answer } = await register(JSON.stringify(body));
          expect([201, 400]).toContain(status);
          if (status === 400) expect(Object.keys(answer)).toEqual(['error', 'error_description']);
        }),
        { numRuns: 300 },
      );
    }, 60_000);
  });

  describe('its management', () => {
    it('RFC 7592 §2.1: reads all that is registered, by the registration access token, which stays the same', async () => {
      const answer = await register(WEB);
      const { url, token } = managed(answer);
      const read = await callRegistration(url, { method: 'GET', token });
      expect(read.status).toBe(200);
      expect({ ...read.body, client_secret: answer.body['client_secret'] }).toEqual(answer.body);
      expect(read.body).not.toHaveProperty('client_secret');
      expect(read.headers.get('cache-control')).toBe('no-store');
    });

    it.each(['GET', 'PUT', 'DELETE'])(
      'RFC 7592 §2: %s with a wrong token, the token of another, or for an unknown client: the same 401',
      async (method) => {
        const [own, other] = [managed(await register(WEB)), managed(await register(WEB))];
        const body = method === 'PUT' ? { body: WEB } : {};
        const answers = await Promise.all([
          callRegistration(own.url, { method, token: 'x'.repeat(43), ...body }),
          callRegistration(own.url, { method, token: other.token, ...body }),
          callRegistration(`${at(world)}/nobody`, { method, token: own.token, ...body }),
          // a client that an administrator has made has no such token, and needs none
          callRegistration(`${at(world)}/projects`, { method, token: own.token, ...body }),
        ]);
        for (const { status, body: answer, headers } of answers) {
          expect([status, answer['error'], headers.get('www-authenticate')]).toEqual([
            401,
            'invalid_token',
            expect.stringContaining('error="invalid_token"'),
          ]);
        }
        const none = await callRegistration(own.url, { method, ...body });
        expect([none.status, none.headers.get('www-authenticate')]).toEqual([
          401,
          'Bearer realm="core-auth"',
        ]);
        expect((await callRegistration(own.url, { method: 'GET', token: own.token })).status).toBe(200);
      },
    );

    it('RFC 7592 §2.2: an update replaces everything, keeps the secret and the token, and is heard', async () => {
      const before = await register({ ...WEB, contacts: ['a@app.example'], scope: 'openid' });
      const { url, token } = managed(before);
      const client = clientOf(before);
      const elsewhere = 'https://app.example/elsewhere';
      const moved = { ...client, redirectUri: elsewhere };
      const asked = async (node: World, by: TestClient) =>
        (
          await fetch(node.url + world.authorizationRequest(by, { scope: 'openid' }).path, {
            redirect: 'manual',
          })
        ).status;
      for (const node of [world, byToken])
        expect([await asked(node, client), await asked(node, moved)]).toEqual([303, 400]);
      const answer = await callRegistration(url, {
        method: 'PUT',
        token,
        body: { client_id: client.id, client_secret: client.secret, redirect_uris: [elsewhere] },
      });
      expect(answer).toMatchObject({
        status: 200,
        body: {
          client_id: client.id,
          redirect_uris: [elsewhere],
          scope: 'openid profile email offline_access',
          registration_access_token: token,
        },
      });
      expect(answer.body).not.toHaveProperty('contacts');
      expect(answer.body).not.toHaveProperty('client_secret');
      for (const node of [world, byToken]) {
        await node.heard();
        expect([await asked(node, client), await asked(node, moved)]).toEqual([400, 303]);
      }
      expect((await world.exchange(moved, await consentedCode(world, moved))).status).toBe(200);
      const { rows } = await database.query(
        "SELECT actor FROM audit_events WHERE act = 'client.replace' AND target = $1",
        [client.id],
      );
      expect(rows).toEqual([{ actor: client.id }]);
    });

    it.each([
      ['no client_id', () => ({})],
      ['the client_id of another', () => ({ client_id: 'projects' })],
      ['a secret that is not the current one', (id: string) => ({ client_id: id, client_secret: 'mine' })],
      ['its registration access token', (id: string) => ({ client_id: id, registration_access_token: 'x' })],
      ['when it was issued', (id: string) => ({ client_id: id, client_id_issued_at: 1 })],
    ])('RFC 7592 §2.2: an update with %s is invalid_request, and changes nothing', async (_, members) => {
      const before = await register(WEB);
      const { url, token } = managed(before);
      const id = String(before.body['client_id']);
      const answer = await callRegistration(url, { method: 'PUT', token, body: { ...WEB, ...members(id) } });
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      expect((await callRegistration(url, { method: 'GET', token })).body['client_name']).toBe('Some App');
    });

    it('RFC 7592 §2.2: bad metadata is refused by its own error', async () => {
      const { url, token } = managed(await register(WEB));
      const client_id = url.slice(url.lastIndexOf('/') + 1);
      const body = { client_id, redirect_uris: ['http://app.example/'] };
      expect((await callRegistration(url, { method: 'PUT', token, body })).body['error']).toBe(
        'invalid_redirect_uri',
      );
    });

    it('of updates that come at once no two give a secret: the one that was given works', async () => {
      for (let round = 0; round < 5; round += 1) {
        const before = await register({ ...WEB, token_endpoint_auth_method: 'none' });
        const { url, token } = managed(before);
        const client = clientOf(before);
        const body = { ...WEB, client_id: client.id, token_endpoint_auth_method: 'client_secret_basic' };
        const answers = await Promise.all(
          Array.from({ length: 6 }, () => callRegistration(url, { method: 'PUT', token, body })),
        );
        const given = answers.flatMap((answer) => answer.body['client_secret'] ?? []);
        expect(given).toHaveLength(1);
        for (const { status } of answers) expect([200, 409]).toContain(status);
        await world.heard();
        expect((await world.introspect({ ...client, secret: given[0] as string }, 'x')).body).toEqual({
          active: false,
        });
      }
    });

    it('RFC 7592 §2.2: a client that comes to need a secret gets one; with the method that needs none, the old one dies', async () => {
      const before = await register(WEB);
      const { url, token } = managed(before);
      const client = clientOf(before);
      const put = (method: string) =>
        callRegistration(url, {
          method: 'PUT',
          token,
          body: { ...WEB, client_id: client.id, token_endpoint_auth_method: method },
        });
      expect((await put('none')).body).not.toHaveProperty('client_secret_expires_at');
      await world.heard();
      expect((await world.introspect(client, 'x')).body['error']).toBe('invalid_client');
      const { client_secret: secret } = (await put('client_secret_basic')).body;
      expect(secret).toEqual(expect.any(String));
      await world.heard();
      expect((await world.introspect(client, 'x')).body['error']).toBe('invalid_client');
      expect((await world.introspect({ ...client, secret: String(secret) }, 'x')).body).toEqual({
        active: false,
      });
    });

    it('RFC 7592 §2.3: deleted, the client and its tokens die, everybody is told, and its token manages nothing', async () => {
      const answer = await register({ ...WEB, grant_types: ['authorization_code', 'refresh_token'] });
      const { url, token } = managed(answer);
      const client = clientOf(answer);
      const { body: tokens } = await world.exchange(client, await consentedCode(world, client));
      const userinfo = async () =>
        (
          await fetch(`${world.url}/oauth2/userinfo`, {
            headers: { authorization: `Bearer ${String(tokens['access_token'])}` },
          })
        ).status;
      expect(await userinfo()).toBe(200);

      const deleted = await callRegistration(url, { method: 'DELETE', token });
      expect([deleted.status, deleted.body]).toEqual([204, {}]);
      expect(await userinfo()).toBe(401);
      await world.heard();
      expect((await world.refresh(client, String(tokens['refresh_token']))).body['error']).toBe(
        'invalid_client',
      );
      expect((await callRegistration(url, { method: 'GET', token })).status).toBe(401);
      expect((await callRegistration(url, { method: 'DELETE', token })).status).toBe(401);
      const { rows } = await database.query(
        `SELECT (SELECT count(*) FROM outbox WHERE kind = 'client-disabled' AND subject = $1)::int AS told,
                (SELECT count(*) FROM audit_events WHERE act = 'client.unregister' AND target = $1)::int AS noted`,
        [client.id],
      );
      expect(rows).toEqual([{ told: 1, noted: 1 }]);
    });

    it('RFC 7592 §2.3: a DELETE without a body may name a type for it', async () => {
      const { url, token } = managed(await register(WEB));
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(204);
    });

    it('RFC 7592 §2.2: where registration is closed meanwhile, a client may look and go, and change nothing', async () => {
      const { url, token } = managed(await register(WEB));
      const here = url.replace(world.url, closed.url);
      const put = await callRegistration(here, { method: 'PUT', token, body: WEB });
      expect([put.status, put.body['error']]).toEqual([403, 'access_denied']);
      expect((await callRegistration(here, { method: 'GET', token })).status).toBe(200);
      expect((await callRegistration(here, { method: 'DELETE', token })).status).toBe(204);
    });
  });

  describe('it does not grow without end', () => {
    const sweep = () => world.app.get(Sweeper).sweep();
    const aged = (id: string, days: number) =>
      database.query('UPDATE clients SET created_at = $2 WHERE id = $1', [
        id,
        addSeconds(world.clock.now(), -days * A_DAY),
      ]);

    it('a client that nobody has used for 30 days is removed; one that a person has consented to stays', async () => {
      const [unused, fresh, used] = [await register(WEB), await register(WEB), await register(WEB)].map(
        clientOf,
      );
      if (!unused || !fresh || !used) throw new Error('three were registered');
      await consentedCode(world, used);
      // what it was authorized for has ended since
      await database.query('DELETE FROM authorizations WHERE client_id = $1', [used.id]);
      await aged(unused.id, 31);
      await aged(fresh.id, 29);
      await aged(used.id, 31);
      await sweep();
      expect([await row(unused.id), (await row(fresh.id))?.['id'], (await row(used.id))?.['id']]).toEqual([
        undefined,
        fresh.id,
        used.id,
      ]);
    });

    it('a machine, which leaves no trace of its coming, stays', async () => {
      const machine = { grant_types: ['client_credentials'], scope: 'projects:read' };
      const { body } = await register(machine, byToken, (await initialAccessToken()).token);
      await aged(String(body['client_id']), 400);
      await sweep();
      expect(await row(body['client_id'])).toBeDefined();
    });

    it('a client that was deleted is removed a day later, when nothing is left of it', async () => {
      const answer = await register(WEB);
      const { url, token } = managed(answer);
      await callRegistration(url, { method: 'DELETE', token });
      await sweep();
      const id = String(answer.body['client_id']);
      expect(await row(id)).toBeDefined();
      await aged(id, 2);
      await database.query("UPDATE clients SET disabled_at = disabled_at - interval '2 days' WHERE id = $1", [
        id,
      ]);
      await sweep();
      expect(await row(id)).toBeUndefined();
    });

    it('initial access tokens that have expired are removed', async () => {
      const { id } = await initialAccessToken(1, 1);
      const left = async () =>
        (await database.query('SELECT FROM initial_access_tokens WHERE id = $1', [id])).rowCount;
      await sweep();
      expect(await left()).toBe(1);
      await database.query(
        "UPDATE initial_access_tokens SET expires_at = now() - interval '1 day' WHERE id = $1",
        [id],
      );
      await sweep();
      expect(await left()).toBe(0);
    });

    it('past the limit registration answers temporarily_unavailable, uses no token up, and says when to try again', async () => {
      const { token } = await initialAccessToken();
      await database.query(
        `INSERT INTO clients (id, name, token_endpoint_auth_method, grant_types, scopes, source)
         SELECT 'filler-' || number, 'filler', 'none', '{}', '{}', 'registration' FROM generate_series(1, $1::int) number`,
        [MAX_UNASKED_CLIENTS],
      );
      for (const full of [await register(WEB), await register(WEB, byToken, token)]) {
        expect(full).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
        expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      await database.query("DELETE FROM clients WHERE id LIKE 'filler-%'");
      expect((await register(WEB, byToken, token)).status).toBe(201);
    });
  });
});
