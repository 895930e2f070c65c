import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IdTokens } from '#tokens';
import { altered, destinationOf } from '../support/answers.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { claimsOf, World, type TestClient } from '../support/world.js';

describe('RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0)', () => {
  let world: World;
  let projects: TestClient;
  const signedOutOf = 'https://projects.example/signed-out';

  beforeAll(async () => {
    world = await World.start();
    projects = world.client('projects');
  });
  afterAll(() => world.stop());

  const logout = (browser: HttpBrowser, fields: Record<string, string>) =>
    browser.get(`/oauth2/logout?${new URLSearchParams(fields)}`);
  const isSignedIn = async (browser: HttpBrowser) => (await browser.get('/')).status === 200;
  const isActive = async (token: string) => (await world.introspect(projects, token)).body['active'] === true;

  it('§2: with the ID token of this session it ends at once, with its authorizations, and the browser goes where the client registered', async () => {
    const { browser, tokens } = await world.signedInClient();
    const response = await logout(browser, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: signedOutOf,
      state: 'a b&c',
    });
    expect(response.status).toBe(303);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(destinationOf(response).href).toBe(`${signedOutOf}?state=a+b%26c`);
    expect(browser.cookieNames).not.toContain('core_auth_session');
    expect(await isActive(tokens.access_token)).toBe(false);
    expect(await world.refresh(projects, tokens.refresh_token)).toMatchObject({
      body: { error: 'invalid_grant' },
    });
  });

  it('§3: the address is the one that was registered, whatever it holds; state is added to it', async () => {
    const uri = 'https://odd.example/out?a=%20b&c';
    const odd = await world.createClient({ id: 'odd', postLogoutRedirectUris: [uri] });
    const fields = { client_id: odd.id, post_logout_redirect_uri: uri };
    expect((await logout(world.browser(), fields)).headers.get('location')).toBe(uri);
    const told = await logout(world.browser(), { ...fields, state: 'x y' });
    expect(told.headers.get('location')).toBe(`${uri}&state=x+y`);
  });

  it('§2: POST is answered as GET is', async () => {
    const { browser, tokens } = await world.signedInClient();
    const response = await browser.post('/oauth2/logout', {
      id_token_hint: tokens.id_token,
      client_id: 'projects',
      post_logout_redirect_uri: signedOutOf,
    });
    expect(destinationOf(response).href).toBe(signedOutOf);
    expect(await isActive(tokens.access_token)).toBe(false);
  });

  it('the session is ended on the server: an old copy of the cookie opens nothing', async () => {
    const { browser, tokens } = await world.signedInClient();
    const copy = browser.clone();
    expect(await isSignedIn(copy)).toBe(true);
    await logout(browser, { id_token_hint: tokens.id_token });
    expect(await isSignedIn(copy)).toBe(false);
  });

  it('§2: an expired ID token is still a hint', async () => {
    const { browser, tokens } = await world.signedInClient();
    const { sub, sid } = claimsOf(tokens.id_token);
    const aDay = 86_400_000;
    world.clock.advance(-aDay);
    // one that has expired by whatever clock is looked at
    const expired = world.app.get(IdTokens).issue({
      sub: String(sub),
      clientId: 'projects',
      algorithm: 'ES256',
      authTime: world.clock.now(),
      sid: String(sid),
      amr: ['pwd'],
      accessToken: tokens.access_token,
      claims: {},
    });
    world.clock.advance(aDay);
    const response = await logout(browser, {
      id_token_hint: expired,
      post_logout_redirect_uri: signedOutOf,
    });
    expect(destinationOf(response).href).toBe(signedOutOf);
    expect(await isActive(tokens.access_token)).toBe(false);
  });

  it('§2: without a destination the browser stays here', async () => {
    const { browser, tokens } = await world.signedInClient();
    expect(destinationOf(await logout(browser, { id_token_hint: tokens.id_token })).pathname).toBe(
      '/signed-out',
    );
    expect((await browser.get('/signed-out')).status).toBe(200);
  });

  it('§2: without a hint, or with one of another session, the person is asked and nothing has ended', async () => {
    const { browser, tokens } = await world.signedInClient();
    const { tokens: others } = await world.signedInClient('owner@acme.example');
    for (const hint of [{}, { id_token_hint: others.id_token }]) {
      const response = await logout(browser, {
        ...hint,
        client_id: 'projects',
        post_logout_redirect_uri: signedOutOf,
      });
      expect(destinationOf(response).pathname).toBe('/sign-out');
    }
    expect(await isActive(tokens.access_token)).toBe(true);
    expect(await isActive(others.access_token)).toBe(true);
    expect(await isSignedIn(browser)).toBe(true);
  });

  it('§2: asked, the person confirms: then it ends, and the browser goes where it was to go', async () => {
    const { browser, tokens } = await world.signedInClient();
    const asked = destinationOf(
      await logout(browser, { client_id: 'projects', post_logout_redirect_uri: signedOutOf, state: 'x' }),
    );
    const response = await browser.submit(asked.pathname + asked.search, '/sign-out', {});
    expect(destinationOf(response).href).toBe(`${signedOutOf}?state=x`);
    expect(await isActive(tokens.access_token)).toBe(false);
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('a sign-out form without its token, or from another site, ends nothing', async () => {
    const { browser } = await world.signedInClient();
    expect((await browser.post('/sign-out', {})).status).toBe(403);
    expect((await browser.post('/sign-out', { csrf_token: 'x.y' })).status).toBe(403);
    expect(await isSignedIn(browser)).toBe(true);
  });

  it.each([
    'https://projects.example/signed-out/',
    'https://projects.example/signed-out?x=1',
    'https://projects.example/callback',
    'https://projects.example./signed-out',
    'https://projects.example@evil.example/signed-out',
    'http://projects.example/signed-out',
    'https://projects.example:443/signed-out',
    'https://evil.example/',
    'javascript:alert(1)',
    '//evil.example',
  ])(
    '§3: an address that the client did not register leads to an error page, and nothing has ended: %s',
    async (uri) => {
      const { browser, tokens } = await world.signedInClient();
      const response = await logout(browser, {
        id_token_hint: tokens.id_token,
        post_logout_redirect_uri: uri,
      });
      expect([response.status, response.headers.get('location')]).toEqual([400, null]);
      expect(await isActive(tokens.access_token)).toBe(true);
    },
  );

  it('§3: an address without a client that registered it leads to an error page', async () => {
    const browser = world.browser();
    for (const client of [{}, { client_id: 'nobody' }, { client_id: 'reports' }]) {
      expect((await logout(browser, { ...client, post_logout_redirect_uri: signedOutOf })).status).toBe(400);
    }
  });

  it('§2: a hint that is none of ours, or another client than its own, leads to an error page', async () => {
    const { browser, tokens } = await world.signedInClient();
    for (const fields of [
      { id_token_hint: altered(tokens.id_token) },
      { id_token_hint: tokens.access_token },
      { id_token_hint: 'x' },
      { id_token_hint: tokens.id_token, client_id: 'reports' },
    ]) {
      expect((await logout(browser, fields)).status).toBe(400);
    }
    expect(await isActive(tokens.access_token)).toBe(true);
  });

  it('a parameter sent twice leads to an error page', async () => {
    const { browser, tokens } = await world.signedInClient();
    const response = await browser.get(
      `/oauth2/logout?id_token_hint=${tokens.id_token}&id_token_hint=${tokens.id_token}`,
    );
    expect(response.status).toBe(400);
    expect(await isActive(tokens.access_token)).toBe(true);
  });

  it('a browser that is no longer signed in is sent on to where it was to go', async () => {
    const { tokens } = await world.signedInClient();
    const response = await logout(world.browser(), {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: signedOutOf,
    });
    expect(destinationOf(response).href).toBe(signedOutOf);
  });
});
