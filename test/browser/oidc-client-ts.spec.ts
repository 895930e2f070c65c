import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { REPOSITORY } from '../support/built-process.js';
import { chromium } from '../support/chromium.js';
import { claimsOf, PASSWORD, World, type TestClient } from '../support/world.js';
import { ClientSite } from './client-site.js';
import { MEMBER, Person } from './person.js';
import { violations, WatchedContext } from './watched-context.js';

/** Pictures to look at; git ignores them. */
const PICTURES = join(REPOSITORY, '.test', 'pages');
const SCOPE = 'openid profile email projects:read';

interface SignedIn {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: string;
  readonly profile: Readonly<Record<string, unknown>>;
}

/** The program of the client: what its documentation says to write, with and without DPoP by the address of its page. */
const program = (authority: string) => `
  const base = location.origin + '/' + location.pathname.split('/')[1];
  const dpop = base.endsWith('/dpop')
    ? { dpop: { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() } }
    : { loadUserInfo: true };
  window.manager = new oidc.UserManager({
    authority: ${JSON.stringify(authority)},
    client_id: 'spa',
    redirect_uri: base + '/callback',
    post_logout_redirect_uri: base + '/signed-out',
    scope: ${JSON.stringify(SCOPE)},
    automaticSilentRenew: false,
    ...dpop,
  });
`;

describe('clients in a browser', () => {
  let world: World;
  let site: ClientSite;
  let browser: Browser;
  let forms: TestClient;
  let watched: WatchedContext | undefined;
  let page: Page;

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    [world, site, browser] = await Promise.all([World.start(), ClientSite.start(), chromium()]);
    site.script = program(world.url);
    await world.createClient({
      id: 'spa',
      name: 'Single-page application',
      secretSha256: null,
      grantTypes: ['authorization_code', 'refresh_token'],
      redirectUris: ['plain', 'dpop'].map((kind) => `${site.url}/${kind}/callback`),
      postLogoutRedirectUris: ['plain', 'dpop'].map((kind) => `${site.url}/${kind}/signed-out`),
    });
    forms = await world.createClient({ id: 'forms', redirectUris: [`${site.url}/form-callback`] });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await site?.stop();
    await world?.stop();
  });

  // clients in a browser know the time by themselves
  beforeEach(() => world.clock.set(new Date()));
  afterEach(async () => {
    await watched?.close();
    // no script, style, form or cross-origin call was refused, and nothing failed
    expect(watched?.complaints).toEqual([]);
  });

  const open = async (options: BrowserContextOptions = {}) => {
    const hosts = [world.url, site.url].map((url) => new URL(url).host);
    watched = await WatchedContext.open(browser, hosts, options);
    page = await watched.page();
  };
  const signIn = () => new Person(page, { password: PASSWORD }).signIn(MEMBER);
  /** What the program's manager answers. */
  const ask = <T>(expression: string) => page.evaluate<T>(expression);
  const begin = async (kind: 'plain' | 'dpop') => {
    await open();
    await page.goto(`${site.url}/${kind}/`);
    await Promise.all([page.waitForURL(`${world.url}/sign-in?**`), ask('void manager.signinRedirect()')]);
    await signIn();
    await page.waitForURL(`${site.url}/${kind}/callback?**`);
    return ask<SignedIn>('manager.signinCallback()');
  };
  const active = async (token: string) => {
    const inspector = world.client('projects');
    return (await world.introspect(inspector, token)).body['active'];
  };

  describe('oidc-client-ts, unchanged, on another origin', () => {
    it('signs in by code and PKCE, and reads userinfo by a cross-origin call (Fetch §3.3)', async () => {
      const user = await begin('plain');
      expect(user.token_type).toBe('Bearer');
      expect(user.profile).toMatchObject({ sub: world.id(MEMBER), name: 'Max Member', email: MEMBER });
    }, 60_000);

    it('refreshes by its refresh token, which is another from then on (RFC 9700 §4.14.2)', async () => {
      const before = await begin('plain');
      const after = await ask<SignedIn>('manager.signinSilent()');
      expect(after.refresh_token).not.toBe(before.refresh_token);
      expect(after.access_token).not.toBe(before.access_token);
      expect(after.profile['sub']).toBe(before.profile['sub']);
    }, 60_000);

    it('revokes its tokens by a cross-origin call (RFC 7009 §2)', async () => {
      const user = await begin('plain');
      expect(await active(user.access_token)).toBe(true);
      await ask('manager.revokeTokens()');
      expect(await active(user.access_token)).toBe(false);
    }, 60_000);

    it('signs out, and comes back to the page that it registered (RP-Initiated Logout §2, §3)', async () => {
      const user = await begin('plain');
      await Promise.all([
        page.waitForURL(`${site.url}/plain/signed-out**`),
        ask('void manager.signoutRedirect()'),
      ]);
      await ask('manager.signoutCallback().then(() => undefined)');
      expect(await ask('manager.getUser()')).toBeNull();
      expect(await active(user.access_token)).toBe(false);
      await page.goto(world.url);
      expect(await new Person(page, { password: PASSWORD }).isAskedToSignIn()).toBe(true);
    }, 60_000);

    it('renews without a refresh token in a frame that nobody sees, by prompt=none (OpenID Connect Core §3.1.2.1)', async () => {
      await begin('plain');
      await ask(
        '(async () => { const user = await manager.getUser(); delete user.refresh_token; await manager.storeUser(user); })()',
      );
      site.script = `${program(world.url)}\nif (window !== window.parent) void manager.signinSilentCallback();`;
      try {
        const renewed = await ask<SignedIn>('manager.signinSilent()');
        expect(renewed.profile['sub']).toBe(world.id(MEMBER));
      } finally {
        site.script = program(world.url);
      }
    }, 60_000);

    it('signs in by a window of its own, which reports back and closes', async () => {
      await open();
      site.script = `${program(world.url)}\nif (location.pathname.endsWith('/callback')) void manager.signinPopupCallback();`;
      try {
        await page.goto(`${site.url}/plain/`);
        const [popup] = await Promise.all([
          page.waitForEvent('popup'),
          ask('void (window.signedIn = manager.signinPopup())'),
        ]);
        await popup.getByLabel('E-mail address').fill(MEMBER);
        await popup.getByLabel('Password').fill(PASSWORD);
        const closed = popup.waitForEvent('close');
        await popup.getByRole('button', { name: 'Sign in', exact: true }).click({ noWaitAfter: true });
        await closed;
        expect((await ask<SignedIn>('signedIn')).profile['sub']).toBe(world.id(MEMBER));
      } finally {
        site.script = program(world.url);
      }
    }, 60_000);

    it('binds code, tokens and refresh to a key of the browser, with the nonce that we ask for (RFC 9449 §5, §8, §10)', async () => {
      const user = await begin('dpop');
      expect(user.token_type).toBe('DPoP');
      const { cnf } = claimsOf(user.access_token);
      expect(cnf).toEqual({ jkt: expect.any(String) });
      const renewed = await ask<SignedIn>('manager.signinSilent()');
      expect(claimsOf(renewed.access_token)['cnf']).toEqual(cnf);
      expect(renewed.refresh_token).toEqual(expect.any(String));
      // as its documentation says: a proof for a resource, once more with the nonce that it asks for
      const person = await ask<Record<string, unknown>>(`(async () => {
        const url = ${JSON.stringify(`${world.url}/oauth2/userinfo`)};
        const user = await manager.getUser();
        const call = async (nonce) => {
          const DPoP = await manager.dpopProof(url, user, 'GET', nonce);
          return fetch(url, { headers: { Authorization: 'DPoP ' + user.access_token, DPoP } });
        };
        const first = await call();
        return (first.ok ? first : await call(first.headers.get('DPoP-Nonce'))).json();
      })()`);
      expect(person).toMatchObject({ sub: world.id(MEMBER), email: MEMBER });
    }, 60_000);
  });

  describe('form_post (OAuth 2.0 Form Post Response Mode §2)', () => {
    const request = () => world.authorizationRequest(forms, { response_mode: 'form_post', scope: 'openid' });
    const authorize = async () => {
      const { path, parameters } = request();
      await page.goto(world.url + path);
      await signIn();
      return parameters;
    };
    beforeEach(() => {
      site.posted.length = 0;
    });
    const expectAnswer = async (state: string | undefined) => {
      await page.waitForURL(`${site.url}/form-callback`);
      const fields = { code: expect.any(String), state, iss: world.url };
      expect(site.posted).toEqual([{ path: '/form-callback', fields }]);
    };

    it('returns to the client by a POST without a click', async () => {
      await open();
      const { state } = await authorize();
      await expectAnswer(state);
    }, 60_000);

    it('returns by its button where scripts are off, from a page that fits a telephone', async () => {
      await open({ javaScriptEnabled: false });
      const { state } = await authorize();
      const button = page.getByRole('button', { name: 'Continue' });
      await button.waitFor();
      for (const [look, colorScheme, width] of [
        ['light', 'light', 1280],
        ['dark', 'dark', 1280],
        ['360', 'light', 360],
      ] as const) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        await page.screenshot({ path: join(PICTURES, `form-post.${look}.png`), fullPage: true });
        const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
        expect(await page.evaluate(overflow)).toBe(0);
      }
      await button.click();
      await expectAnswer(state);
    }, 60_000);

    it('is an accessible page meanwhile, in light and dark', async () => {
      await open();
      await page.goto(`${world.url}/sign-in`);
      const answer = await (await world.signIn(MEMBER)).get(request().path);
      // without its script it stays
      await page.setContent((await answer.text()).replace(/<script>.*<\/script>/, ''));
      await page.getByRole('button', { name: 'Continue' }).waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect([colorScheme, await violations(page)]).toEqual([colorScheme, []]);
      }
    }, 60_000);
  });
});
