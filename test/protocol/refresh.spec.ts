import { isBackground } from '../support/statement-log.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { altered } from '../support/answers.js';
import { claimsOf, World, type Answer, type TestClient } from '../support/world.js';

const INVALID_GRANT = { status: 400, body: { error: 'invalid_grant' } };

describe('refreshing (RFC 6749 §6, RFC 9700 §4.14)', () => {
  let world: World;
  let projects: TestClient;

  beforeAll(async () => {
    world = await World.start({ logStatements: true });
    projects = world.client('projects');
  });
  afterAll(() => world.stop());

  const start = async (email = 'member@acme.example') => (await world.signedInClient(email)).tokens;
  const refreshTokenOf = (answer: Answer) => String(answer.body['refresh_token']);
  const active = async (token: string, client = projects) =>
    (await world.introspect(client, token)).body['active'];

  it('§4.14.2: every refresh gives another refresh token; the access token is new, of the same authorization and scope', async () => {
    const tokens = await start();
    const answer = await world.refresh(projects, tokens.refresh_token);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(refreshTokenOf(answer)).not.toBe(tokens.refresh_token);
    const [before, after] = [claimsOf(tokens.access_token), claimsOf(String(answer.body['access_token']))];
    expect(after['jti']).not.toBe(before['jti']);
    for (const claim of [
      'sub',
      'aud',
      'client_id',
      'scope',
      'sid',
      'authorization_id',
      'organization_id',
      'roles',
    ]) {
      expect(after[claim]).toEqual(before[claim]);
    }
  });

  it('within 10 s of the rotation the same token gives the same successor again', async () => {
    const { refresh_token: token } = await start();
    const first = await world.refresh(projects, token);
    world.clock.advance(9_900);
    const again = await world.refresh(projects, token);
    expect(again.status).toBe(200);
    expect(refreshTokenOf(again)).toBe(refreshTokenOf(first));
    expect((await world.refresh(projects, refreshTokenOf(first))).status).toBe(200);
  });

  it('§4.14.2: after 10 s it is reuse: that authorization is revoked, and no other', async () => {
    const [tokens, others] = [await start(), await start()];
    const successor = await world.refresh(projects, tokens.refresh_token);
    world.clock.advance(10_100);
    expect(await world.refresh(projects, tokens.refresh_token)).toMatchObject(INVALID_GRANT);
    expect(await world.refresh(projects, refreshTokenOf(successor))).toMatchObject(INVALID_GRANT);
    expect(await active(tokens.access_token)).toBe(false);
    expect(await active(others.access_token)).toBe(true);
    expect((await world.refresh(projects, others.refresh_token)).status).toBe(200);
  });

  it('§4.14.2: the token before the last is reuse even within 10 s', async () => {
    const { refresh_token: first } = await start();
    const second = refreshTokenOf(await world.refresh(projects, first));
    const third = refreshTokenOf(await world.refresh(projects, second));
    expect(await world.refresh(projects, first)).toMatchObject(INVALID_GRANT);
    expect(await world.refresh(projects, third)).toMatchObject(INVALID_GRANT);
  });

  it('the retry window does not slide: retrying does not prolong it', async () => {
    const { refresh_token: token } = await start();
    await world.refresh(projects, token);
    world.clock.advance(6000);
    expect((await world.refresh(projects, token)).status).toBe(200);
    world.clock.advance(6000);
    expect(await world.refresh(projects, token)).toMatchObject(INVALID_GRANT);
  });

  it('the end of a refresh token is absolute: 30 days after the authorization, however often it was refreshed', async () => {
    const browser = await world.signIn('member@acme.example');
    const code = await world.code(projects, browser, { scope: 'openid offline_access projects:read' });
    let token = refreshTokenOf(await world.exchange(projects, code));
    for (let day = 5; day < 30; day += 5) {
      world.clock.advance(5 * 86_400_000);
      const answer = await world.refresh(projects, token);
      expect(answer.status).toBe(200);
      token = refreshTokenOf(answer);
    }
    world.clock.advance(5 * 86_400_000 - 1000);
    const last = await world.refresh(projects, token);
    expect(last.status).toBe(200);
    world.clock.advance(2000);
    expect(await world.refresh(projects, refreshTokenOf(last))).toMatchObject(INVALID_GRANT);
  });

  it('a client may have a shorter life of its refresh tokens, never a longer one', async () => {
    const short = await world.createClient({ id: 'short', refreshTokenSeconds: 3600 });
    const long = await world.createClient({ id: 'long', refreshTokenSeconds: 100 * 86_400 });
    const browser = await world.signIn('member@acme.example');
    // which no end of the session cuts short
    const offline = { scope: 'openid offline_access' };
    const ofShort = await world.exchange(short, await world.code(short, browser, offline));
    const ofLong = await world.exchange(long, await world.code(long, browser, offline));
    world.clock.advance(3_601_000);
    expect(await world.refresh(short, refreshTokenOf(ofShort))).toMatchObject(INVALID_GRANT);
    const renewed = await world.refresh(long, refreshTokenOf(ofLong));
    expect(renewed.status).toBe(200);
    world.clock.advance(30 * 86_400_000 - 3_601_000);
    expect(await world.refresh(long, refreshTokenOf(renewed))).toMatchObject(INVALID_GRANT);
  });

  it('§6: fewer scopes may be asked for, more may not; asking for fewer gives up none', async () => {
    const { refresh_token: token, scope } = await start();
    const narrow = await world.refresh(projects, token, { scope: 'projects:read' });
    expect(narrow.body['scope']).toBe('projects:read');
    expect(claimsOf(String(narrow.body['access_token']))['scope']).toBe('projects:read');
    const refused = await world.refresh(projects, refreshTokenOf(narrow), {
      scope: 'projects:read projects:write',
    });
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    const whole = await world.refresh(projects, refreshTokenOf(narrow));
    expect(whole.body['scope']).toBe(scope);
  });

  it('§6: a refused scope spends nothing', async () => {
    const { refresh_token: token } = await start();
    await world.refresh(projects, token, { scope: 'projects:write' });
    world.clock.advance(60_000);
    expect((await world.refresh(projects, token)).status).toBe(200);
  });

  it('§6, §10.4: a refresh token of another client is refused, and stays good for its own', async () => {
    const { refresh_token: token } = await start();
    expect(await world.refresh(world.client('reports'), token)).toMatchObject(INVALID_GRANT);
    world.clock.advance(60_000);
    const successor = await world.refresh(projects, token);
    expect(successor.status).toBe(200);
    world.clock.advance(60_000);
    expect(await world.refresh(world.client('reports'), token)).toMatchObject(INVALID_GRANT);
    expect((await world.refresh(projects, refreshTokenOf(successor))).status).toBe(200);
  });

  it("RFC 9700 §2.2.2: a public client's refresh tokens are rotated and reuse is found as well", async () => {
    const spa = await world.createClient({ id: 'spa', secretSha256: null });
    const { body } = await world.exchange(
      spa,
      await world.code(spa, await world.signIn('member@acme.example')),
    );
    const first = String(body['refresh_token']);
    const second = refreshTokenOf(await world.refresh(spa, first));
    expect(second).not.toBe(first);
    world.clock.advance(10_100);
    expect(await world.refresh(spa, first)).toMatchObject(INVALID_GRANT);
    expect(await world.refresh(spa, second)).toMatchObject(INVALID_GRANT);
  });

  it('OpenID Connect Core §12.2: a refreshed ID token keeps sub, aud, sid and auth_time, and has no nonce of another time', async () => {
    const tokens = await start();
    world.clock.advance(120_000);
    const { body } = await world.refresh(projects, tokens.refresh_token);
    const [before, after] = [claimsOf(tokens.id_token), claimsOf(String(body['id_token']))];
    for (const claim of ['iss', 'sub', 'aud', 'sid', 'auth_time'])
      expect(after[claim]).toEqual(before[claim]);
    expect(Number(after['iat'])).toBe(Number(before['iat']) + 120);
    expect(after).not.toHaveProperty('nonce');
  });

  it('without a license the refresh is refused with access_denied and spends nothing: it works once the license is back', async () => {
    const { refresh_token: token } = await start();
    await world.licenses.changeStatus(world.id('license:acme:projects'), 'suspended', 'test');
    expect(await world.refresh(projects, token)).toMatchObject({
      status: 400,
      body: { error: 'access_denied' },
    });
    world.clock.advance(60_000);
    await world.licenses.changeStatus(world.id('license:acme:projects'), 'issued', 'test');
    expect((await world.refresh(projects, token)).status).toBe(200);
  });

  it('a refresh token is refused once its session has ended, its person is disabled or has left the organization', async () => {
    const ended = await world.signedInClient();
    await ended.browser.submit('/sign-out', '/sign-out', {});
    expect(await world.refresh(projects, ended.tokens.refresh_token)).toMatchObject(INVALID_GRANT);
    await world.createPerson('leaver@acme.example', 'Lee Leaver', { acme: 'member' });
    const { tokens: leaver } = await world.signedInClient('leaver@acme.example');
    await world.accounts.disableUser(world.id('leaver@acme.example'), 'test');
    expect(await world.refresh(projects, leaver.refresh_token)).toMatchObject(INVALID_GRANT);
    expect(await active(leaver.access_token)).toBe(false);
  });

  it('a refresh token that was altered or made up is refused before any statement, and the real one stays good', async () => {
    const { refresh_token: token } = await start();
    const parts = token.split('.');
    const replaced = (at: number, by: string) =>
      parts.map((part, index) => (index === at ? by : part)).join('.');
    world.database.statements.clear();
    for (const text of [
      altered(token),
      replaced(1, altered(parts[1] ?? '')),
      replaced(2, '2'),
      replaced(2, '01'),
      replaced(3, altered(parts[3] ?? '')),
      replaced(4, ''),
      parts.slice(1).join('.'),
      'x'.repeat(1000),
    ]) {
      expect(await world.refresh(projects, text)).toMatchObject(INVALID_GRANT);
    }
    expect(
      world.database.statements
        .take()
        .filter((statement) => !isBackground(statement) && statement.text.includes('authorizations')),
    ).toEqual([]);
    expect((await world.refresh(projects, token)).status).toBe(200);
  });

  it('the database holds no token: neither the text nor a digest of it', async () => {
    const { refresh_token: token } = await start();
    const mac = Buffer.from(token.split('.')[4] ?? '', 'base64url');
    const { Client } = await import('pg');
    const client = new Client({ connectionString: world.database.url });
    await client.connect();
    const { rows } = await client.query<{ row: string }>('SELECT a::text AS row FROM authorizations a');
    await client.end();
    const all = rows.map(({ row }) => row).join('\n');
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(token)));
    for (const secret of [token, mac.toString('hex'), digest.toString('hex'), digest.toString('base64url')]) {
      expect(all).not.toContain(secret);
    }
  });
});
