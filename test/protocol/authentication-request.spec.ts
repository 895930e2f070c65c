import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parametersOf, pathTo } from '../support/answers.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { claimsOf, PASSWORD, World, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';
const HOUR = 3_600_000;

describe('authentication requests of OpenID Connect', () => {
  let world: World;
  let projects: TestClient;
  let partner: TestClient;
  let member: HttpBrowser;

  beforeAll(async () => {
    world = await World.start();
    projects = world.client('projects');
    partner = await world.createClient({ id: 'partner', firstParty: false });
    member = await world.signIn(MEMBER);
  });
  afterAll(() => world.stop());

  const ask = (client: TestClient, extra: Readonly<Record<string, string>>, browser: HttpBrowser = member) =>
    browser.get(world.authorizationRequest(client, extra).path);
  const tokens = async (client: TestClient, extra: Readonly<Record<string, string>>, browser = member) => {
    const answer = await world.exchange(client, await world.code(client, browser, extra));
    expect(answer.status).toBe(200);
    return answer.body as Record<string, string>;
  };

  describe('response_mode=form_post (OAuth 2.0 Form Post Response Mode)', () => {
    it('§2: the answer is a page whose form posts code, state and iss to the redirect URI', async () => {
      const { parameters, verifier, path } = world.authorizationRequest(projects, {
        response_mode: 'form_post',
        state: 'quotes " and <b & others',
      });
      const answer = await member.get(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const html = await answer.text();
      expect(html).toContain(`action="${projects.redirectUri}"`);
      const fields = hiddenFields(html);
      expect(fields).toMatchObject({ state: parameters['state'], iss: world.url });
      const exchanged = await world.exchange(projects, { code: fields['code'] ?? '', verifier });
      expect(exchanged.status).toBe(200);
    });

    it('its policy lets exactly its one script run', async () => {
      const answer = await ask(projects, { response_mode: 'form_post' });
      expect(answer.headers.get('content-security-policy')).toMatch(
        /default-src 'none';.* script-src 'sha256-[A-Za-z0-9+/=]+';.*frame-ancestors 'none'/,
      );
    });

    it('errors are posted too', async () => {
      const answer = await ask(projects, { response_mode: 'form_post', scope: 'unheard', state: 's' });
      expect(hiddenFields(await answer.text())).toMatchObject({ error: 'invalid_scope', state: 's' });
    });

    it('a person who denies is answered by a form as well', async () => {
      const browser = await world.signIn(MEMBER);
      const page = pathTo(await ask(partner, { response_mode: 'form_post', state: 's' }, browser));
      const denied = await browser.submit(page, '/consent', { decision: 'deny' });
      expect(hiddenFields(await denied.text())).toMatchObject({ error: 'access_denied', state: 's' });
    });

    it('another mode is refused', async () => {
      expect(parametersOf(await ask(projects, { response_mode: 'fragment' }))).toMatchObject({
        error: 'invalid_request',
      });
    });
  });

  describe('prompt and max_age cannot be left out on the way back (OpenID Connect Core §3.1.2.1)', () => {
    it.each([{ prompt: 'login' }, { max_age: '0' }])(
      '%j: whoever goes on without signing in is asked again; whoever signs in gets the code',
      async (extra) => {
        const browser = await world.signIn(MEMBER);
        world.clock.advance(1000);
        const page = pathTo(await ask(projects, extra, browser));
        expect(page).toMatch(/^\/sign-in\?/);
        const resume = new URL(page, world.url).searchParams.get('return_to') ?? '';
        expect(pathTo(await browser.get(resume))).toMatch(/^\/sign-in\?/);
        world.clock.advance(1000);
        const signedIn = await browser.submit(page, '/sign-in', { email: MEMBER, password: PASSWORD });
        expect(parametersOf(await browser.get(pathTo(signedIn)))).toHaveProperty('code');
      },
    );

    it('the mark of one request does not serve another, an altered one nothing, an old one no longer', async () => {
      const browser = await world.signIn(MEMBER);
      world.clock.advance(1000);
      const page = pathTo(await ask(projects, { prompt: 'login' }, browser));
      world.clock.advance(1000);
      await browser.submit(page, '/sign-in', { email: MEMBER, password: PASSWORD });
      const resume = new URL(new URL(page, world.url).searchParams.get('return_to') ?? '', world.url);
      const mark = resume.searchParams.get('request_start') ?? '';
      const other = world.authorizationRequest(projects, { prompt: 'login', request_start: mark }).path;
      expect(pathTo(await browser.get(other))).toMatch(/^\/sign-in\?/);
      const [kid, at = '', mac] = mark.split('.');
      resume.searchParams.set('request_start', `${kid}.${Number(at) - 1}.${mac}`);
      expect(pathTo(await browser.get(resume.pathname + resume.search))).toMatch(/^\/sign-in\?/);
      resume.searchParams.set('request_start', mark);
      const resumed = resume.pathname + resume.search;
      world.clock.advance(HOUR / 2);
      await world.signIn(MEMBER, browser);
      expect(parametersOf(await browser.get(resumed))).toHaveProperty('code');
      world.clock.advance(HOUR / 2);
      expect(pathTo(await browser.get(resumed))).toMatch(/^\/sign-in\?/);
      member = await world.signIn(MEMBER);
    });

    it('prompt=consent is fulfilled by consenting to this request', async () => {
      const browser = await world.signIn(MEMBER);
      const page = pathTo(await ask(partner, { prompt: 'consent' }, browser));
      expect(page).toMatch(/^\/consent\?/);
      const allowed = await browser.submit(page, '/consent', { decision: 'allow' });
      expect(parametersOf(await browser.get(pathTo(allowed)))).toHaveProperty('code');
      world.clock.advance(1000);
      expect(pathTo(await ask(partner, { prompt: 'consent' }, browser))).toMatch(/^\/consent\?/);
    });
  });

  describe('the claims parameter (OpenID Connect Core §5.5)', () => {
    const claims = (value: unknown) => ({ claims: JSON.stringify(value), scope: 'openid' });

    it('§5.5: a claim that was asked for comes where it was asked for, and nowhere else', async () => {
      const given = await tokens(
        projects,
        claims({ id_token: { name: null }, userinfo: { email: { essential: true } } }),
      );
      const idToken = claimsOf(given['id_token'] ?? '');
      expect(idToken).toHaveProperty('name', 'Max Member');
      expect(idToken).not.toHaveProperty('email');
      const userinfo = await fetch(`${world.url}/oauth2/userinfo`, {
        headers: { authorization: `Bearer ${given['access_token']}` },
      });
      const body = (await userinfo.json()) as Record<string, unknown>;
      expect(body).toMatchObject({ email: MEMBER });
      expect(body).not.toHaveProperty('name');
    });

    it('§5.5: a claim whose scope the client may not ask for is ignored, with consent and without', async () => {
      const wish = { id_token: { email: null, name: null, acr: null }, userinfo: { email: null } };
      for (const firstParty of [true, false]) {
        const id = firstParty ? 'narrow' : 'narrow-partner';
        const narrow = await world.createClient({ id, firstParty, scopes: ['openid', 'profile'] });
        const browser = await world.signIn(MEMBER);
        let answer = await ask(narrow, claims(wish), browser);
        if (!firstParty) {
          const page = pathTo(answer);
          const shown = await (await browser.get(page)).text();
          // what the claims add is shown, and no more
          expect([shown.includes('See your name'), shown.includes('See your e-mail')]).toEqual([true, false]);
          answer = await browser.get(pathTo(await browser.submit(page, '/consent', { decision: 'allow' })));
        }
        expect(parametersOf(answer)).toHaveProperty('code');
        const given = await tokens(narrow, claims(wish), browser);
        const idToken = claimsOf(given['id_token'] ?? '');
        expect([idToken['name'], idToken['email'], idToken['acr']]).toEqual([
          'Max Member',
          undefined,
          'aal1',
        ]);
        const userinfo = await fetch(`${world.url}/oauth2/userinfo`, {
          headers: { authorization: `Bearer ${given['access_token']}` },
        });
        expect(await userinfo.json()).not.toHaveProperty('email');
      }
    });

    it('§5.5: it is still there after a refresh', async () => {
      const given = await tokens(projects, claims({ id_token: { name: null } }));
      const refreshed = await world.refresh(projects, given['refresh_token'] ?? '');
      expect(claimsOf(String(refreshed.body['id_token']))).toHaveProperty('name');
    });

    it('§5.5.1.1: an essential acr that cannot be reached is refused; one that was reached is stated', async () => {
      const essential = (...values: string[]) => claims({ id_token: { acr: { essential: true, values } } });
      for (const request of [essential('phr'), { ...essential('aal2'), prompt: 'none' }]) {
        expect(parametersOf(await ask(projects, request))).toMatchObject({
          error: 'unmet_authentication_requirements',
        });
      }
      const given = await tokens(projects, essential('aal2', 'aal1'));
      expect(claimsOf(given['id_token'] ?? '')).toMatchObject({ acr: 'aal1' });
    });

    it('§3.1.2.1: acr_values are a wish: another class is stated, not refused', async () => {
      const given = await tokens(projects, { acr_values: 'aal2 aal1', prompt: 'none' });
      expect(claimsOf(given['id_token'] ?? '')).toMatchObject({ acr: 'aal1' });
    });

    it('§5.5.1: a request about another person is not answered about this one', async () => {
      const someone = claims({ id_token: { sub: { value: world.id('owner@acme.example') } } });
      expect(parametersOf(await ask(projects, { ...someone, prompt: 'none' }))).toMatchObject({
        error: 'login_required',
      });
      const same = claims({ id_token: { sub: { value: world.id(MEMBER) } } });
      expect(parametersOf(await ask(projects, { ...same, prompt: 'none' }))).toHaveProperty('code');
    });

    it('a third party gets no claim that the person did not consent to', async () => {
      const browser = await world.signIn('owner@acme.example');
      const first = pathTo(await ask(partner, { scope: 'openid' }, browser));
      await browser.submit(first, '/consent', { decision: 'allow' });
      expect(parametersOf(await ask(partner, { scope: 'openid' }, browser))).toHaveProperty('code');
      const more = await ask(partner, claims({ id_token: { email: null } }), browser);
      expect(pathTo(more)).toMatch(/^\/consent\?/);
    });

    it.each([
      'x',
      '[]',
      '"x"',
      '{"id_token":1}',
      '{"id_token":{"name":1}}',
      '{"userinfo":{"name":{"values":2}}}',
    ])('what is no claims request is refused: %s', async (text) => {
      expect(parametersOf(await ask(projects, { claims: text }))).toMatchObject({ error: 'invalid_request' });
    });
  });

  describe('id_token_hint (OpenID Connect Core §3.1.2.1)', () => {
    const none = (id_token_hint: string) => ask(projects, { prompt: 'none', id_token_hint });

    it('of the person who is signed in it makes no difference; of somebody else it is login_required', async () => {
      const own = (await tokens(projects, {}))['id_token'] ?? '';
      expect(parametersOf(await none(own))).toHaveProperty('code');
      const other = await world.signedInClient('owner@acme.example');
      expect(parametersOf(await none(other.tokens.id_token))).toMatchObject({ error: 'login_required' });
    });

    it('what is no ID token of this server means nobody: whoever is there signs in for it', async () => {
      const { tokens: given } = await world.signedInClient(MEMBER);
      const [head, payload] = given.id_token.split('.');
      for (const hint of ['x', given.access_token, `${head}.${payload}.AAAA`])
        expect(parametersOf(await none(hint))).toMatchObject({ error: 'login_required' });
      expect(parametersOf(await none('x'.repeat(4097)))).toMatchObject({ error: 'invalid_request' });
    });

    it('without prompt=none the person whom it means signs in, and nobody else will do', async () => {
      const { tokens: given } = await world.signedInClient('owner@acme.example');
      const browser = await world.signIn(MEMBER);
      const first = await ask(projects, { id_token_hint: given.id_token }, browser);
      const page = pathTo(first);
      expect(page).toMatch(/^\/sign-in\?/);
      const right = await browser.submit(page, '/sign-in', {
        email: 'owner@acme.example',
        password: PASSWORD,
      });
      expect(parametersOf(await browser.get(pathTo(right)))).toHaveProperty('code');
    });

    it('§3.1.2.1: once somebody else has signed in for the request it is login_required, and not the page again', async () => {
      const { tokens: given } = await world.signedInClient('owner@acme.example');
      const sub = { id_token: { sub: { value: world.id('owner@acme.example') } } };
      for (const about of [{ id_token_hint: given.id_token }, { claims: JSON.stringify(sub) }]) {
        const browser = await world.signIn(MEMBER);
        const page = pathTo(await ask(projects, about, browser));
        expect(page).toMatch(/^\/sign-in\?/);
        const wrong = await browser.submit(page, '/sign-in', { email: MEMBER, password: PASSWORD });
        expect(parametersOf(await browser.get(pathTo(wrong)))).toMatchObject({ error: 'login_required' });
      }
    });
  });

  it('§3.1.2.1: ui_locales that are not available make no error', async () => {
    expect(parametersOf(await ask(projects, { ui_locales: 'fr-CA fr en' }))).toHaveProperty('code');
  });

  describe('offline_access (OpenID Connect Core §11)', () => {
    const refreshable = async (token: string | undefined) =>
      (await world.refresh(projects, token ?? '')).status === 200;

    it('§11: with it the refresh token outlives the sign-out (Back-Channel Logout §2.7), without it not', async () => {
      const browser = await world.signIn(MEMBER);
      const online = await tokens(projects, {}, browser);
      const offline = await tokens(projects, { scope: 'openid offline_access projects:read' }, browser);
      await browser.submit('/sign-out', '/sign-out', {});
      expect(await refreshable(online['refresh_token'])).toBe(false);
      expect(await refreshable(offline['refresh_token'])).toBe(true);
      expect(claimsOf(online['access_token'] ?? '')).toHaveProperty('sid');
      expect(claimsOf(offline['access_token'] ?? '')).not.toHaveProperty('sid');
    });

    it('without it the refresh token ends with the session’s time', async () => {
      const browser = await world.signIn(MEMBER);
      const online = await tokens(projects, {}, browser);
      const offline = await tokens(projects, { scope: 'openid offline_access' }, browser);
      world.clock.advance(24 * HOUR + 1000);
      expect(await refreshable(online['refresh_token'])).toBe(false);
      expect(await refreshable(offline['refresh_token'])).toBe(true);
    });
  });
});
