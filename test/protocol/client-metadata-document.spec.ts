import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { Client } from 'pg';
import { EventStream } from '#events';
import { MAX_UNASKED_CLIENTS } from '#oauth';
import { addSeconds } from '#platform';
import { Sweeper } from '../../apps/server/sweeper.js';
import { eventually, parametersOf } from '../support/answers.js';
import { DocumentServer, type ServedDocument } from '../support/document-server.js';
import { consentedCode } from '../support/registering.js';
import { World, type TestClient } from '../support/world.js';

const REDIRECT = 'https://app.example/callback';
const SETTING = { CORE_AUTH_CLIENT_ID_METADATA_DOCUMENTS: 'on' };
const UNKNOWN = 'is not known to this server';
const A_DAY = 86_400;

/** Sections are those of draft-ietf-oauth-client-id-metadata-document-02. */
describe('client ID metadata documents', () => {
  let world: World;
  let host: DocumentServer;
  let database: Client;
  let count = 0;

  beforeAll(async () => {
    host = await DocumentServer.start();
    world = await World.start({ env: SETTING });
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await world.stop();
    await host.stop();
  });

  /** A document at an address of its own, and the client that it makes. */
  const publish = (
    members: Readonly<Record<string, unknown>> = {},
    served: Partial<ServedDocument> = {},
  ): TestClient & { path: string } => {
    const path = `/client-${(count += 1)}`;
    const id = host.url(path);
    const document = { client_id: id, client_name: 'Some App', redirect_uris: [REDIRECT], ...members };
    host.documents.set(path, { body: JSON.stringify(document), ...served });
    const [redirectUri = ''] = document.redirect_uris;
    return { id, secret: undefined, redirectUri, path };
  };
  const authorize = async (client: TestClient, node = world) =>
    fetch(node.url + world.authorizationRequest(client, { scope: 'openid' }).path, {
      redirect: 'manual',
      headers: { accept: 'application/json' },
    });
  /** Whoever is known is sent to sign in. */
  const expectKnown = async (client: TestClient) => {
    const answer = await authorize(client);
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      expect.stringMatching(/^\/sign-in\?/),
    ]);
  };
  /** Nobody is sent anywhere. */
  const expectRefused = async (client: TestClient, status: number, says: string, node = world) => {
    const answer = await authorize(client, node);
    expect([answer.status, answer.headers.get('location')]).toEqual([status, null]);
    expect(await answer.text()).toContain(says);
  };
  const row = async (id: string) =>
    (await database.query<Record<string, unknown>>('SELECT * FROM clients WHERE id = $1', [id])).rows[0];

  it('without the setting no document is asked for, and discovery does not promise it', async () => {
    const without = await World.start({ beside: world });
    const client = publish();
    await expectRefused(client, 400, UNKNOWN, without);
    const found = await (await fetch(`${without.url}/.well-known/openid-configuration`)).json();
    await without.stop();
    expect(host.timesAsked(client.path)).toBe(0);
    expect(found).not.toHaveProperty('client_id_metadata_document_supported');
  });

  it('§6: discovery says that such clients may come, and that they need no secret', async () => {
    const found = (await (await fetch(`${world.url}/.well-known/oauth-authorization-server`)).json()) as {
      token_endpoint_auth_methods_supported: string[];
    };
    expect(found).toMatchObject({ client_id_metadata_document_supported: true });
    expect(found.token_endpoint_auth_methods_supported).toEqual(
      expect.arrayContaining(['none', 'private_key_jwt']),
    );
  });

  it('a client that nobody has registered signs a person in, refreshes, and is told who it was', async () => {
    const client = publish({
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid profile x:y',
    });
    const { status, body } = await world.exchange(client, await consentedCode(world, client));
    expect([status, body['scope']]).toEqual([200, 'openid profile']);
    expect((await world.refresh(client, String(body['refresh_token']))).status).toBe(200);
    const info = await fetch(`${world.url}/oauth2/userinfo`, {
      headers: { authorization: `Bearer ${String(body['access_token'])}` },
    });
    expect(await info.json()).toMatchObject({ name: 'Max Member' });
  });

  it('§8.5: the person sees the host of the client_id, and where the answer goes', async () => {
    const client = publish();
    const browser = await world.signIn('owner@acme.example');
    const { path } = world.authorizationRequest(client, { scope: 'openid' });
    const page = await browser.get((await browser.get(path)).headers.get('location') ?? '');
    const text = (await page.text()).replace(/<[^>]+>/g, '');
    expect(text).toContain(new URL(client.id).host);
    expect(text).toContain('The answer goes to app.example.');
  });

  it('a client on the person’s own computer is shown with a warning; its port may differ (RFC 8252 §7.3)', async () => {
    const client = publish({ redirect_uris: ['http://127.0.0.1/callback'] });
    const there = { ...client, redirectUri: 'http://127.0.0.1:49152/callback' };
    const browser = await world.signIn('owner@acme.example');
    const { path } = world.authorizationRequest(there, { scope: 'openid' });
    const page = await browser.get((await browser.get(path)).headers.get('location') ?? '');
    expect(await page.text()).toContain('a program on your own computer');
    expect((await world.exchange(there, await consentedCode(world, there))).status).toBe(200);
  });

  describe('§4: the document', () => {
    it.each([
      ['members that nobody knows', { 'x-color': 'green', logo: { deep: true } }],
      [
        'grants and responses of other servers',
        { grant_types: ['authorization_code', 'urn:x'], response_types: ['code', 'token'] },
      ],
      [
        'redirect URIs that are not for this server',
        { redirect_uris: [REDIRECT, 'someapp:/x', 'http://app.example/'] },
      ],
      ['no name', { client_name: undefined }],
    ])('%s do no harm', async (_, members) => expectKnown(publish(members)));

    it.each(['application/json; charset=utf-8', 'application/vnd.client+json'])('%s will do', async (type) =>
      expectKnown(publish({}, { headers: { 'content-type': type } })),
    );

    const invalid: readonly [string, Record<string, unknown>, Partial<ServedDocument>][] = [
      ['another client_id', { client_id: 'https://app.example/client' }, {}],
      ['no client_id', { client_id: undefined }, {}],
      ['a client_id that differs by an ending slash', { client_id: 'x/' }, {}],
      ['no redirect URI', { redirect_uris: [] }, {}],
      ['§4.1: a method by secret', { token_endpoint_auth_method: 'client_secret_basic' }, {}],
      ['§4.1: a secret', { client_secret: 'x' }, {}],
      ['§4.1: a secret that expires', { client_secret_expires_at: 0 }, {}],
      ['§4.1: a private key', { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }, {}],
      ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }, {}],
      ['no scope that is to be had here', { scope: 'x:y' }, {}],
      ['HTML', {}, { headers: { 'content-type': 'text/html' } }],
      ['no type', {}, { headers: {} }],
      ['no JSON', {}, { body: '<html>' }],
      ['a list', {}, { body: '[]' }],
      ['§5: another status', {}, { status: 201 }],
      [
        '§5: a redirect',
        {},
        { status: 302, headers: { location: '/client-1', 'content-type': 'application/json' } },
      ],
      ['§5: nothing', {}, { status: 404 }],
    ];
    it.each(invalid)('with %s makes no client', async (_, members, served) => {
      await expectRefused(publish(members, served), 400, 'invalid_client');
      expect(host.timesAsked('/client-1')).toBeLessThan(2);
    });

    it.each([
      ['§8.7: that is too long', { x: 'x'.repeat(20_000) }, {}],
      ['that cannot be had', {}, { status: 503 }],
    ])('%s makes no client either, and is no failure of this server', async (_, members, served) => {
      await expectRefused(publish(members, served), 400, 'invalid_client');
    });

    it('that does not come in time is given up', async () => {
      const client = publish();
      host.documents.set(client.path, undefined);
      const began = Date.now();
      await expectRefused(client, 400, 'cannot be read at the moment');
      expect(Date.now() - began).toBeLessThan(5000);
    });
  });

  describe('§3: the client_id', () => {
    it.each([
      ['http elsewhere', 'http://app.example/client'],
      ['no path', 'https://app.example'],
      ['a fragment', 'https://app.example/client#x'],
      ['user information', 'https://me@app.example/client'],
      ['dots', 'https://app.example/a/../client'],
    ])('with %s is none, and nothing is asked for', async (_, id) =>
      expectRefused({ id, secret: undefined, redirectUri: REDIRECT }, 400, UNKNOWN),
    );

    it.each([
      'https://127.0.0.1/client',
      'https://10.0.0.1/client',
      'https://[::1]/client',
      'https://localhost/client',
    ])(
      '§8.6: %s, which lies in a network of our own, is not called unless a setting allows it',
      async (id) => {
        const strict = await World.start({
          beside: world,
          env: { ...SETTING, CORE_AUTH_OUTBOUND_NETWORKS: '' },
        });
        const answer = await authorize({ id, secret: undefined, redirectUri: REDIRECT }, strict);
        await strict.stop();
        expect([answer.status, await answer.json()]).toEqual([
          400,
          { error: 'invalid_client', error_description: expect.stringContaining('cannot be asked') },
        ]);
      },
    );
  });

  it('RFC 9700 §2.1: the redirect URI is exactly one of the document’s', async () => {
    const client = publish();
    for (const redirectUri of [
      `${REDIRECT}/`,
      `${REDIRECT}?x=1`,
      'https://app.example/Callback',
      'https://evil.example/',
    ]) {
      await expectRefused({ ...client, redirectUri }, 400, 'not one that it registered');
    }
  });

  describe('§5.2: remembering', () => {
    const served = (headers: Record<string, string>) => ({
      headers: { 'content-type': 'application/json', ...headers },
    });
    it.each([
      ['a minute at least', { 'cache-control': 'no-store' }, 59, 61],
      ['as long as it says', { 'cache-control': 'max-age=600' }, 599, 601],
      ['a day at most', { 'cache-control': 'max-age=31536000' }, A_DAY - 1, A_DAY + 1],
    ])('a document is remembered %s', async (_, headers, still, over) => {
      const client = publish({}, served(headers));
      const start = world.clock.now();
      const asked = async (seconds: number) => {
        world.clock.set(addSeconds(start, seconds));
        await expectKnown(client);
        return host.timesAsked(client.path);
      };
      expect([await asked(0), await asked(still), await asked(over)]).toEqual([1, 1, 2]);
    });

    it('§5.2: what cannot be used is not remembered', async () => {
      const client = publish({ client_id: 'x' });
      await expectRefused(client, 400, 'invalid_client');
      const mended = { client_id: client.id, redirect_uris: [REDIRECT] };
      host.documents.set(client.path, { body: JSON.stringify(mended) });
      await expectKnown(client);
    });

    it('many who come at once ask once', async () => {
      const client = publish();
      await Promise.all(Array.from({ length: 20 }, () => expectKnown(client)));
      expect(host.timesAsked(client.path)).toBe(1);
    });

    it('who makes this server fetch is limited by network, whichever address they take; who is known is not, nor is anybody else', async () => {
      const limited = await World.start({
        beside: world,
        env: {
          ...SETTING,
          CORE_AUTH_RATE_LIMIT_DOCUMENTS: '3',
          CORE_AUTH_TRUSTED_PROXIES: '127.0.0.0/8,::1/128',
        },
      });
      const from = async (ip: string, client: TestClient, way: 'get' | 'post' | 'page' = 'get') => {
        const { path, parameters } = world.authorizationRequest(client, { scope: 'openid' });
        const address = way === 'page' ? `/sign-in?${new URLSearchParams({ return_to: path })}` : path;
        return fetch(limited.url + (way === 'post' ? '/oauth2/authorize' : address), {
          method: way === 'post' ? 'POST' : 'GET',
          ...(way === 'post' ? { body: new URLSearchParams(parameters) } : {}),
          redirect: 'manual',
          headers: { accept: 'application/json', 'x-forwarded-for': ip },
        });
      };
      try {
        const [first, second, third, late] = [publish(), publish(), publish(), publish()];
        expect((await from('2001:db8::1', first)).status).toBe(303);
        expect((await from('2001:db8::2', second, 'post')).status).toBe(303);
        expect((await from('2001:db8::3', third, 'page')).status).toBe(200);
        for (const way of ['get', 'post', 'page'] as const) {
          const refused = await from('2001:db8::4', late, way);
          expect([way, refused.status, await refused.json()]).toEqual([
            way,
            429,
            { error: 'too_many_requests', error_description: expect.any(String) },
          ]);
          expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
        }
        expect(host.timesAsked(late.path)).toBe(0);
        for (const known of [first, second, third, world.client('projects')])
          expect((await from('2001:db8::5', known)).status).toBe(303);
        // at once, whichever comes first: the limit of one is not that of the other
        for (let other = 1; other <= 20; other += 1) {
          const client = publish();
          const [, allowed] = await Promise.all([
            from('2001:db8::6', client),
            from(`2001:db8:0:${other}::1`, client),
          ]);
          expect(allowed.status).toBe(303);
        }
      } finally {
        await limited.stop();
      }
    });

    it('one host is not asked at any rate, however many documents it is said to have', async () => {
      const other = await DocumentServer.start();
      const answers: number[] = [];
      for (let number = 0; number < 70; number += 1) {
        const id = other.url(`/none-${number}`);
        answers.push((await authorize({ id, secret: undefined, redirectUri: REDIRECT })).status);
      }
      const { length } = other.asked;
      await other.stop();
      expect(length).toBe(60);
      expect(new Set(answers.slice(0, 60))).toEqual(new Set([400]));
      expect(new Set(answers.slice(60))).toEqual(new Set([503]));
    });
  });

  describe('§8.2: a client with a key', () => {
    let key: CryptoKey;
    let client: TestClient;
    beforeAll(async () => {
      const pair = await generateKeyPair('ES256', { extractable: true });
      key = pair.privateKey;
      client = publish({
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one' }] },
      });
    });
    const assertion = () =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuer(client.id)
        .setSubject(client.id)
        .setAudience(world.url)
        .setJti(crypto.randomUUID())
        .setIssuedAt(Math.floor(world.clock.now().getTime() / 1000))
        .setExpirationTime(Math.floor(world.clock.now().getTime() / 1000) + 60)
        .sign(key);

    it('must authenticate by it', async () => {
      const code = await consentedCode(world, client);
      const fields = {
        grant_type: 'authorization_code',
        code: code.code,
        code_verifier: code.verifier,
        redirect_uri: client.redirectUri,
      };
      expect((await world.token(client, fields)).body['error']).toBe('invalid_client');
      const answer = await world.token(client, {
        ...fields,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await assertion(),
      });
      expect(answer.status).toBe(200);
    });
  });

  describe('what is kept of it', () => {
    const sweep = () => world.app.get(Sweeper).sweep();
    const aged = (id: string) =>
      database.query('UPDATE clients SET created_at = $2 WHERE id = $1', [
        id,
        addSeconds(world.clock.now(), -2 * A_DAY),
      ]);
    const push = (client: TestClient) =>
      world.call('/oauth2/par', client, world.authorizationRequest(client, { scope: 'openid' }).parameters);
    beforeEach(() => world.clock.set(new Date()));

    it('nothing, until a person consents or the client pushes a request', async () => {
      const [asked, pushed] = [publish(), publish()];
      await expectKnown(asked);
      expect(await row(asked.id)).toBeUndefined();
      expect((await push(pushed)).status).toBe(201);
      expect(await row(pushed.id)).toMatchObject({ source: 'metadata_document', first_party: false });
      await consentedCode(world, asked);
      expect(await row(asked.id)).toMatchObject({ source: 'metadata_document', name: 'Some App' });
    });

    it('a change of it is told and audited, whatever changed; the same again is not', async () => {
      const client = publish({ scope: 'openid' });
      const acts = async () =>
        (
          await database.query<{ act: string }>(
            'SELECT act FROM audit_events WHERE target = $1 ORDER BY id',
            [client.id],
          )
        ).rows.map(({ act }) => act);
      const told = async () =>
        (
          await database.query("SELECT FROM outbox WHERE kind = 'client-changed' AND subject = $1", [
            client.id,
          ])
        ).rowCount;
      await push(client);
      await push(client);
      expect([await acts(), await told()]).toEqual([['client.register'], 1]);
      const document = { client_id: client.id, client_name: 'Some App', redirect_uris: [REDIRECT] };
      for (const [index, more] of [
        { scope: 'openid email' },
        { scope: 'openid email', backchannel_logout_uri: 'https://93.184.216.34/logout' },
      ].entries()) {
        host.documents.set(client.path, { body: JSON.stringify({ ...document, ...more }) });
        world.clock.advance(A_DAY * 1000);
        expect((await push(client)).status).toBe(201);
        expect([(await acts()).at(-1), await told()]).toEqual(['client.replace', index + 2]);
      }
    });

    it('a row that nothing refers to is removed; one that a person has consented to stays', async () => {
      const [asked, pushed] = [publish(), publish()];
      await consentedCode(world, asked);
      await push(pushed);
      for (const { id } of [asked, pushed]) await aged(id);
      await sweep();
      expect(await row(pushed.id)).toBeDefined();
      await database.query('DELETE FROM pushed_requests WHERE client_id = $1', [pushed.id]);
      await sweep();
      expect([(await row(asked.id))?.['id'], await row(pushed.id)]).toEqual([asked.id, undefined]);
    });

    it('a client that an administrator has disabled stays out, and its row is not removed', async () => {
      const client = publish();
      const { body } = await world.exchange(client, await consentedCode(world, client));
      await world.clients.disable(client.id, world.clock.now(), 'test');
      await world.heard();
      await expectRefused(client, 400, UNKNOWN);
      expect((await world.refresh(client, String(body['refresh_token']))).status).toBe(401);
      await database.query('DELETE FROM authorizations WHERE client_id = $1', [client.id]);
      await database.query('DELETE FROM consents WHERE client_id = $1', [client.id]);
      await aged(client.id);
      await sweep();
      expect(await row(client.id)).toBeDefined();
      await expectRefused(client, 400, UNKNOWN);
    });

    it('a node that hears of nothing asks the database whether a client is disabled, and no document for it', async () => {
      const client = publish();
      await consentedCode(world, client);
      const deaf = await World.start({ beside: world, env: SETTING });
      try {
        expect((await authorize(client, deaf)).status).toBe(303);
        const asked = host.timesAsked(client.path);
        const stream = deaf.app.get(EventStream);
        await stream.beforeApplicationShutdown();
        await eventually(() => (stream.isCurrent() ? undefined : true), 'the silence');
        expect((await authorize(client, deaf)).status).toBe(303);
        await world.clients.disable(client.id, world.clock.now(), 'test');
        await expectRefused(client, 400, UNKNOWN, deaf);
        expect(host.timesAsked(client.path)).toBe(asked);
      } finally {
        await deaf.stop();
      }
    });

    it('a client that is disabled while its document is on the way is not remembered', async () => {
      let release!: (value?: unknown) => void;
      const client = publish({}, { after: new Promise((resolve) => (release = resolve)) });
      await database.query(
        `INSERT INTO clients (id, name, token_endpoint_auth_method, grant_types, scopes, source)
         VALUES ($1, 'Some App', 'none', '{authorization_code}', '{openid}', 'metadata_document')`,
        [client.id],
      );
      const asking = authorize(client);
      await eventually(() => host.timesAsked(client.path) || undefined, 'the request for the document');
      await world.clients.disable(client.id, world.clock.now(), 'test');
      await world.heard();
      release();
      await asking;
      await expectRefused(client, 400, UNKNOWN);
    });

    it('the scripts of its address may call the token endpoint once it is known', async () => {
      const origin = 'https://spa-by-document.example';
      const client = publish({ redirect_uris: [`${origin}/callback`] });
      await consentedCode(world, client);
      await world.heard();
      const answer = await fetch(`${world.url}/oauth2/token`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    });

    it('past the limit no more are kept, and those that are go on', async () => {
      const [known, late] = [publish(), publish()];
      await push(known);
      await database.query(
        `INSERT INTO clients (id, name, token_endpoint_auth_method, grant_types, scopes, source)
         SELECT 'https://filler.example/' || number, 'filler', 'none', '{}', '{}', 'metadata_document'
           FROM generate_series(1, $1::int) number`,
        [MAX_UNASKED_CLIENTS],
      );
      expect((await push(late)).body['error']).toBe('temporarily_unavailable');
      expect((await push(known)).status).toBe(201);
      await database.query("DELETE FROM clients WHERE id LIKE 'https://filler.example/%'");
      expect((await push(late)).status).toBe(201);
    });

    it('the error that a client makes goes back to it, as to any other', async () => {
      const client = publish();
      const { path } = world.authorizationRequest(client, { scope: 'openid', prompt: 'none' });
      const answer = await fetch(world.url + path, { redirect: 'manual' });
      expect(parametersOf(answer)).toMatchObject({ error: 'login_required', iss: world.url });
    });
  });
});
