import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { claimsOf, World, type TestClient } from '../support/world.js';

describe('client credentials (RFC 6749 §4.4)', () => {
  let world: World;
  let machine: TestClient;

  beforeAll(async () => {
    world = await World.start();
    machine = await world.createClient({
      id: 'machine',
      grantTypes: ['client_credentials'],
      organizationId: world.id('acme'),
      scopes: ['projects:read', 'projects:write', 'openid', 'profile', 'offline_access'],
    });
  });
  afterAll(() => world.stop());

  const ask = (scope?: string, client = machine) =>
    world.token(client, { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) });

  it('§4.4.3: a confidential client gets an access token, and no refresh token or ID token', async () => {
    const answer = await ask('projects:read');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 86_400,
      scope: 'projects:read',
    });
  });

  it('RFC 9068 §2.2: the subject is the client, the audience the module, and nothing is said of a person', async () => {
    const claims = claimsOf(String((await ask('projects:read')).body['access_token']));
    expect(claims).toMatchObject({
      iss: world.url,
      sub: 'machine',
      client_id: 'machine',
      aud: ['https://projects.example'],
      scope: 'projects:read',
      organization_id: world.id('acme'),
      modules: ['projects'],
    });
    for (const claim of ['sid', 'authorization_id', 'roles']) expect(claims).not.toHaveProperty(claim);
  });

  it('RFC 9068 §5: a client cannot be named as a user is, so that their sub never collide', async () => {
    for (const id of [world.id('member@acme.example'), 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6']) {
      await expect(world.createClient({ id })).rejects.toThrow('clients_id_check');
    }
  });

  it('§3.3: without a scope all that is not about a person is given; a personal scope, or an unknown one, is refused', async () => {
    expect((await ask()).body['scope']).toBe('projects:read projects:write');
    for (const scope of [
      'openid',
      'offline_access',
      'projects:read profile',
      'reports:read',
      'projects:read\\',
    ]) {
      expect(await ask(scope)).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    }
  });

  it('§4.4: a public client may not', async () => {
    const open = await world.createClient({ id: 'open', secretSha256: null, scopes: ['projects:read'] });
    expect(await ask('projects:read', open)).toMatchObject({
      status: 400,
      body: { error: 'unauthorized_client' },
    });
  });

  it('§5.2: a client that does not have the grant may not', async () => {
    const web = await world.createClient({ id: 'web', grantTypes: ['authorization_code'] });
    expect(await ask('projects:read', web)).toMatchObject({
      status: 400,
      body: { error: 'unauthorized_client' },
    });
  });

  it('without a license of its organization the client is refused, and served again once the license is back', async () => {
    const heard = () => world.heard();
    await ask('projects:read');
    await world.licenses.changeStatus(world.id('license:acme:projects'), 'suspended', 'test');
    await heard();
    expect(await ask('projects:read')).toMatchObject({ status: 400, body: { error: 'access_denied' } });
    await world.licenses.changeStatus(world.id('license:acme:projects'), 'issued', 'test');
    await heard();
    expect((await ask('projects:read')).status).toBe(200);
  });

  it('an organization without the license gets nothing', async () => {
    const globex = await world.createClient({
      id: 'globex-machine',
      organizationId: world.id('globex'),
      scopes: ['reports:read', 'projects:read'],
    });
    expect(await ask('reports:read', globex)).toMatchObject({
      status: 400,
      body: { error: 'access_denied' },
    });
    expect((await ask('projects:read', globex)).status).toBe(200);
  });
});
