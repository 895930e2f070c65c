import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pathTo } from '../support/answers.js';
import { MINUTE } from '../support/deployment.js';
import { DpopKey } from '../support/dpop-key.js';
import { present, withPassword } from '../support/factors.js';
import { answerOf, basic, claimsOf, type World } from '../support/world.js';
import { AccountApiWorld, EVERYTHING } from './account-api-world.js';

const QUARTER = 15 * MINUTE;
const OFFERS = '/factors/authenticator-app/offers';

describe('RFC 9470: a sensitive act asks for a token of a recent sign-in', () => {
  let api: AccountApiWorld;
  let world: World;
  beforeAll(async () => {
    api = await AccountApiWorld.start();
    world = api.world;
  });
  afterAll(() => api.stop());

  const act = async (token: string) => api.call('POST', OFFERS, token);
  const refreshed = async (refresh: string) => {
    const { status, body } = await world.refresh(api.assistant, refresh);
    expect(status).toBe(200);
    return { token: String(body['access_token']), refresh: String(body['refresh_token']) };
  };
  const challenge = (acr: string, scheme = 'Bearer') =>
    new RegExp(
      `^${scheme} error="insufficient_user_authentication", error_description="[^"]+", acr_values="${acr}", max_age="900"$`,
    );

  it('a sign-in of a quarter of an hour ago is not enough, and the challenge says what would be', async () => {
    const { browser, refresh } = await api.person();
    world.clock.advance(QUARTER);
    const { token } = await api.tokens(browser);
    for (const old of [token, (await refreshed(refresh)).token]) {
      const answer = await act(old);
      expect(answer).toMatchObject({
        status: 401,
        body: { status: 401, code: 'insufficient_user_authentication' },
      });
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(answer.headers.get('www-authenticate')).toMatch(challenge('aal1'));
      // what is not sensitive goes on
      expect((await api.call('GET', '/factors', old)).status).toBe(200);
    }
  });

  it('a sign-in of a moment less is enough', async () => {
    const { refresh } = await api.person();
    world.clock.advance(QUARTER - 1000);
    expect((await act((await refreshed(refresh)).token)).status).toBe(200);
  });

  it('what the challenge asks for, put into an authorization request, gives a token that is enough', async () => {
    const { email, browser, app } = await api.protectedPerson();
    world.clock.advance(QUARTER + 1000);
    const request = world.authorizationRequest(api.assistant, {
      scope: EVERYTHING,
      acr_values: 'aal2',
      max_age: '900',
    });
    expect(pathTo(await browser.get(request.path))).toMatch(/^\/(sign-in|step-up)/);
    await api.signInAgain(email, browser, app);
    const { token } = await api.tokens(browser);
    expect((await act(token)).status).toBe(200);
  });

  it('a refresh makes no token of before the new sign-in any younger, with offline access or without', async () => {
    const { email, browser, refresh } = await api.person();
    const offline = await api.tokens(browser, `${EVERYTHING} offline_access`);
    world.clock.advance(QUARTER);
    await api.signInAgain(email, browser);
    for (const old of [refresh, offline.refresh]) {
      const { token } = await refreshed(old);
      expect((await act(token)).status).toBe(401);
    }
    const again = await api.tokens(browser, `${EVERYTHING} offline_access`);
    expect(claimsOf(again.token)['sid']).toBeUndefined();
    expect((await act(again.token)).status).toBe(200);
    world.clock.advance(QUARTER);
    expect((await act((await refreshed(again.refresh)).token)).status).toBe(401);
  });

  it('who has a second factor must have proven it, a moment after the password too', async () => {
    const { email, browser, app } = await api.protectedPerson();
    await withPassword(world, email, browser);
    await present(browser, { method: 'totp', code: app.freshCode(), remember: 'on' });
    const strong = await api.tokens(browser);
    expect((await act(strong.token)).status).toBe(200);
    // the browser stands for the factor: the sign-in is fresh, and of the password alone
    await world.signIn(email, browser);
    const weak = await api.tokens(browser);
    const answer = await act(weak.token);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(challenge('aal2'));
  });

  it('RFC 9449 §7.1: a token that is bound to a key is told by its own scheme', async () => {
    const { browser } = await api.person();
    world.clock.advance(QUARTER);
    const key = await DpopKey.create();
    const now = world.clock.now();
    const { code, verifier } = await world.code(api.assistant, browser, { scope: EVERYTHING });
    const form = {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: api.assistant.redirectUri,
    };
    const send = async (method: string, path: string, scheme: string, accessToken?: string) => {
      const url = world.url + path;
      const exchange = { authorization: basic(api.assistant) };
      const nonce = await nonceOf(url, method);
      const dpop = await key.proof({ method, url, now, nonce, accessToken });
      const headers = accessToken === undefined ? exchange : { authorization: `${scheme} ${accessToken}` };
      const body = accessToken === undefined ? new URLSearchParams(form) : null;
      return answerOf(await fetch(url, { method, body, headers: { ...headers, dpop } }));
    };
    const nonceOf = async (url: string, method: string) => {
      const dpop = await key.proof({ method, url, now });
      return (await fetch(url, { method, headers: { dpop } })).headers.get('dpop-nonce') ?? '';
    };
    const { body } = await send('POST', '/oauth2/token', 'Basic');
    const answer = await send('POST', `/v1/account${OFFERS}`, 'DPoP', String(body['access_token']));
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(challenge('aal1', 'DPoP'));
  });

  it('a machine is refused whenever it asks', async () => {
    expect(await act(await api.machineToken())).toMatchObject({
      status: 403,
      body: { code: 'access_denied', detail: expect.stringContaining('machine') },
    });
  });
});
