import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { altered } from '../support/answers.js';
import { claimsOf, World, type TestClient, type Tokens } from '../support/world.js';

const INACTIVE = { active: false };

describe('introspection (RFC 7662)', () => {
  let world: World;
  let projects: TestClient;
  let reports: TestClient;
  let tokens: Tokens;

  beforeAll(async () => {
    world = await World.start();
    projects = world.client('projects');
    reports = world.client('reports');
    tokens = (await world.signedInClient()).tokens;
  });
  afterAll(() => world.stop());

  const introspected = async (client: TestClient, token: string) =>
    (await world.introspect(client, token)).body;

  it('§2.2: an active access token is described by its claims', async () => {
    const answer = await world.introspect(projects, tokens.access_token);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({ active: true, token_type: 'Bearer', ...claimsOf(tokens.access_token) });
  });

  it('§2.2: an active refresh token is described to its client', async () => {
    expect(await introspected(projects, tokens.refresh_token)).toEqual({
      active: true,
      client_id: 'projects',
      sub: world.id('member@acme.example'),
      scope: tokens.scope,
      exp: expect.any(Number),
    });
  });

  it('§2.1: the caller authenticates, and a public client may not ask', async () => {
    const open = await world.createClient({ id: 'open', secretSha256: null });
    expect(await world.introspect(open, tokens.access_token)).toMatchObject({
      status: 400,
      body: { error: 'unauthorized_client' },
    });
    const nobody = await fetch(`${world.url}/oauth2/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ token: tokens.access_token }),
    });
    expect(nobody.status).toBe(401);
  });

  it('§4: a token is described to the client that has it and to the modules that it is meant for, to nobody else', async () => {
    const stranger = await world.createClient({ id: 'stranger' });
    expect(await introspected(stranger, tokens.access_token)).toEqual(INACTIVE);
    expect(await introspected(reports, tokens.access_token)).toEqual(INACTIVE);
    expect(await introspected(reports, tokens.refresh_token)).toEqual(INACTIVE);
    const crossing = await world.token(reports, { grant_type: 'client_credentials', scope: 'projects:read' });
    expect(await introspected(projects, String(crossing.body['access_token']))).toMatchObject({
      active: true,
    });
  });

  it.each([
    ['unknown', () => 'nothing'],
    ['altered', () => altered(tokens.access_token)],
    ['an ID token', () => tokens.id_token],
    ['unsigned', () => unsigned(tokens.access_token)],
    ['an altered refresh token', () => altered(tokens.refresh_token)],
  ])('§2.2: of a token that is %s nothing more than active: false is said', async (_, token) => {
    const answer = await world.introspect(projects, token());
    expect([answer.status, answer.body]).toEqual([200, INACTIVE]);
  });

  it('§2.2: an expired access token is inactive', async () => {
    const { client, tokens: old } = await world.signedInClient('owner@acme.example');
    world.clock.advance(86_399_000);
    expect(await introspected(client, old.access_token)).toMatchObject({ active: true });
    world.clock.advance(2000);
    expect(await introspected(client, old.access_token)).toEqual(INACTIVE);
  });

  it("§2.2: so is a machine's, behind which nothing else ends, though it was found right before", async () => {
    const { body } = await world.token(projects, {
      grant_type: 'client_credentials',
      scope: 'projects:read',
    });
    const token = String(body['access_token']);
    world.clock.advance(86_399_000);
    expect(await introspected(projects, token)).toMatchObject({ active: true });
    world.clock.advance(2000);
    expect(await introspected(projects, token)).toEqual(INACTIVE);
  });

  it('§2.2: a rotated refresh token is inactive, its successor is active', async () => {
    const { client, tokens: first } = await world.signedInClient('owner@acme.example');
    const { body } = await world.refresh(client, first.refresh_token);
    expect(await introspected(client, first.refresh_token)).toEqual(INACTIVE);
    expect(await introspected(client, String(body['refresh_token']))).toMatchObject({ active: true });
  });

  it('§2.2: what was revoked, signed out or disabled is inactive at once', async () => {
    const revoked = await world.signedInClient();
    await world.revoke(projects, revoked.tokens.access_token);
    expect(await introspected(projects, revoked.tokens.access_token)).toEqual(INACTIVE);
    expect(await introspected(projects, revoked.tokens.refresh_token)).toEqual(INACTIVE);

    const left = await world.signedInClient();
    await left.browser.submit('/sign-out', '/sign-out', {});
    expect(await introspected(projects, left.tokens.access_token)).toEqual(INACTIVE);

    await world.createPerson('leaver@acme.example', 'Lee Leaver', { acme: 'member' });
    const leaver = await world.signedInClient('leaver@acme.example');
    await world.accounts.disableUser(world.id('leaver@acme.example'), 'test');
    expect(await introspected(projects, leaver.tokens.access_token)).toEqual(INACTIVE);
    expect(await introspected(projects, leaver.tokens.refresh_token)).toEqual(INACTIVE);
  });

  it('§2.1: a token that is missing, too long or sent twice is invalid_request', async () => {
    for (const fields of ['', 'token=', 'token=a&token=b', `token=${'x'.repeat(9000)}`]) {
      const response = await fetch(`${world.url}/oauth2/introspect`, {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { authorization: `Basic ${Buffer.from(`projects:${projects.secret}`).toString('base64')}` },
      });
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: 'invalid_request', error_description: expect.any(String) },
      ]);
    }
  });
});

function unsigned(token: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
  return `${header}.${token.split('.')[1]}.x`;
}
