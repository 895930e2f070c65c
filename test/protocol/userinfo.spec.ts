import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { altered } from '../support/answers.js';
import { World, type TestClient } from '../support/world.js';

describe('userinfo (OpenID Connect Core §5.3, RFC 6750)', () => {
  let world: World;
  let projects: TestClient;

  beforeAll(async () => {
    world = await World.start();
    projects = world.client('projects');
  });
  afterAll(() => world.stop());

  const userinfo = async (authorization?: string, init: RequestInit = {}, query = '') => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const response = await fetch(`${world.url}/oauth2/userinfo${query}`, { ...init, headers });
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  };
  const tokenOf = async (scope: string, client = projects) => {
    const browser = await world.signIn('member@acme.example');
    const { body } = await world.exchange(client, await world.code(client, browser, { scope }));
    return String(body['access_token']);
  };

  it('§5.3.2: sub always; name and email as the scopes give them (§5.4); never stored', async () => {
    const sub = world.id('member@acme.example');
    const all = await userinfo(`Bearer ${await tokenOf('openid profile email')}`);
    expect(all.body).toEqual({
      sub,
      name: 'Max Member',
      email: 'member@acme.example',
      email_verified: false,
    });
    expect(all.headers.get('cache-control')).toBe('no-store');
    expect((await userinfo(`Bearer ${await tokenOf('openid')}`)).body).toEqual({ sub });
    expect((await userinfo(`Bearer ${await tokenOf('openid email')}`)).body).toEqual({
      sub,
      email: 'member@acme.example',
      email_verified: false,
    });
  });

  it('§5.3: POST is answered as GET is', async () => {
    const answer = await userinfo(`Bearer ${await tokenOf('openid')}`, { method: 'POST' });
    expect([answer.status, answer.body['sub']]).toEqual([200, world.id('member@acme.example')]);
  });

  it.each([undefined, 'Basic cHJvamVjdHM6eA==', 'Digest x'])(
    'RFC 6750 §3.1: without a bearer token the challenge tells of no error (%s)',
    async (authorization) => {
      const answer = await userinfo(authorization);
      expect([answer.status, answer.challenge]).toEqual([401, 'Bearer realm="core-auth"']);
    },
  );

  it('RFC 6750 §3.1: a token that is altered, unknown, of another type or of another server is 401 invalid_token', async () => {
    const token = await tokenOf('openid');
    const { tokens } = await world.signedInClient();
    const foreign = await World.start();
    const { tokens: foreignTokens } = await foreign.signedInClient();
    await foreign.stop();
    for (const text of [
      altered(token),
      'nothing',
      tokens.id_token,
      tokens.refresh_token,
      foreignTokens.access_token,
    ]) {
      const answer = await userinfo(`Bearer ${text}`);
      expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_token']);
      expect(answer.challenge).toMatch(/^Bearer error="invalid_token"/);
    }
  });

  it('RFC 6750 §3.1: a token without openid is 403 and names the scope; one that is not for this server is refused', async () => {
    const notOurs = await userinfo(`Bearer ${await tokenOf('projects:read')}`);
    expect(notOurs.status).toBe(401);
    const bare = await world.createClient({ id: 'bare', scopes: ['profile'] });
    const answer = await userinfo(`Bearer ${await tokenOf('profile', bare)}`);
    expect([answer.status, answer.body['error']]).toEqual([403, 'insufficient_scope']);
    expect(answer.challenge).toBe('Bearer error="insufficient_scope", scope="openid"');
  });

  it('RFC 6750 §3.1: a malformed header is invalid_request', async () => {
    for (const header of ['Bearer', 'Bearer a b', 'Bearer "x"']) {
      const answer = await userinfo(header);
      expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_request']);
      expect(answer.challenge).toMatch(/^Bearer error="invalid_request"/);
    }
  });

  it('RFC 9700 §4.3.2: a token in the address or in a body is not taken', async () => {
    const token = await tokenOf('openid');
    expect((await userinfo(undefined, {}, `?access_token=${token}`)).status).toBe(401);
    const body = new URLSearchParams({ access_token: token });
    expect((await userinfo(undefined, { method: 'POST', body })).status).toBe(401);
  });

  it('a token that has expired, or whose authorization has ended, is 401 invalid_token', async () => {
    const { tokens } = await world.signedInClient();
    await world.revoke(projects, tokens.refresh_token);
    expect((await userinfo(`Bearer ${tokens.access_token}`)).status).toBe(401);
    const token = await tokenOf('openid');
    world.clock.advance(86_401_000);
    expect((await userinfo(`Bearer ${token}`)).status).toBe(401);
  });

  it("a machine's token opens it for nobody", async () => {
    const { body } = await world.token(projects, {
      grant_type: 'client_credentials',
      scope: 'projects:read',
    });
    expect((await userinfo(`Bearer ${String(body['access_token'])}`)).status).toBe(401);
  });
});
