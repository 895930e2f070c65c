import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LOOK_ALIKES } from '../support/bad-values.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { harmOf, sendRaw } from '../support/raw-request.js';
import { basic, World, type TestClient } from '../support/world.js';

const FORM = 'application/x-www-form-urlencoded';
const SIGNED_OUT = 'https://projects.example/callback';
const LOOPBACK_LOOK_ALIKES: Readonly<Record<string, string>> = {
  'another loopback address': 'http://127.0.0.2:4000/callback',
  'the same address in one number': 'http://2130706433:4000/callback',
  'the same address in octal': 'http://0177.0.0.1:4000/callback',
  'a short form': 'http://127.1:4000/callback',
  'a name for it': 'http://localhost:4000/callback',
  'its IPv6 address': 'http://[::1]:4000/callback',
  'mapped to IPv6': 'http://[::ffff:127.0.0.1]:4000/callback',
  'user information': 'http://127.0.0.1:4000@evil.example/callback',
  'another path': 'http://127.0.0.1:4000/callback/x',
  'a query': 'http://127.0.0.1:4000/callback?x',
  'another scheme': 'https://127.0.0.1:4000/callback',
  'a longer host': 'http://127.0.0.1.evil.example:4000/callback',
  'path traversal': 'http://127.0.0.1:4000/x/../callback',
  'a port beyond all': 'http://127.0.0.1:65536/callback',
  'a backslash': 'http://127.0.0.1:4000\\callback',
  'a line break': 'http://127.0.0.1:4000/callback\r\n',
  'every address': 'http://0.0.0.0:4000/callback',
};

describe('redirect URIs that look like the registered one (RFC 9700 §2.1, §4.1)', () => {
  let world: World;
  let confidential: TestClient;
  let browserApp: TestClient;
  let native: TestClient;
  let member: HttpBrowser;
  let cookie: string;

  beforeAll(async () => {
    world = await World.start();
    const redirectUris = ['https://projects.example/callback'];
    confidential = await world.createClient({
      id: 'web',
      redirectUris,
      postLogoutRedirectUris: [SIGNED_OUT],
    });
    browserApp = await world.createClient({ id: 'browser', redirectUris, secretSha256: null });
    native = await world.createClient({
      id: 'native',
      redirectUris: ['http://127.0.0.1/callback'],
      secretSha256: null,
    });
    member = await world.signIn('member@acme.example');
    cookie = member.cookieNames.map((name) => `${name}=${member.cookie(name)}`).join('; ');
  });
  afterAll(() => world.stop());

  /** By whichever of the ways there are to bring a request: none may lead anywhere. */
  const expectNowhere = async (client: TestClient, uri: string) => {
    const { parameters } = world.authorizationRequest(client, { redirect_uri: uri, scope: 'openid' });
    for (const more of [{}, { prompt: 'none' }, { response_type: 'token' }, { response_mode: 'form_post' }]) {
      const query = new URLSearchParams({ ...parameters, ...more }).toString();
      for (const headers of [{ cookie, accept: 'text/html' }, { accept: 'application/json' }]) {
        for (const answer of [
          await sendRaw(world.url, 'GET', `/oauth2/authorize?${query}`, { headers }),
          await sendRaw(world.url, 'POST', '/oauth2/authorize', {
            headers: { ...headers, 'content-type': FORM },
            body: query,
          }),
        ]) {
          expect([answer.status, answer.location, harmOf(answer)]).toEqual([400, undefined, undefined]);
          // not even as a link or the target of a form
          expect(answer.text).not.toMatch(/(href|action|src)="(?!\/(?!\/)|#content)/);
        }
      }
    }
    const headers = client.secret === undefined ? {} : { authorization: basic(client) };
    const pushed = await sendRaw(world.url, 'POST', '/oauth2/par', {
      headers: { ...headers, 'content-type': FORM },
      body: new URLSearchParams(parameters).toString(),
    });
    expect([pushed.status, (JSON.parse(pushed.text) as { error: string }).error]).toEqual([
      400,
      'invalid_request',
    ]);
  };

  it.each(Object.entries(LOOK_ALIKES))('with %s: neither a redirect nor a pushed request', async (_, uri) => {
    await expectNowhere(confidential, uri);
    await expectNowhere(browserApp, uri);
  });

  it.each(Object.entries(LOOPBACK_LOOK_ALIKES))(
    'RFC 8252 §7.3: of a native client, with %s: neither',
    (_, uri) => expectNowhere(native, uri),
  );

  it('RFC 6749 §4.1.3: a code is not exchanged under any of them, and not spent by trying', async () => {
    const issued = await world.code(confidential, member, { scope: 'openid' });
    for (const [what, uri] of Object.entries(LOOK_ALIKES)) {
      const answer = await world.token(confidential, {
        grant_type: 'authorization_code',
        code: issued.code,
        code_verifier: issued.verifier,
        redirect_uri: uri,
      });
      const error = /\p{Cc}/u.test(uri) || uri.length > 2048 ? 'invalid_request' : 'invalid_grant';
      expect([what, answer.status, answer.body['error']]).toEqual([what, 400, error]);
    }
    expect((await world.exchange(confidential, issued)).status).toBe(200);
  });

  it('RP-Initiated Logout §3: nobody is led to any of them after signing out, and nobody is signed out', async () => {
    for (const [what, uri] of Object.entries(LOOK_ALIKES)) {
      const query = new URLSearchParams({ client_id: 'web', post_logout_redirect_uri: uri });
      for (const path of ['/oauth2/logout', '/sign-out']) {
        const answer = await sendRaw(world.url, 'GET', `${path}?${query}`, {
          headers: { cookie, accept: 'text/html' },
        });
        expect([what, answer.status, answer.location, harmOf(answer)]).toEqual([
          what,
          400,
          undefined,
          undefined,
        ]);
      }
    }
    expect((await member.get('/')).status).toBe(200);
  });

  it('after signing in nobody is led off this server by any of them', async () => {
    for (const uri of [
      ...Object.values(LOOK_ALIKES),
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      '/%2f/evil.example',
      '/.//evil.example',
    ]) {
      const body = new URLSearchParams({ email: 'x', password: 'x', return_to: uri });
      for (const answer of [
        await sendRaw(world.url, 'GET', `/sign-in?${new URLSearchParams({ return_to: uri })}`, {
          headers: { cookie },
        }),
        await sendRaw(world.url, 'GET', `/choose-organization?${new URLSearchParams({ return_to: uri })}`, {
          headers: { cookie },
        }),
        await sendRaw(world.url, 'POST', '/sign-in', {
          headers: { 'content-type': FORM },
          body: body.toString(),
        }),
      ]) {
        expect([uri.slice(0, 80), harmOf(answer)]).toEqual([uri.slice(0, 80), undefined]);
        if (answer.location !== undefined) expect(new URL(answer.location, world.url).origin).toBe(world.url);
      }
    }
  });
});
