import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { eventually } from '../support/answers.js';
import { CookieBrowser } from './browser.js';
import { CLIENT, FakeCoreAuth, USER } from './fake-core-auth.js';
import { startModule, type GuardedModule } from './guarded-module.js';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

describe('sign-out of a module', () => {
  let core: FakeCoreAuth;
  let module: GuardedModule;
  let browser: CookieBrowser;

  beforeEach(async () => {
    core = await FakeCoreAuth.start();
    module = await startModule(core);
    await module.listening();
    browser = new CookieBrowser();
    await browser.visit(`${module.url}/page`);
  });
  afterEach(async () => {
    await module.stop();
    await core.stop();
  });

  const logoutToken = (claims: Record<string, unknown> = {}, typ = 'logout+jwt') => {
    const now = Math.floor(Date.now() / 1000);
    return core.sign(
      {
        iss: core.issuer,
        aud: CLIENT.id,
        iat: now,
        exp: now + 120,
        jti: randomUUID(),
        sub: USER,
        sid: 'session-1',
        events: { [EVENT]: {} },
        ...claims,
      },
      typ,
    );
  };
  const deliver = (token: string) =>
    fetch(`${module.url}/auth/back-channel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    });
  const signedIn = async () => (await browser.get(`${module.url}/page`)).status === 200;

  it('RP-Initiated Logout §2: ends the module session and goes to Core Auth with the hint', async () => {
    const response = await browser.post(`${module.url}/auth/sign-out`, { 'sec-fetch-site': 'same-origin' });
    const target = new URL(response.headers.get('location') ?? '');
    expect(response.status).toBe(303);
    expect(target.origin + target.pathname).toBe(`${core.issuer}/oauth2/logout`);
    expect(target.searchParams.get('post_logout_redirect_uri')).toBe(`${module.url}/auth/signed-out`);
    expect(target.searchParams.get('id_token_hint')).toMatch(/^eyJ/);
    expect(await signedIn()).toBe(false);
  });

  it('lets no other site sign a person out', async () => {
    const response = await browser.post(`${module.url}/auth/sign-out`, { 'sec-fetch-site': 'same-site' });
    expect(response.status).toBe(403);
    expect(await signedIn()).toBe(true);
  });

  it('shows a page to whoever comes back signed out', async () => {
    const response = await browser.get(`${module.url}/auth/signed-out`);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('You are signed out');
  });

  it('Back-Channel Logout §2.7: ends the session that the logout token names', async () => {
    const response = await deliver(await logoutToken());
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toContain('no-store');
    expect(await signedIn()).toBe(false);
  });

  it('ends every session of a person when the logout token names no session', async () => {
    const later = Math.floor(Date.now() / 1000) + 2;
    expect((await deliver(await logoutToken({ sid: undefined, iat: later }))).status).toBe(200);
    expect(await signedIn()).toBe(false);
  });

  it('leaves other sessions alone', async () => {
    expect((await deliver(await logoutToken({ sid: 'session-2' }))).status).toBe(200);
    expect(await signedIn()).toBe(true);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['without its type', {}, 'JWT'],
    ['of another issuer', { iss: 'http://elsewhere.example' }, 'logout+jwt'],
    ['for another client', { aud: 'another' }, 'logout+jwt'],
    ['that has expired', { exp: 1 }, 'logout+jwt'],
    ['that is old', { iat: 1 }, 'logout+jwt'],
    ['without a jti', { jti: undefined }, 'logout+jwt'],
    ['without the event', { events: {} }, 'logout+jwt'],
    ['whose event is no object', { events: { [EVENT]: 'yes' } }, 'logout+jwt'],
    ['with a nonce', { nonce: 'n' }, 'logout+jwt'],
    ['that names nobody', { sub: undefined, sid: undefined }, 'logout+jwt'],
  ])('Back-Channel Logout §2.6: refuses a logout token %s', async (_, claims, typ) => {
    const response = await deliver(await logoutToken(claims, typ));
    expect(response.status).toBe(400);
    expect(await signedIn()).toBe(true);
  });

  it('refuses a logout token of a key that has been revoked, though the JWKS that it remembers has the key', async () => {
    expect((await deliver(await logoutToken({ sid: 'session-2' }))).status).toBe(200);
    core.publish('key-revoked', core.kid);
    await eventually(async () => {
      const response = await deliver(await logoutToken({ sid: 'session-2' }));
      return response.status === 400 ? true : undefined;
    }, 'the refusal');
  });

  it('Back-Channel Logout §2.6: refuses a logout token that comes twice', async () => {
    const token = await logoutToken();
    expect((await deliver(token)).status).toBe(200);
    expect((await deliver(token)).status).toBe(400);
  });
});
