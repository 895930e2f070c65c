import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CookieBrowser } from './browser.js';
import { FakeCoreAuth, licensedSnapshot, ORGANIZATION, USER } from './fake-core-auth.js';
import { startModule, type GuardedModule } from './guarded-module.js';
import { setTimeout as sleep } from 'node:timers/promises';

describe('browser sign-in of a module', () => {
  let core: FakeCoreAuth;
  let module: GuardedModule;
  let browser: CookieBrowser;

  beforeEach(async () => {
    core = await FakeCoreAuth.start();
    module = await startModule(core);
    await module.listening();
    browser = new CookieBrowser();
  });
  afterEach(async () => {
    await module.stop();
    await core.stop();
  });

  const signIn = () => browser.visit(`${module.url}/page`);
  /** Begins in a tab and stops before the callback. */
  const begin = async (): Promise<{ authorize: URL; callback: string }> => {
    const out = await browser.get(`${module.url}/auth/sign-in?return_to=/page`);
    const authorize = new URL(out.headers.get('location') ?? '');
    const back = await fetch(authorize, { redirect: 'manual' });
    return { authorize, callback: back.headers.get('location') ?? '' };
  };

  it('sends a page to sign in and brings the person back to it', async () => {
    const { response, steps } = await signIn();
    expect(await response.json()).toEqual({ name: 'Ada Byron', organization: 'Acme' });
    expect(steps.map((step) => new URL(step).pathname)).toEqual([
      '/auth/sign-in',
      '/oauth2/authorize',
      '/auth/callback',
      '/page',
    ]);
  });

  it('asks with state, nonce and an S256 challenge, none of them twice', async () => {
    const first = (await begin()).authorize.searchParams;
    const second = (await begin()).authorize.searchParams;
    expect(first.get('code_challenge_method')).toBe('S256');
    expect(first.get('response_type')).toBe('code');
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(first.get(name)).toMatch(/^[\w-]{32,}$/);
      expect(first.get(name)).not.toBe(second.get(name));
    }
  });

  it('answers 401 to whoever is no page and is not signed in', async () => {
    const response = await fetch(`${module.url}/page`, { headers: { accept: 'application/json' } });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'SIGN_IN_REQUIRED' });
  });

  it('lets several tabs sign in at once', async () => {
    const tabs = [await begin(), await begin(), await begin()];
    for (const { callback } of tabs.reverse()) {
      const response = await browser.get(callback);
      expect(response.status).toBe(303);
      expect(response.headers.get('location')).toBe('/page');
    }
  });

  it('keeps a bounded number of sign-ins in a browser, the newest', async () => {
    const tabs = [];
    for (let tab = 0; tab < 9; tab += 1) {
      tabs.push(await begin());
      await sleep(2);
    }
    const pending = [...browser.jar.keys()].filter((name) => name.includes('sign_in'));
    expect(pending).toHaveLength(6);
    expect((await browser.get(tabs[0]?.callback ?? '')).status).toBe(400);
    expect((await browser.get(tabs[8]?.callback ?? '')).status).toBe(303);
  });

  it('RFC 9700 §4.7: refuses a response in a browser that did not ask', async () => {
    const { callback } = await begin();
    const response = await new CookieBrowser().get(callback);
    expect(response.status).toBe(400);
    expect(response.headers.getSetCookie().join()).not.toContain('projects_session=');
    expect(await response.text()).toContain('Sign-in has gone stale');
  });

  it('refuses a response that is sent twice', async () => {
    const { callback } = await begin();
    expect((await browser.get(callback)).status).toBe(303);
    expect((await browser.get(callback)).status).toBe(400);
    expect(core.count('/oauth2/token')).toBe(1);
  });

  it.each([
    ['another issuer', { iss: 'http://elsewhere.example' }],
    ['no issuer', { iss: undefined }],
  ])('RFC 9207 §2.4: refuses a response of %s', async (_, parameters) => {
    core.responseParameters = parameters;
    const { callback } = await begin();
    expect((await browser.get(callback)).status).toBe(400);
    expect(core.count('/oauth2/token')).toBe(0);
  });

  it.each([
    ['another nonce', { nonce: 'another' }],
    ['another audience', { aud: 'another-client' }],
    ['another issuer', { iss: 'http://elsewhere.example' }],
    ['the hash of another access token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }],
  ])('OpenID Connect Core §3.1.3.7: refuses an ID token with %s', async (_, claims) => {
    core.idTokenClaims = claims;
    const { callback } = await begin();
    const response = await browser.get(callback);
    expect(response.status).toBe(400);
    expect(browser.jar.has('projects_session')).toBe(false);
  });

  it('shows the refusal of the authorization server as a page with a way on', async () => {
    core.responseParameters = { code: undefined, error: 'access_denied' };
    const { callback } = await begin();
    const response = await browser.get(callback);
    const page = await response.text();
    expect(response.status).toBe(403);
    expect(page).toContain('Sign-in was not completed');
    expect(page).toContain('href="/auth/sign-in"');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it.each([
    'https://elsewhere.example/',
    '//elsewhere.example',
    '/\\elsewhere.example',
    '/auth/sign-out',
    'page',
  ])('goes back to no other place than its own pages: %s', async (target) => {
    const { url } = await browser.visit(`${module.url}/auth/sign-in?return_to=${encodeURIComponent(target)}`);
    expect(url).toBe(`${module.url}/`);
  });

  it('keeps the session in one encrypted cookie below 4 KB that scripts cannot read', async () => {
    const { callback } = await begin();
    const cookie = (await browser.get(callback)).headers
      .getSetCookie()
      .find((line) => line.startsWith('projects_session='));
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(cookie?.length).toBeLessThanOrEqual(4096);
    expect(cookie).toMatch(/^projects_session=eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+;/);
  });

  it('leaves out the ID token where the cookie would grow too large', async () => {
    core.accessTokenClaims = { roles: Array.from({ length: 60 }, (_, index) => `role-${index}-of-many`) };
    const { response } = await signIn();
    expect(response.status).toBe(200);
    const out = await browser.post(`${module.url}/auth/sign-out`, { 'sec-fetch-site': 'same-origin' });
    const target = new URL(out.headers.get('location') ?? '');
    expect(target.searchParams.get('id_token_hint')).toBeNull();
    expect(target.searchParams.get('client_id')).toBe('projects');
  });

  describe('renews its tokens', () => {
    const ahead = (milliseconds: number) => {
      module.clock.aheadMs += milliseconds;
      core.aheadMs += milliseconds;
    };
    const aged = async () => {
      await signIn();
      ahead(3_550_000); // within the last minute of an hour
    };

    it('before the access token ends, with a new cookie', async () => {
      await aged();
      const before = browser.jar.get('projects_session');
      expect((await browser.get(`${module.url}/page`)).status).toBe(200);
      expect(core.count('/oauth2/token')).toBe(2);
      expect(browser.jar.get('projects_session')).not.toBe(before);
    });

    it('once for two tabs at once, and both stay signed in', async () => {
      await aged();
      core.refreshDelayMs = 50;
      const answers = await Promise.all([1, 2, 3, 4].map(() => browser.get(`${module.url}/page`)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect(core.count('/oauth2/token')).toBe(2);
    });

    it('for a tab that still sends the former cookie a while later, without asking again', async () => {
      await aged();
      const former = browser.jar.get('projects_session') ?? '';
      await browser.get(`${module.url}/page`);
      ahead(20_000);
      browser.jar.set('projects_session', former);
      expect((await browser.get(`${module.url}/page`)).status).toBe(200);
      expect(core.count('/oauth2/token')).toBe(2);
    });

    it('again with the same refresh token when the answer was lost', async () => {
      await aged();
      core.loseRefreshAnswers = 2;
      expect((await browser.get(`${module.url}/page`)).status).toBe(200);
      expect(core.count('/oauth2/token')).toBe(4);
    });

    it('with the answer that came while the keys were out of reach: its refresh token is spent', async () => {
      await signIn();
      // keys are not trusted for longer without being fetched again
      ahead(24 * 3_600_000 + 1000);
      core.down.add('/oauth2/jwks');
      expect((await browser.get(`${module.url}/page`)).status).toBe(503);
      core.down.delete('/oauth2/jwks');
      // by now Core Auth would take the same refresh token for a stolen one
      ahead(20_000);
      expect((await browser.get(`${module.url}/page`)).status).toBe(200);
      expect(core.count('/oauth2/token')).toBe(2);
    });

    it('not at all costs: while the token lives, an unreachable Core Auth ends no session', async () => {
      await aged();
      core.down.add('/oauth2/token');
      expect((await browser.get(`${module.url}/page`)).status).toBe(200);
      ahead(60_000);
      expect((await browser.get(`${module.url}/page`)).status).toBe(503);
      expect(browser.jar.has('projects_session')).toBe(true);
    });

    it('or starts sign-in again when the refresh token is not accepted any more', async () => {
      await aged();
      for (const authorization of core.authorizations.values()) authorization.live = false;
      const response = await browser.get(`${module.url}/page`);
      expect(response.headers.get('location')).toBe('/auth/sign-in?return_to=%2Fpage');
      expect(browser.jar.has('projects_session')).toBe(false);
    });

    it('when the licenses are newer than the token, once per version', async () => {
      await signIn();
      core.snapshot = licensedSnapshot({}, 5);
      core.accessTokenClaims = { license_version: 1 };
      // the module sees the new version when somebody asks for a licensed thing
      const token = await core.accessToken(module.url);
      await fetch(`${module.url}/api/licensed`, { headers: { authorization: `Bearer ${token}` } });
      core.publish('license-changed', ORGANIZATION);
      await sleep(100);
      for (let page = 0; page < 3; page += 1) await browser.get(`${module.url}/page`);
      expect(core.count('/oauth2/token')).toBe(2);
    });

    it('when the membership changed, so that new roles count at once', async () => {
      await signIn();
      core.publish('membership-changed', USER, new Date(Date.now() + 5000));
      await sleep(100);
      ahead(10_000); // so that the new token is younger than the change
      expect((await browser.get(`${module.url}/page`)).status).toBe(200);
      expect(core.count('/oauth2/token')).toBe(2);
    });
  });

  describe('takes changes from its own pages only', () => {
    it.each([
      [{ 'sec-fetch-site': 'same-origin' }, 201],
      [{ 'sec-fetch-site': 'same-site' }, 403],
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'sec-fetch-site': 'none' }, 403],
      [{}, 403],
      [{ origin: 'http://localhost:9' }, 403],
      [{ origin: 'null' }, 403],
      [{ origin: 'MODULE' }, 201],
      [{ origin: 'MODULE', 'sec-fetch-site': 'same-site' }, 403],
    ])('%j → %i', async (given: Record<string, string>, wanted) => {
      await signIn();
      const headers = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [name, value === 'MODULE' ? module.url : value]),
      );
      expect((await browser.post(`${module.url}/change`, headers)).status).toBe(wanted);
    });
  });

  it('sends no form to sign in, whose content would be lost, but says so', async () => {
    const response = await browser.post(`${module.url}/change`, { 'sec-fetch-site': 'same-origin' });
    expect(response.status).toBe(401);
    expect(await response.text()).toContain('Sign in');
  });
});
