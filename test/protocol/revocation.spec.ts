import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { altered } from '../support/answers.js';
import { World, type TestClient } from '../support/world.js';

const INVALID_GRANT = { status: 400, body: { error: 'invalid_grant' } };

describe('revocation (RFC 7009)', () => {
  let world: World;
  let projects: TestClient;
  beforeAll(async () => {
    world = await World.start();
    projects = world.client('projects');
  });
  afterAll(() => world.stop());

  const active = async (token: string, client = projects) =>
    (await world.introspect(client, token)).body['active'];

  it('§2.1: revoking a refresh token ends its access tokens', async () => {
    const { client, tokens } = await world.signedInClient();
    expect((await world.introspect(client, tokens.access_token)).body).toMatchObject({ active: true });
    expect((await world.revoke(client, tokens.refresh_token)).status).toBe(200);
    expect((await world.introspect(client, tokens.access_token)).body).toEqual({ active: false });
    expect(await world.refresh(client, tokens.refresh_token)).toMatchObject(INVALID_GRANT);
  });

  it('§2.1: revoking an access token ends its refresh token as well, and nothing of another authorization', async () => {
    const [one, other] = [await world.signedInClient(), await world.signedInClient()];
    expect((await world.revoke(projects, one.tokens.access_token)).status).toBe(200);
    expect(await active(one.tokens.access_token)).toBe(false);
    expect(await world.refresh(projects, one.tokens.refresh_token)).toMatchObject(INVALID_GRANT);
    expect(await active(other.tokens.access_token)).toBe(true);
  });

  it("§2.1: another client's token is not revoked, and the answer does not say so", async () => {
    const { tokens } = await world.signedInClient();
    for (const token of [tokens.refresh_token, tokens.access_token]) {
      const answer = await world.revoke(world.client('reports'), token);
      expect([answer.status, answer.body]).toEqual([200, {}]);
    }
    expect(await active(tokens.access_token)).toBe(true);
    expect((await world.refresh(projects, tokens.refresh_token)).status).toBe(200);
  });

  it("a machine's token is revoked by its client alone, one at a time", async () => {
    const issue = async () =>
      String(
        (await world.token(projects, { grant_type: 'client_credentials', scope: 'projects:read' })).body[
          'access_token'
        ],
      );
    const [one, other] = [await issue(), await issue()];
    await world.revoke(world.client('reports'), one);
    expect(await active(one)).toBe(true);
    await world.revoke(projects, one);
    expect([await active(one), await active(other)]).toEqual([false, true]);
    expect((await world.revoke(projects, one)).status).toBe(200);
  });

  it('§2.2: an unknown, altered, expired or already revoked token is answered with 200', async () => {
    const { tokens } = await world.signedInClient();
    await world.revoke(projects, tokens.refresh_token);
    for (const token of [
      tokens.refresh_token,
      altered(tokens.refresh_token),
      'nothing',
      tokens.id_token,
      '....',
    ]) {
      expect((await world.revoke(projects, token)).status).toBe(200);
    }
  });

  it('§2.1: an unknown or wrong hint changes nothing', async () => {
    const { tokens } = await world.signedInClient();
    const hinted = { token: tokens.refresh_token, token_type_hint: 'access_token' };
    expect((await world.call('/oauth2/revoke', projects, hinted)).status).toBe(200);
    expect(await active(tokens.access_token)).toBe(false);
  });

  it('§2.1: a public client revokes its own tokens by its identifier; without a client nobody does', async () => {
    const spa = await world.createClient({ id: 'spa', secretSha256: null });
    const { body } = await world.exchange(
      spa,
      await world.code(spa, await world.signIn('member@acme.example')),
    );
    const token = String(body['refresh_token']);
    const response = await fetch(`${world.url}/oauth2/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
    });
    expect(response.status).toBe(401);
    expect((await world.revoke(spa, token)).status).toBe(200);
    expect(await world.refresh(spa, token)).toMatchObject(INVALID_GRANT);
  });

  it('a code that was not exchanged yet can be revoked', async () => {
    const exchange = await world.code(projects, await world.signIn('member@acme.example'));
    await world.revoke(projects, exchange.code);
    expect(await world.exchange(projects, exchange)).toMatchObject(INVALID_GRANT);
  });

  it('§2.1: a missing token is invalid_request', async () => {
    expect(await world.call('/oauth2/revoke', projects, {})).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });
});
