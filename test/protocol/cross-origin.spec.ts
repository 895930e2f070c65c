import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { World } from '../support/world.js';

const APP = 'https://spa.example';

describe('cross-origin requests', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
    await world.createClient({ id: 'spa', secretSha256: null, redirectUris: [`${APP}/callback`] });
  });
  afterAll(() => world.stop());

  const preflight = (path: string, origin: string) =>
    fetch(world.url + path, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'dpop' },
    });

  it.each([
    '/oauth2/token',
    '/oauth2/userinfo',
    '/oauth2/revoke',
    '/oauth2/par',
    '/v1/account',
    '/v1/account/factors/passkeys',
    '/v1/organizations',
    '/v1/organizations/0190a000-0000-7000-8000-0000000000a2/people?limit=1',
  ])('the scripts of a registered public client may call %s', async (path) => {
    const answer = await preflight(path, APP);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(APP);
    expect(answer.headers.get('access-control-allow-headers')).toContain('DPoP');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    const refused = await fetch(world.url + path, { method: 'POST', headers: { origin: APP } });
    expect(refused.headers.get('access-control-allow-origin')).toBe(APP);
    expect(refused.headers.get('access-control-expose-headers')).toContain('DPoP-Nonce');
    expect(refused.headers.get('vary')).toContain('origin');
  });

  it('by each method that an account has, to read when to come again and what a token lacks', async () => {
    const answer = await preflight('/v1/account/factors/authenticator-app', APP);
    const methods = answer.headers.get('access-control-allow-methods')?.split(', ');
    expect(methods).toEqual(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
    const exposed = answer.headers.get('access-control-expose-headers');
    expect(exposed).toMatch(/Retry-After.*WWW-Authenticate/);
    for (const path of ['/v1/accounts', '/v1/organization', '/organization/people', '/v1/licenses']) {
      const elsewhere = await preflight(path, APP);
      expect([path, elsewhere.headers.get('access-control-allow-origin')]).toEqual([path, null]);
    }
  });

  it.each([
    'https://elsewhere.example',
    'null',
    'https://projects.example',
    `${APP}.evil.example`,
    'http://spa.example',
  ])('those of %s may not', async (origin) => {
    expect((await preflight('/oauth2/token', origin)).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('RFC 9700 §2.6: nobody’s may call the authorization endpoint', async () => {
    const answer = await preflight('/oauth2/authorize', APP);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});
