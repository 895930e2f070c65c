import { isBackground } from '../support/statement-log.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPublicKey, randomBytes, verify, type JsonWebKey } from 'node:crypto';
import { Database, sql } from '#platform';
import { OpaqueTokens } from '#tokens';
import { altered } from '../support/answers.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { claimsOf, World, type Answer, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';
const INVALID_GRANT = { status: 400, body: { error: 'invalid_grant' } };

describe('the exchange of a code (RFC 6749 §4.1.3)', () => {
  let world: World;
  let projects: TestClient;
  let spa: TestClient;
  let member: HttpBrowser;

  beforeAll(async () => {
    world = await World.start({ logStatements: true });
    projects = world.client('projects');
    spa = await world.createClient({ id: 'spa', secretSha256: null });
    member = await world.signIn(MEMBER);
  });
  afterAll(() => world.stop());

  const code = (extra: Readonly<Record<string, string>> = {}, client = projects) =>
    world.code(client, member, extra);
  const good = ({ code, verifier }: { code: string; verifier: string }, client = projects) => ({
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: client.redirectUri,
  });
  const isActive = async (answer: Answer, client = projects) =>
    (await world.introspect(client, String(answer.body['access_token']))).body['active'];

  it('§5.1: the answer is not stored by anybody and names type, lifetime and scope', async () => {
    const answer = await world.exchange(projects, await code({ scope: 'openid projects:read' }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 86_400,
      scope: 'openid projects:read',
      refresh_token: expect.any(String),
      id_token: expect.any(String),
    });
  });

  it('RFC 9068 §2: the access token is a JWT of type at+jwt with its claims, for the modules concerned', async () => {
    const { body } = await world.exchange(projects, await code());
    const [header = '', payload = '', signature = ''] = String(body['access_token']).split('.');
    const { typ, alg, kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<
      string,
      string
    >;
    expect([typ, alg]).toEqual(['at+jwt', 'ES256']);
    const claims = claimsOf(String(body['access_token']));
    const now = Math.floor(world.clock.now().getTime() / 1000);
    const [acme] = await world.app.get(Database).query<{ version: string }>(sql`
      SELECT license_version AS version FROM organizations WHERE id = ${world.id('acme')}`);
    expect(claims).toEqual({
      iss: world.url,
      sub: world.id(MEMBER),
      aud: ['https://projects.example', world.url],
      client_id: 'projects',
      iat: now,
      exp: now + 86_400,
      jti: expect.any(String),
      scope: 'openid profile email projects:read',
      sid: expect.any(String),
      authorization_id: expect.any(String),
      organization_id: world.id('acme'),
      organization: 'acme',
      roles: ['member'],
      license_version: Number(acme?.version),
      modules: ['projects'],
    });
    const { keys } = (await (await fetch(`${world.url}/oauth2/jwks`)).json()) as {
      keys: (JsonWebKey & { kid: string })[];
    };
    const key = keys.find((candidate) => candidate.kid === kid);
    expect(
      verify(
        'sha256',
        Buffer.from(`${header}.${payload}`),
        { key: createPublicKey({ key: key ?? {}, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      ),
    ).toBe(true);
  });

  it('OpenID Connect Core §2, §3.1.3.6: the ID token is for the client, echoes the nonce and hashes the access token', async () => {
    const { nonce, ...exchange } = await code({ scope: 'openid profile email projects:read' });
    const { body } = await world.exchange(projects, exchange);
    const claims = claimsOf(String(body['id_token']));
    const digest = await crypto.subtle.digest('SHA-256', Buffer.from(String(body['access_token'])));
    expect(claims).toMatchObject({
      iss: world.url,
      sub: world.id(MEMBER),
      aud: 'projects',
      nonce,
      at_hash: Buffer.from(digest).subarray(0, 16).toString('base64url'),
      name: 'Max Member',
      email: MEMBER,
      amr: ['pwd'],
      organization_id: world.id('acme'),
      organization: 'acme',
      organization_name: 'Acme Corporation',
      sid: claimsOf(String(body['access_token']))['sid'],
    });
    expect(Number(claims['exp'])).toBeGreaterThan(Number(claims['iat']));
  });

  it('OpenID Connect Core §5.4: without profile and email the ID token has neither; without openid there is none', async () => {
    const bare = await world.exchange(projects, await code({ scope: 'openid' }));
    const claims = claimsOf(String(bare.body['id_token']));
    expect([claims['name'], claims['email']]).toEqual([undefined, undefined]);
    const none = await world.exchange(projects, await code({ scope: 'projects:read' }));
    expect(none.body).not.toHaveProperty('id_token');
    expect(claimsOf(String(none.body['access_token']))['aud']).toEqual(['https://projects.example']);
  });

  it('OpenID Connect Core §2: without a nonce in the request there is none in the ID token', async () => {
    const { parameters, verifier } = world.authorizationRequest(projects);
    delete parameters['nonce'];
    const response = await member.get(`/oauth2/authorize?${new URLSearchParams(parameters)}`);
    const text = new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? '';
    const { body } = await world.exchange(projects, { code: text, verifier });
    expect(claimsOf(String(body['id_token']))).not.toHaveProperty('nonce');
  });

  it('OpenID Connect Core §15.1: RS256 is there for the ID tokens of clients that want it; ES256 is the default', async () => {
    const rsa = await world.createClient({ id: 'rsa', idTokenAlgorithm: 'RS256' });
    for (const [client, alg] of [
      [rsa, 'RS256'],
      [projects, 'ES256'],
    ] as const) {
      const { body } = await world.exchange(client, await world.code(client, member));
      const header = Buffer.from(String(body['id_token']).split('.')[0] ?? '', 'base64url').toString();
      expect(JSON.parse(header)).toMatchObject({ alg, typ: 'JWT' });
    }
  });

  it('OAuth 2.1 §4.1.3: a code works once; used again it is refused and what it gave is revoked', async () => {
    const exchange = await code();
    const first = await world.exchange(projects, exchange);
    expect(await isActive(first)).toBe(true);
    expect(await world.exchange(projects, exchange)).toMatchObject(INVALID_GRANT);
    expect(await isActive(first)).toBe(false);
    expect(await world.refresh(projects, String(first.body['refresh_token']))).toMatchObject(INVALID_GRANT);
  });

  it('OAuth 2.1 §4.1.3: the reuse of one code leaves other authorizations of the same session alone', async () => {
    const other = await world.exchange(projects, await code());
    const exchange = await code();
    await world.exchange(projects, exchange);
    await world.exchange(projects, exchange);
    expect(await isActive(other)).toBe(true);
  });

  it('§4.1.2: a code expires after five minutes, whatever the client would like', async () => {
    const patient = await world.createClient({ id: 'patient', codeSeconds: 3600 });
    const [inTime, late] = [await world.code(patient, member), await world.code(patient, member)];
    world.clock.advance(299_000);
    expect((await world.exchange(patient, inTime)).status).toBe(200);
    world.clock.advance(2000);
    expect(await world.exchange(patient, late)).toMatchObject(INVALID_GRANT);
  });

  it('an access token expires after 24 hours, whatever the client would like', async () => {
    const patient = await world.createClient({ id: 'very-patient', accessTokenSeconds: 172_800 });
    const { body } = await world.exchange(patient, await world.code(patient, member));
    const { iat, exp } = claimsOf(String(body['access_token']));
    expect([body['expires_in'], Number(exp) - Number(iat)]).toEqual([86_400, 86_400]);
  });

  it('a client may have a shorter code, and a shorter access token', async () => {
    const hasty = await world.createClient({ id: 'hasty', codeSeconds: 60, accessTokenSeconds: 600 });
    const late = await world.code(hasty, member);
    expect((await world.exchange(hasty, await world.code(hasty, member))).body['expires_in']).toBe(600);
    world.clock.advance(61_000);
    expect(await world.exchange(hasty, late)).toMatchObject(INVALID_GRANT);
  });

  it('RFC 7636 §4.6: a wrong verifier is invalid_grant and spends nothing', async () => {
    const exchange = await code();
    const wrong = { ...exchange, verifier: 'x'.repeat(43) };
    expect(await world.exchange(projects, wrong)).toMatchObject(INVALID_GRANT);
    expect((await world.exchange(projects, exchange)).status).toBe(200);
  });

  it('RFC 7636 §4.6: no verifier is invalid_grant and spends nothing', async () => {
    const exchange = await code();
    const { status, body } = await world.token(projects, {
      grant_type: 'authorization_code',
      code: exchange.code,
      redirect_uri: projects.redirectUri,
    });
    expect([status, body['error']]).toEqual([400, 'invalid_grant']);
    expect((await world.exchange(projects, exchange)).status).toBe(200);
  });

  it('RFC 7636 §4.1: a verifier that is not 43 to 128 unreserved characters is refused and spends nothing', async () => {
    const exchange = await code();
    for (const verifier of ['x'.repeat(42), 'x'.repeat(129), `${'x'.repeat(42)}é`, `${'x'.repeat(42)}+`]) {
      expect(await world.exchange(projects, { ...exchange, verifier })).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      });
    }
    expect((await world.exchange(projects, exchange)).status).toBe(200);
  });

  it('§4.1.3: a code of another client is refused, and stays good for its own', async () => {
    const exchange = await code();
    const reports = { ...world.client('reports'), redirectUri: projects.redirectUri };
    expect(await world.exchange(reports, exchange)).toMatchObject(INVALID_GRANT);
    expect((await world.exchange(projects, exchange)).status).toBe(200);
  });

  it('§4.1.3: another redirect URI than that of the request is refused and spends nothing; OAuth 2.1: none is needed', async () => {
    const exchange = good(await code());
    const other = { ...exchange, redirect_uri: 'https://projects.example/other' };
    expect(await world.token(projects, other)).toMatchObject(INVALID_GRANT);
    const without = { ...exchange, redirect_uri: '' };
    expect((await world.token(projects, without)).status).toBe(200);
  });

  it('a public client exchanges its code by its verifier alone', async () => {
    const exchange = await code({}, spa);
    expect(await world.exchange(spa, { ...exchange, verifier: 'y'.repeat(43) })).toMatchObject(INVALID_GRANT);
    expect((await world.exchange(spa, exchange)).status).toBe(200);
  });

  it('a client without the refresh grant gets no refresh token', async () => {
    const once = await world.createClient({ id: 'once', grantTypes: ['authorization_code'] });
    const answer = await world.exchange(once, await world.code(once, member));
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty('refresh_token');
  });

  it('a code is refused when its session has ended meanwhile', async () => {
    const browser = await world.signIn(MEMBER);
    const exchange = await world.code(projects, browser);
    await browser.submit('/sign-out', '/sign-out', {});
    expect(await world.exchange(projects, exchange)).toMatchObject(INVALID_GRANT);
  });

  it('a code is refused when its person was disabled meanwhile', async () => {
    await world.createPerson('leaver@acme.example', 'Lee Leaver', { acme: 'member' });
    const exchange = await world.code(projects, await world.signIn('leaver@acme.example'));
    await world.accounts.disableUser(world.id('leaver@acme.example'), 'test');
    expect(await world.exchange(projects, exchange)).toMatchObject(INVALID_GRANT);
  });

  it('without a license the exchange is refused with access_denied and spends nothing: it works once the license is back', async () => {
    const exchange = await code();
    await world.licenses.changeStatus(world.id('license:acme:projects'), 'suspended', 'test');
    const refused = await world.exchange(projects, exchange);
    expect(refused).toMatchObject({ status: 400, body: { error: 'access_denied' } });
    expect(String(refused.body['error_description'])).toContain('Projects');
    await world.licenses.changeStatus(world.id('license:acme:projects'), 'issued', 'test');
    expect((await world.exchange(projects, exchange)).status).toBe(200);
  });

  it('a code that was altered or made up is refused before any statement', async () => {
    const exchange = await code();
    const parts = exchange.code.split('.');
    const made = [
      altered(exchange.code),
      parts.map((part, index) => (index === 1 ? altered(part) : part)).join('.'),
      parts.map((part, index) => (index === 2 ? '1' : part)).join('.'),
      parts.map((part, index) => (index === 3 ? altered(part) : part)).join('.'),
      parts.slice(0, 4).join('.'),
      `${exchange.code}.`,
      `${exchange.code}.x`,
      ['unknown', ...parts.slice(1)].join('.'),
      '....',
      'x',
      'x'.repeat(1024),
      "' OR 1=1 --",
    ];
    world.database.statements.clear();
    for (const text of made) {
      expect(await world.exchange(projects, { ...exchange, code: text })).toMatchObject(INVALID_GRANT);
    }
    expect(
      world.database.statements
        .take()
        .filter((statement) => !isBackground(statement) && statement.text.includes('authorizations')),
    ).toEqual([]);
    expect((await world.exchange(projects, exchange)).status).toBe(200);
  });

  it('the key of the server alone makes no token: without the secret of the row it is refused, and spends nothing', async () => {
    const exchange = await code();
    const tokens = world.app.get(OpaqueTokens);
    const forged = (type: 'code' | 'refresh_token', text: string) => {
      const read = tokens.read(type, text);
      if (!read) throw new Error(`no ${type}`);
      return tokens.mint(type, { ...read, rowSecret: randomBytes(16) });
    };
    const stolen = { ...exchange, code: forged('code', exchange.code) };
    expect(await world.exchange(projects, stolen)).toMatchObject(INVALID_GRANT);
    const { status, body } = await world.exchange(projects, exchange);
    expect(status).toBe(200);
    expect(await world.exchange(projects, stolen)).toMatchObject(INVALID_GRANT);
    const token = String(body['refresh_token']);
    const made = forged('refresh_token', token);
    expect(await world.refresh(projects, made)).toMatchObject(INVALID_GRANT);
    expect((await world.introspect(projects, made)).body).toEqual({ active: false });
    const { body: next } = await world.refresh(projects, token);
    world.clock.advance(11_000);
    // nor is it reuse, which would end what is somebody else's
    expect(await world.refresh(projects, made)).toMatchObject(INVALID_GRANT);
    expect((await world.refresh(projects, String(next['refresh_token']))).status).toBe(200);
  });

  it('a refresh token is no code and a code is no refresh token', async () => {
    const exchange = await code();
    const { body } = await world.exchange(projects, await code());
    expect(
      await world.exchange(projects, { ...exchange, code: String(body['refresh_token']) }),
    ).toMatchObject(INVALID_GRANT);
    expect(await world.refresh(projects, exchange.code)).toMatchObject(INVALID_GRANT);
    expect((await world.exchange(projects, exchange)).status).toBe(200);
    // nor a code that was used before, whose reuse would have ended it
    expect((await world.refresh(projects, String(body['refresh_token']))).status).toBe(200);
  });

  it('§5.2: an unknown grant type is unsupported_grant_type, the password grant among them (RFC 9700 §2.4)', async () => {
    for (const grant of ['password', 'implicit', 'toString', '__proto__', 'AUTHORIZATION_CODE']) {
      expect(
        await world.token(projects, { grant_type: grant, username: MEMBER, password: 'x' }),
      ).toMatchObject({
        status: 400,
        body: { error: 'unsupported_grant_type' },
      });
    }
  });

  it('§5.2: a parameter that is missing is invalid_request, and the answer is not stored', async () => {
    for (const fields of [
      {},
      { grant_type: '' },
      { grant_type: 'authorization_code' },
      { grant_type: 'refresh_token' },
    ]) {
      const answer = await world.token(projects, fields);
      expect(answer).toMatchObject({
        status: 400,
        body: { error: 'invalid_request', error_description: expect.any(String) },
      });
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('§5.2: a grant that the client does not have is unauthorized_client', async () => {
    const machine = await world.createClient({ id: 'machine', grantTypes: ['client_credentials'] });
    expect(await world.exchange(machine, await code())).toMatchObject({
      status: 400,
      body: { error: 'unauthorized_client' },
    });
  });
});
