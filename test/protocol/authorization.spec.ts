import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SeatRepository } from '#licensing';
import { Authorize } from '#oauth';
import { Database, sql } from '#platform';
import { destinationOf, parametersOf, pathTo } from '../support/answers.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { claimsOf, PASSWORD, World, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';
const CONSULTANT = 'consultant@partners.example';

describe('the authorization endpoint', () => {
  let world: World;
  let projects: TestClient;
  let native: TestClient;
  let tenant: TestClient;
  let member: HttpBrowser;

  beforeAll(async () => {
    world = await World.start();
    projects = world.client('projects');
    native = await world.createClient({
      id: 'native',
      secretSha256: null,
      redirectUris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
    });
    tenant = await world.createClient({
      id: 'tenant',
      redirectUris: ['https://tenant.example/callback?tenant=a%20b&x'],
    });
    member = await world.signIn(MEMBER);
  });
  afterAll(() => world.stop());

  const ask = (
    client: TestClient,
    extra: Readonly<Record<string, string>> = {},
    browser: HttpBrowser = member,
    without: readonly string[] = [],
  ): Promise<Response> => {
    const { parameters } = world.authorizationRequest(client, extra);
    const kept = Object.entries(parameters).filter(([name]) => !without.includes(name));
    return browser.get(`/oauth2/authorize?${new URLSearchParams(kept)}`);
  };

  describe('redirect URIs (RFC 9700 §2.1, RFC 6749 §3.1.2)', () => {
    const expectErrorPage = async (response: Response) => {
      expect(response.status).toBe(400);
      expect(response.headers.get('location')).toBeNull();
      expect(response.headers.get('content-type')).toContain('text/html');
      expect(await response.text()).toContain('not one that it registered');
    };

    it.each([
      ['a trailing slash', 'https://projects.example/callback/'],
      ['a query', 'https://projects.example/callback?next=1'],
      ['an empty query', 'https://projects.example/callback?'],
      ['a fragment', 'https://projects.example/callback#fragment'],
      ['an empty fragment', 'https://projects.example/callback#'],
      ['the default port', 'https://projects.example:443/callback'],
      ['another port', 'https://projects.example:8443/callback'],
      ['a trailing dot of the host', 'https://projects.example./callback'],
      ['the host as user information', 'https://projects.example@evil.example/callback'],
      ['user information', 'https://user@projects.example/callback'],
      ['user information and a password', 'https://projects.example:443@evil.example/callback'],
      ['another case of the path', 'https://projects.example/Callback'],
      ['another case of the host', 'https://PROJECTS.example/callback'],
      ['another case of the scheme', 'HTTPS://projects.example/callback'],
      ['path traversal that leads back', 'https://projects.example/other/../callback'],
      ['path traversal', 'https://projects.example/callback/../other'],
      ['encoded path traversal', 'https://projects.example/callback/%2e%2e/other'],
      ['an encoded letter', 'https://projects.example/%63allback'],
      ['an encoded slash', 'https://projects.example%2fcallback'],
      ['an encoded slash at the end', 'https://projects.example/callback%2f'],
      ['backslashes', 'https:\\\\projects.example\\callback'],
      ['a backslash before another host', 'https://projects.example\\@evil.example/callback'],
      ['http', 'http://projects.example/callback'],
      ['a longer host', 'https://projects.example.evil.example/callback'],
      ['a prefix of the host', 'https://evilprojects.example/callback'],
      ['itself inside another address', 'https://evil.example/https://projects.example/callback'],
      ['no scheme', '//projects.example/callback'],
      ['no host', '/callback'],
      ['a space before', ' https://projects.example/callback'],
      ['a line break after', 'https://projects.example/callback\n'],
      ['a NUL after', 'https://projects.example/callback\0'],
      ['a tab inside', 'https://projects.exa\tmple/callback'],
      ['a full-width dot', 'https://projects\uff0eexample/callback'],
      ['a script', 'javascript:alert(1)//https://projects.example/callback'],
      ['loopback, which was not registered', 'http://127.0.0.1/callback'],
    ])('§2.1: a look-alike with %s is shown an error page and never redirected', async (_, redirectUri) => {
      await expectErrorPage(await ask(projects, { redirect_uri: redirectUri }));
    });

    it('§3.1.2.4: a missing, repeated or empty redirect URI is shown an error page and never redirected', async () => {
      await expectErrorPage(await ask(projects, {}, member, ['redirect_uri']));
      await expectErrorPage(await ask(projects, { redirect_uri: '' }));
      const { path } = world.authorizationRequest(projects);
      await expectErrorPage(
        await member.get(`${path}&redirect_uri=${encodeURIComponent(projects.redirectUri)}`),
      );
    });

    it.each([
      ['unknown', { client_id: 'nobody' }],
      ['empty', { client_id: '' }],
      ['of another shape', { client_id: "projects' OR '1'='1" }],
      ['with a NUL', { client_id: 'projects\0' }],
      ['very long', { client_id: 'p'.repeat(5000) }],
    ])('RFC 6749 §4.1.2.1: a client identifier that is %s leads to an error page', async (_, extra) => {
      const response = await ask(projects, extra);
      expect(response.status).toBe(400);
      expect(response.headers.get('location')).toBeNull();
      expect(await response.text()).toContain('not known to this server');
    });

    it('RFC 6749 §4.1.2.1: the client identifier sent twice leads to an error page', async () => {
      const { path } = world.authorizationRequest(projects);
      const response = await member.get(`${path}&client_id=projects`);
      expect([response.status, response.headers.get('location')]).toEqual([400, null]);
    });

    it('RFC 6749 §4.1.2.1: a client that was disabled leads to an error page, on every node at once', async () => {
      const gone = await world.createClient({ id: 'gone' });
      await world.heard();
      expect((await ask(gone)).status).toBe(303);
      await world.clients.disable('gone', world.clock.now(), 'test');
      await world.heard();
      expect((await ask(gone)).status).toBe(400);
    });

    it('the error page does not repeat what was sent as markup', async () => {
      const response = await ask(projects, {
        redirect_uri: 'https://x/"><script>alert(1)</script>',
        state: '<b>',
      });
      expect(await response.text()).not.toContain('<script>alert');
    });

    it.each(['http://127.0.0.1:51004/callback', 'http://127.0.0.1/callback', 'http://[::1]:9/callback'])(
      'RFC 8252 §7.3: a loopback redirect URI may differ in its port: %s',
      async (redirectUri) => {
        const destination = destinationOf(await ask(native, { redirect_uri: redirectUri }));
        expect(`${destination.origin}${destination.pathname}`).toBe(redirectUri);
        expect(destination.searchParams.get('code')).not.toBeNull();
      },
    );

    it.each([
      'http://127.0.0.1:51004/other',
      'http://127.0.0.1:51004/callback/',
      'http://127.0.0.1:51004/callback?x=1',
      'http://127.0.0.1:51004/callback?',
      'http://127.0.0.1:51004/callback#x',
      'http://127.0.0.1:51004/callback#',
      'http://127.0.0.1:51004/x/../callback',
      'http://user@127.0.0.1:51004/callback',
      'http://127.0.0.1:51004@evil.example/callback',
      'http://127.0.0.2:51004/callback',
      'http://127.1:51004/callback',
      'http://0x7f000001:51004/callback',
      'http://localhost:51004/callback',
      'https://127.0.0.1:51004/callback',
      'http://127.0.0.1.evil.example:51004/callback',
      'http://127.0.0.1:051004/callback',
    ])(
      'RFC 8252 §7.3: nothing but the port of a loopback redirect URI may differ: %s',
      async (redirectUri) => {
        await expectErrorPage(await ask(native, { redirect_uri: redirectUri }));
      },
    );

    it('RFC 6749 §3.1.2: the query of a registered redirect URI is kept as it is', async () => {
      const response = await ask(tenant);
      expect(response.headers.get('location')).toMatch(
        /^https:\/\/tenant\.example\/callback\?tenant=a%20b&x&code=/,
      );
    });
  });

  describe('answers', () => {
    it('RFC 9700 §4.12: success is a 303 that carries code, state and, by RFC 9207 §2, the issuer', async () => {
      const { path, parameters } = world.authorizationRequest(projects);
      const response = await member.get(path);
      expect(response.status).toBe(303);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('location')).toMatch(/^https:\/\/projects\.example\/callback\?/);
      expect(parametersOf(response)).toEqual({
        code: expect.any(String),
        state: parameters['state'],
        iss: world.url,
      });
    });

    it('RFC 9700 §4.12: whatever form is sent, the redirect that answers it is a 303', async () => {
      const stranger = await world.createClient({ id: 'stranger', firstParty: false });
      const browser = world.browser();
      const { parameters } = world.authorizationRequest(stranger);
      const follow = async (page: Response) => pathTo(await browser.get(pathTo(page)));
      const asked = await browser.post('/oauth2/authorize', parameters);
      const credentials = { email: CONSULTANT, password: PASSWORD };
      const signedIn = await browser.submit(pathTo(asked), '/sign-in', credentials);
      const choice = { organization_id: world.id('acme') };
      const chosen = await browser.submit(await follow(signedIn), '/choose-organization', choice);
      const consented = await browser.submit(await follow(chosen), '/consent', { decision: 'allow' });
      const answered = await browser.post('/oauth2/authorize', parameters);
      expect(parametersOf(answered)).toHaveProperty('code');
      const leaving = await browser.post('/oauth2/logout', {});
      const left = await browser.submit(pathTo(leaving), '/sign-out', {});
      const answers = [asked, signedIn, chosen, consented, answered, leaving, left];
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 303));
    });

    it('RFC 9207 §2: an error carries the issuer too, and the state', async () => {
      const response = await ask(projects, { response_type: 'token', state: 'xyz' });
      expect(response.status).toBe(303);
      expect(parametersOf(response)).toEqual({
        error: 'unsupported_response_type',
        error_description: expect.any(String),
        state: 'xyz',
        iss: world.url,
      });
    });

    it('RFC 6749 §4.1.1: without a state there is none in the answer', async () => {
      expect(parametersOf(await ask(projects, {}, member, ['state']))).toEqual({
        code: expect.any(String),
        iss: world.url,
      });
    });

    it('OpenID Connect Core §3.1.2.1: POST is answered as GET is', async () => {
      const { parameters } = world.authorizationRequest(projects);
      const response = await member.post('/oauth2/authorize', parameters);
      expect(response.status).toBe(303);
      expect(parametersOf(response)).toMatchObject({ code: expect.any(String), state: parameters['state'] });
    });

    it('RFC 9700 §2.6, §4.16: no other origin may read the answer, and no page may frame it', async () => {
      const { path } = world.authorizationRequest(projects);
      const response = await member.get(path, { origin: 'https://evil.example' });
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      const page = await member.get('/oauth2/authorize?client_id=nobody', { origin: 'https://evil.example' });
      expect(page.headers.get('access-control-allow-origin')).toBeNull();
      expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(page.headers.get('x-frame-options')).toBe('DENY');
    });

    it('RFC 6749 §3.1: unknown parameters are ignored', async () => {
      expect(
        parametersOf(await ask(projects, { unknown: 'x', __proto__x: 'y', constructor: 'z' })),
      ).toHaveProperty('code');
    });
  });

  describe('parameters', () => {
    const refusal = async (extra: Record<string, string>, without: string[] = [], client = projects) =>
      (await ask(client, extra, member, without)).headers.get('location') === null
        ? 'no redirect'
        : parametersOf(await ask(client, extra, member, without))['error'];

    it.each([
      'response_type',
      'scope',
      'state',
      'nonce',
      'code_challenge',
      'code_challenge_method',
      'prompt',
      'unknown',
    ])('RFC 6749 §3.1: %s sent twice is invalid_request', async (name) => {
      const { path } = world.authorizationRequest(
        projects,
        name === 'prompt' || name === 'unknown' ? { [name]: 'none' } : {},
      );
      const parameters = parametersOf(await member.get(`${path}&${name}=x`));
      expect(parameters).toMatchObject({ error: 'invalid_request', iss: world.url });
      expect(parameters).not.toHaveProperty('code');
    });

    it('OAuth 2.1 §4.1.1, RFC 9700 §2.1.1: a request without a code challenge is refused, of any client', async () => {
      const loopback = { redirect_uri: 'http://127.0.0.1:1/callback' };
      for (const without of [['code_challenge'], ['code_challenge', 'code_challenge_method']]) {
        expect(await refusal({}, without)).toBe('invalid_request');
        expect(await refusal(loopback, without, native)).toBe('invalid_request');
      }
    });

    it('RFC 9700 §2.1.1: the method of the challenge is S256 alone; plain, and plain by default, are refused', async () => {
      expect(await refusal({ code_challenge_method: 'plain' })).toBe('invalid_request');
      expect(await refusal({}, ['code_challenge_method'])).toBe('invalid_request');
      expect(await refusal({ code_challenge_method: 's256' })).toBe('invalid_request');
    });

    it('RFC 7636 §4.2: a challenge that no S256 can give is refused', async () => {
      expect(await refusal({ code_challenge: 'a'.repeat(42) })).toBe('invalid_request');
      expect(await refusal({ code_challenge: 'a'.repeat(44) })).toBe('invalid_request');
      expect(await refusal({ code_challenge: `${'a'.repeat(42)}=` })).toBe('invalid_request');
    });

    it('RFC 6749 §4.1.2.1: each wrong parameter has the error of its specification', async () => {
      expect(await refusal({}, ['response_type'])).toBe('invalid_request');
      expect(await refusal({ response_type: 'code id_token' })).toBe('unsupported_response_type');
      expect(await refusal({ scope: 'openid unknown:scope' })).toBe('invalid_scope');
      expect(await refusal({ scope: 'openid "quoted"' })).toBe('invalid_scope');
      expect(await refusal({ response_mode: 'fragment' })).toBe('invalid_request');
      expect(await refusal({ prompt: 'sometimes' })).toBe('invalid_request');
      expect(await refusal({ prompt: 'none login' })).toBe('invalid_request');
      expect(await refusal({ max_age: '-1' })).toBe('invalid_request');
      expect(await refusal({ max_age: 'soon' })).toBe('invalid_request');
      expect(await refusal({ request: 'eyJhbGciOiJub25lIn0..' })).toBe('request_not_supported');
      expect(await refusal({ request: 'x'.repeat(3000) })).toBe('request_not_supported');
      expect(await refusal({ request_uri: 'https://evil.example/request' })).toBe(
        'request_uri_not_supported',
      );
      expect(await refusal({ state: 's'.repeat(2049) })).toBe('invalid_request');
      expect(await refusal({ nonce: 'n'.repeat(2049) })).toBe('invalid_request');
    });

    it('RFC 6749 §4.1.2.1: control characters in what would be kept are refused', async () => {
      expect(await refusal({ nonce: 'a\0b' })).toBe('invalid_request');
      expect(await refusal({ scope: 'openid\0' })).toBe('invalid_request');
      expect(await refusal({ state: 'a\r\nb' })).toBe('invalid_request');
    });

    it('RFC 6749 §4.1.2.1: error_description holds only the characters that it may', async () => {
      const { path } = world.authorizationRequest(projects);
      const twice = await member.get(`${path}&a"b\\cé=1&a"b\\cé=2`);
      for (const response of [twice, await ask(projects, { scope: 'nothing:known' })]) {
        expect(parametersOf(response)['error_description']).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
      }
    });

    it('RFC 6749 §4.1.2.1: a client that may not use the grant is told unauthorized_client', async () => {
      const machine = await world.createClient({ id: 'machine', grantTypes: ['client_credentials'] });
      expect(await refusal({}, [], machine)).toBe('unauthorized_client');
    });
  });

  describe('prompt, max_age and the hint (OpenID Connect Core §3.1.2.1)', () => {
    it('prompt=none: without a session the client is told login_required, with its state and the issuer', async () => {
      const response = await ask(projects, { prompt: 'none', state: 'abc' }, world.browser());
      expect(response.status).toBe(303);
      expect(destinationOf(response).origin).toBe('https://projects.example');
      expect(parametersOf(response)).toMatchObject({ error: 'login_required', state: 'abc', iss: world.url });
    });

    it('prompt=none: with a session the code comes at once', async () => {
      expect(parametersOf(await ask(projects, { prompt: 'none' }))).toHaveProperty('code');
    });

    it('prompt=none: with a session that is older than max_age the client is told login_required', async () => {
      const browser = await world.signIn(MEMBER);
      world.clock.advance(61_000);
      expect(parametersOf(await ask(projects, { prompt: 'none', max_age: '60' }, browser))).toMatchObject({
        error: 'login_required',
      });
      expect(parametersOf(await ask(projects, { prompt: 'none', max_age: '62' }, browser))).toHaveProperty(
        'code',
      );
    });

    it('prompt=none: who would have to choose an organization makes interaction_required', async () => {
      const browser = await world.signIn(CONSULTANT);
      expect(parametersOf(await ask(projects, { prompt: 'none' }, browser))).toMatchObject({
        error: 'interaction_required',
      });
    });

    it('prompt=none: who would have to consent makes consent_required', async () => {
      const partner = await world.createClient({ id: 'silent-partner', firstParty: false });
      expect(parametersOf(await ask(partner, { prompt: 'none' }))).toMatchObject({
        error: 'consent_required',
      });
    });

    it('without a session the person signs in and comes back with a code', async () => {
      const browser = world.browser();
      const { path, parameters } = world.authorizationRequest(projects);
      const response = await browser.get(path);
      expect(response.status).toBe(303);
      const page = destinationOf(response);
      expect([page.origin, page.pathname]).toEqual([world.url, '/sign-in']);
      const signedIn = await browser.submit(page.pathname + page.search, '/sign-in', {
        email: MEMBER,
        password: PASSWORD,
      });
      expect(signedIn.status).toBe(303);
      const answer = await browser.get(signedIn.headers.get('location') ?? '');
      expect(parametersOf(answer)).toEqual({
        code: expect.any(String),
        state: parameters['state'],
        iss: world.url,
      });
    });

    it.each([{ prompt: 'login' }, { max_age: '0' }])(
      '%j: who is signed in signs in again, once, and auth_time says when',
      async (extra) => {
        const browser = await world.signIn(MEMBER);
        world.clock.advance(5000);
        const { path, verifier, parameters } = world.authorizationRequest(projects, extra);
        const page = destinationOf(await browser.get(path));
        expect(page.pathname).toBe('/sign-in');
        world.clock.advance(5000);
        const signedIn = await browser.submit(page.pathname + page.search, '/sign-in', {
          email: MEMBER,
          password: PASSWORD,
        });
        world.clock.advance(2000);
        const answer = parametersOf(await browser.get(signedIn.headers.get('location') ?? ''));
        expect(answer).toMatchObject({ code: expect.any(String), state: parameters['state'] });
        const { body } = await world.exchange(projects, { code: answer['code'] ?? '', verifier });
        const { auth_time: authTime, iat } = claimsOf(String(body['id_token']));
        expect(Number(iat) - Number(authTime)).toBe(2);
      },
    );

    it('prompt=select_account: the person chooses the organization again', async () => {
      const browser = await world.signIn(MEMBER);
      const page = destinationOf(await ask(projects, { prompt: 'select_account' }, browser));
      expect(page.pathname).toBe('/choose-organization');
      const chosen = await browser.submit(page.pathname + page.search, '/choose-organization', {
        organization_id: world.id('acme'),
      });
      expect(parametersOf(await browser.get(chosen.headers.get('location') ?? ''))).toHaveProperty('code');
    });

    it('prompt=consent: a first-party client asks too when it wants to', async () => {
      const page = destinationOf(await ask(projects, { prompt: 'consent' }));
      expect(page.pathname).toBe('/consent');
      const allowed = await member.submit(page.pathname + page.search, '/consent', { decision: 'allow' });
      expect(parametersOf(await member.get(allowed.headers.get('location') ?? ''))).toHaveProperty('code');
    });

    it('login_hint fills the sign-in page in', async () => {
      const browser = world.browser();
      const page = destinationOf(await ask(projects, { login_hint: 'somebody@acme.example' }, browser));
      expect(await (await browser.get(page.pathname + page.search)).text()).toContain(
        'value="somebody@acme.example"',
      );
    });
  });

  describe('choosing an organization', () => {
    it('a person of two organizations chooses one; the tokens name it', async () => {
      const browser = await world.signIn(CONSULTANT);
      const { path, verifier } = world.authorizationRequest(projects);
      const page = destinationOf(await browser.get(path));
      expect(page.pathname).toBe('/choose-organization');
      const shown = await (await browser.get(page.pathname + page.search)).text();
      expect(shown).toContain('Acme Corporation');
      expect(shown).toContain('Globex');
      const chosen = await browser.post('/choose-organization', {
        ...hiddenFields(shown),
        organization_id: world.id('globex'),
      });
      const { code = '' } = parametersOf(await browser.get(chosen.headers.get('location') ?? ''));
      const { body } = await world.exchange(projects, { code, verifier });
      expect(claimsOf(String(body['access_token']))).toMatchObject({
        organization_id: world.id('globex'),
        organization: 'globex',
        roles: ['member'],
      });
    });

    it("an organization that the person does not belong to cannot be chosen, nor another's form be used", async () => {
      const browser = await world.signIn(MEMBER);
      const page = await (await browser.get('/choose-organization')).text();
      const choice = { ...hiddenFields(page), organization_id: world.id('globex') };
      expect((await browser.post('/choose-organization', choice)).status).toBe(403);
      expect(
        (await browser.post('/choose-organization', { ...choice, organization_id: 'globex' })).status,
      ).toBe(400);
      const stranger = await world.signIn('owner@acme.example');
      const own = { ...choice, organization_id: world.id('acme') };
      expect((await stranger.post('/choose-organization', own)).status).toBe(403);
      expect((await browser.post('/choose-organization', own)).status).toBe(303);
    });
  });

  describe("consent to somebody else's client", () => {
    let partner: TestClient;
    beforeAll(async () => {
      partner = await world.createClient({ id: 'partner', name: 'Partner Planner', firstParty: false });
    });

    it('nothing is given before the person allows it; denied, the client is told access_denied and nothing is remembered', async () => {
      const browser = await world.signIn(MEMBER);
      const { path, parameters } = world.authorizationRequest(partner);
      const page = destinationOf(await browser.get(path));
      expect(page.pathname).toBe('/consent');
      expect(await (await browser.get(page.pathname + page.search)).text()).toContain('Partner Planner');
      const denied = await browser.submit(page.pathname + page.search, '/consent', { decision: 'deny' });
      expect(denied.status).toBe(303);
      expect(destinationOf(denied).origin).toBe('https://partner.example');
      expect(parametersOf(denied)).toMatchObject({
        error: 'access_denied',
        state: parameters['state'],
        iss: world.url,
      });
      expect(destinationOf(await browser.get(path)).pathname).toBe('/consent');
    });

    it('what was shown is what is allowed: another organization, chosen in another tab meanwhile, is asked about anew', async () => {
      const browser = await world.signIn(CONSULTANT);
      const choose = async (organization: string) =>
        browser.submit('/choose-organization', '/choose-organization', {
          organization_id: world.id(organization),
        });
      await choose('acme');
      const { path } = world.authorizationRequest(partner, { scope: 'openid profile' });
      const page = destinationOf(await browser.get(path));
      expect(page.pathname).toBe('/consent');
      const shown = hiddenFields(await (await browser.get(page.pathname + page.search)).text());
      await choose('globex');
      const answer = await browser.post('/consent', { ...shown, decision: 'allow' });
      expect([answer.status, destinationOf(answer).pathname]).toEqual([303, '/consent']);
      // neither organization has it
      for (const organization of ['globex', 'acme']) {
        await choose(organization);
        expect(destinationOf(await browser.get(path)).pathname).toBe('/consent');
      }
    });

    it('a form that does not say which organization was shown allows nothing and asks again; denied, it needs none', async () => {
      const browser = await world.signIn(MEMBER);
      const { path } = world.authorizationRequest(partner, { scope: 'openid profile' });
      const page = destinationOf(await browser.get(path));
      const { organization_id: shown, ...form } = hiddenFields(
        await (await browser.get(page.pathname + page.search)).text(),
      );
      expect(shown).toBe(world.id('acme'));
      const answer = await browser.post('/consent', { ...form, decision: 'allow' });
      expect([answer.status, destinationOf(answer).pathname]).toEqual([303, '/consent']);
      expect(destinationOf(await browser.get(path)).pathname).toBe('/consent');
      expect(parametersOf(await browser.post('/consent', { ...form, decision: 'deny' }))).toMatchObject({
        error: 'access_denied',
      });
    });

    it('a request that has become wrong since it was shown is answered with what is wrong with it, not with a failure', async () => {
      const { parameters } = world.authorizationRequest(partner, { code_challenge_method: 'plain' });
      const answer = await world.app.get(Authorize).deny(parameters, 'The person did not allow it.');
      expect([answer.to.redirectUri, answer.parameters]).toEqual([
        partner.redirectUri,
        expect.objectContaining({ error: 'invalid_request', state: parameters['state'], iss: world.url }),
      ]);
    });

    it('allowed, it is remembered for these scopes and this person; more scopes are asked for again', async () => {
      const browser = await world.signIn(MEMBER);
      const scope = 'openid profile';
      const page = destinationOf(await ask(partner, { scope }, browser));
      const allowed = await browser.submit(page.pathname + page.search, '/consent', { decision: 'allow' });
      expect(parametersOf(await browser.get(allowed.headers.get('location') ?? ''))).toHaveProperty('code');
      expect(parametersOf(await ask(partner, { scope, prompt: 'none' }, browser))).toHaveProperty('code');
      expect(destinationOf(await ask(partner, { scope: 'openid email' }, browser)).pathname).toBe('/consent');
      const another = await world.signIn('owner@acme.example');
      expect(destinationOf(await ask(partner, { scope }, another)).pathname).toBe('/consent');
    });

    it('a consent form without its token, or from another browser, allows nothing', async () => {
      const browser = await world.signIn('owner@acme.example');
      const page = destinationOf(await ask(partner, {}, browser));
      const fields = { return_to: page.searchParams.get('return_to') ?? '', decision: 'allow' };
      expect((await browser.post('/consent', fields)).status).toBe(403);
      const stranger = await world.signIn(MEMBER);
      const form = hiddenFields(await (await stranger.get(page.pathname + page.search)).text());
      expect((await browser.post('/consent', { ...form, decision: 'allow' })).status).toBe(403);
      expect(destinationOf(await ask(partner, {}, browser)).pathname).toBe('/consent');
    });
  });

  describe('licenses', () => {
    it('without a license for the module the person is told, and no code is given', async () => {
      const reports = world.client('reports');
      const browser = await world.signIn('admin@globex.example');
      const response = await ask(reports, { scope: 'openid reports:read' }, browser);
      expect(response.status).toBe(303);
      const page = destinationOf(response);
      expect([page.origin, page.pathname]).toEqual([world.url, '/license-refused']);
      const shown = await browser.get(page.pathname + page.search);
      expect(shown.status).toBe(403);
      expect(await shown.text()).toContain('Reports');
    });

    it('whoever would get a seat at first use is told when one that cools is free for them', async () => {
      const reports = world.client('reports');
      const licenseId = await world.license('globex', 'reports', {
        ...{ seatModel: 'named', seatLimit: 1, seatOnFirstUse: true, seatCooldownSeconds: 3600 },
      });
      await world.createPerson('second@globex.example', 'Second', { globex: 'member' });
      await world.assignSeat(licenseId, 'second@globex.example');
      await world.app.get(SeatRepository).releaseSeat(licenseId, world.id('second@globex.example'), 'test');
      await world.heard();
      const [cooling] = await world.app.get(Database).query<{ until: Date }>(sql`
        SELECT released_at + interval '1 hour' AS until FROM seat_assignments WHERE license_id = ${licenseId}`);
      const browser = await world.signIn('admin@globex.example');
      const page = destinationOf(await ask(reports, { scope: 'openid reports:read' }, browser));
      expect(page.pathname).toBe('/license-refused');
      const shown = await (await browser.get(page.pathname + page.search)).text();
      expect(shown).toContain('No seat is free yet');
      expect(shown).toContain(`<time datetime="${cooling?.until.toISOString()}">`);
      await world.licenses.changeStatus(licenseId, 'revoked', 'test');
    });

    it('the page of a refusal, opened for a request that is wrong in another way, leads back to where that is answered', async () => {
      const { path } = world.authorizationRequest(projects, { resource: 'https://nowhere.example' });
      const page = await member.get(`/license-refused?${new URLSearchParams({ return_to: path })}`);
      expect([page.status, page.headers.get('location')]).toEqual([303, path]);
      expect(parametersOf(await member.get(path))).toMatchObject({ error: 'invalid_target' });
    });

    it('prompt=none: the client is told access_denied', async () => {
      const browser = await world.signIn('admin@globex.example');
      const response = await ask(
        world.client('reports'),
        { scope: 'openid reports:read', prompt: 'none' },
        browser,
      );
      expect(parametersOf(response)).toMatchObject({ error: 'access_denied', iss: world.url });
    });

    it('a license that was suspended refuses at once, and one that came back allows at once', async () => {
      const license = world.id('license:globex:projects');
      const browser = await world.signIn('admin@globex.example');
      await world.licenses.changeStatus(license, 'suspended', 'test');
      expect(destinationOf(await ask(projects, {}, browser)).pathname).toBe('/license-refused');
      await world.licenses.changeStatus(license, 'issued', 'test');
      expect(parametersOf(await ask(projects, {}, browser))).toHaveProperty('code');
    });
  });
});
