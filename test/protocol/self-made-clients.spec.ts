import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { destinationOf, parametersOf, pathTo } from '../support/answers.js';
import { DocumentServer } from '../support/document-server.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { callRegistration, clientOf } from '../support/registering.js';
import { PASSWORD, World, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';
const ELSEWHERE = 'https://evil.example/phish';
const METADATA = {
  client_name: 'Some App',
  redirect_uris: [ELSEWHERE],
  post_logout_redirect_uris: [`${ELSEWHERE}?a=%20b`],
  token_endpoint_auth_method: 'none',
};

/** Each error of RFC 6749 §4.1.2.1 and OpenID Connect Core that can be had without a person. */
const WRONG: readonly (readonly [error: string, extra: Readonly<Record<string, string>>])[] = [
  ['invalid_scope', { scope: 'bogus' }],
  ['unsupported_response_type', { response_type: 'token' }],
  ['request_not_supported', { request: 'eyJhbGciOiJub25lIn0..' }],
  ['invalid_request', { prompt: 'none login' }],
  ['invalid_request', { state: 's'.repeat(2049) }],
  ['invalid_target', { resource: 'https://nowhere.example' }],
];

describe('clients that nobody here has vouched for (RFC 9700 §4.11.2)', () => {
  let world: World;
  let documents: DocumentServer;
  let registered: TestClient;
  let documented: TestClient;

  beforeAll(async () => {
    documents = await DocumentServer.start();
    world = await World.start({
      env: { CORE_AUTH_REGISTRATION: 'open', CORE_AUTH_CLIENT_ID_METADATA_DOCUMENTS: 'on' },
    });
    registered = clientOf(await callRegistration(`${world.url}/oauth2/register`, { body: METADATA }));
    const id = documents.url('/client.json');
    documents.documents.set('/client.json', { body: JSON.stringify({ ...METADATA, client_id: id }) });
    documented = { id, secret: undefined, redirectUri: ELSEWHERE };
  });
  afterAll(async () => {
    await world.stop();
    await documents.stop();
  });

  const both = () => [registered, documented];
  const ask = (client: TestClient, extra: Readonly<Record<string, string>>, browser: HttpBrowser) =>
    browser.get(world.authorizationRequest(client, { scope: 'openid', ...extra }).path);

  it.each(WRONG)(
    'a wrong request is answered only once somebody has signed in: %s %j',
    async (error, extra) => {
      for (const client of both()) {
        const browser = world.browser();
        const page = pathTo(await ask(client, extra, browser));
        expect(page).toMatch(/^\/sign-in\?/);
        const form = await browser.get(page);
        // a browser follows the redirects of a form nowhere else
        expect(form.headers.get('content-security-policy')).toContain(
          "form-action 'self' https://evil.example",
        );
        const signedIn = await browser.submit(page, '/sign-in', { email: MEMBER, password: PASSWORD });
        const answer = await browser.get(pathTo(signedIn));
        expect(destinationOf(answer).host).toBe('evil.example');
        expect(parametersOf(answer)).toMatchObject({ error, iss: world.url });
      }
    },
  );

  it('who is signed in gets the error back at once, and so does a silent request', async () => {
    const member = await world.signIn(MEMBER);
    for (const client of both()) {
      expect(parametersOf(await ask(client, { scope: 'bogus' }, member))).toMatchObject({
        error: 'invalid_scope',
      });
      const silent = { scope: 'bogus', prompt: 'none' };
      expect(parametersOf(await ask(client, silent, world.browser()))).toMatchObject({
        error: 'invalid_scope',
      });
    }
  });

  it('a parameter that came twice is wrong after signing in too', async () => {
    const browser = world.browser();
    const { path } = world.authorizationRequest(registered, { scope: 'openid' });
    const page = pathTo(await browser.get(`${path}&whatever=1&whatever=2`));
    const signedIn = await browser.submit(page, '/sign-in', { email: MEMBER, password: PASSWORD });
    expect(parametersOf(await browser.get(pathTo(signedIn)))).toMatchObject({ error: 'invalid_request' });
  });

  it('a wrong request that no address can hold leads nowhere', async () => {
    const answer = await world.browser().post('/oauth2/authorize', {
      ...world.authorizationRequest(registered, { scope: 'openid' }).parameters,
      request: 'x'.repeat(20_000),
    });
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
  });

  it('a client that an administrator made has its errors back at once (RFC 6749 §4.1.2.1)', async () => {
    const answer = await ask(world.client('projects'), { scope: 'bogus' }, world.browser());
    expect(parametersOf(answer)).toMatchObject({ error: 'invalid_scope' });
  });

  describe('at the logout endpoint', () => {
    const [address = ''] = METADATA.post_logout_redirect_uris;
    const logout = (client: TestClient, browser: HttpBrowser) => {
      const fields = { client_id: client.id, post_logout_redirect_uri: address, state: 'a b' };
      return browser.get(`/oauth2/logout?${new URLSearchParams(fields)}`);
    };

    it('a browser without a session is sent nowhere: a page shows where it would go', async () => {
      for (const client of both()) {
        const browser = world.browser();
        const page = await browser.get(pathTo(await logout(client, browser)));
        expect([page.status, page.headers.get('location')]).toEqual([200, null]);
        const text = await page.text();
        expect(text).toContain('Go on to evil.example');
        expect(text).toContain(`href="${address}&amp;state=a+b"`);
      }
    });

    it('who is signed in is asked, and then goes where it leads', async () => {
      const browser = await world.signIn(MEMBER);
      const asked = pathTo(await logout(registered, browser));
      const left = await browser.submit(asked, '/sign-out', {});
      expect(left.headers.get('location')).toBe(`${address}&state=a+b`);
    });
  });
});
