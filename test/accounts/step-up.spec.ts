import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { SecondFactorRuleRepository } from '#sessions';
import { destinationOf, parametersOf, pathTo } from '../support/answers.js';
import { Deployment, MINUTE } from '../support/deployment.js';
import { addPasskey, formOf, present, setUpApp, withPassword, type App } from '../support/factors.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { claimsOf, PASSWORD, type TestClient, type World } from '../support/world.js';

const SECURITY = '/account/security';
const TOTP = `${SECURITY}/totp`;

describe('asking for more than was proven', () => {
  let deployment: Deployment;
  let world: World;
  let projects: TestClient;
  let people = 0;

  beforeAll(async () => {
    deployment = await Deployment.start();
    world = deployment.node(0);
    projects = world.client('projects');
  });
  afterAll(() => deployment.stop());
  afterEach(() => require2fa('acme', false));

  const require2fa = (organization: string, required: boolean) =>
    world.app
      .get(SecondFactorRuleRepository)
      .set(world.id(organization), required, { id: 'test', address: null, factor: null });
  const someone = async (memberships: Parameters<World['createPerson']>[2] = { acme: 'member' }) => {
    const email = `someone-${(people += 1)}@acme.example`;
    await world.createPerson(email, `Someone ${people}`, memberships);
    return { email, browser: await world.signIn(email) };
  };
  const protectedOne = async () => {
    const { email, browser } = await someone();
    const { app } = await setUpApp(world, browser);
    return { email, browser, app };
  };
  /** Follows redirects of this server to the page that is shown, or to where they leave it. */
  const follow = async (
    browser: HttpBrowser,
    path: string,
  ): Promise<{ path: string; response: Response }> => {
    let at = path;
    for (;;) {
      const response = await browser.get(at);
      const location = response.headers.get('location');
      if (location === null || new URL(location, world.url).origin !== new URL(world.url).origin) {
        return { path: at, response };
      }
      at = pathTo(response);
    }
  };
  const authorize = async (browser: HttpBrowser, extra: Readonly<Record<string, string>>) => {
    const request = world.authorizationRequest(projects, extra);
    return { ...request, ...(await follow(browser, request.path)) };
  };
  const classOf = async (path: string, verifier: string, browser: HttpBrowser) => {
    const code = parametersOf((await follow(browser, path)).response)['code'] ?? '';
    const { body } = await world.exchange(projects, { code, verifier });
    return claimsOf(String(body['id_token']));
  };
  const essential = (acr: string) => ({
    claims: JSON.stringify({ id_token: { acr: { essential: true, value: acr } } }),
  });

  describe('sensitive acts', () => {
    it('a sign-in of a quarter of an hour ago is not enough: the password is asked for, and the page comes back', async () => {
      const { email, browser } = await someone();
      deployment.advance(15 * MINUTE);
      const { path, response } = await follow(browser, TOTP);
      expect(path).toMatch(/^\/sign-in\?login_hint=someone/);
      const form = hiddenFields(await response.text());
      const back = await browser.post('/sign-in', { ...form, email, password: PASSWORD });
      expect(pathTo(back)).toBe(TOTP);
      expect((await browser.get(TOTP)).status).toBe(200);
    });

    it('who has a second factor is asked for it even a moment after the password', async () => {
      const { email, browser, app } = await protectedOne();
      // the browser of somebody who holds a session of the password alone
      await deployment.rows("UPDATE sessions SET amr = '{pwd}' WHERE user_id = $1", [world.id(email)]);
      const { path } = await follow(browser, TOTP);
      expect(path).toBe(`/sign-in/second-factor?return_to=${encodeURIComponent(TOTP)}`);
      const done = await present(browser, { method: 'totp', code: app.freshCode() }, path);
      expect(pathTo(done)).toBe(TOTP);
      expect((await browser.get(TOTP)).status).toBe(200);
    });

    it.each([
      ['POST', `${SECURITY}/recovery-codes`],
      ['POST', `${TOTP}/remove`],
      ['POST', TOTP],
      ['POST', `${SECURITY}/passkeys`],
      ['POST', `${SECURITY}/passkeys/options`],
      ['POST', `${SECURITY}/passkeys/11111111-1111-4111-8111-111111111111/remove`],
      ['POST', `${SECURITY}/passkeys/11111111-1111-4111-8111-111111111111/rename`],
    ])(
      'RFC 9470 §3: %s %s tells a program what would be enough, and a person where to go',
      async (_, path) => {
        const { browser } = await protectedOne();
        const form = await formOf(browser, SECURITY);
        deployment.advance(15 * MINUTE);
        const program = await browser.post(path, form, { accept: 'application/json' });
        expect(program.status).toBe(401);
        expect(program.headers.get('www-authenticate')).toMatch(
          /^Bearer error="insufficient_user_authentication", error_description="[^"]+", acr_values="aal2", max_age="900"$/,
        );
        expect(await program.json()).toMatchObject({ error: 'insufficient_user_authentication' });
        expect(pathTo(await browser.post(path, form))).toBe(
          `/step-up?return_to=${encodeURIComponent(SECURITY)}`,
        );
      },
    );

    it('stepping up goes on with the same session under a new secret', async () => {
      const { email, browser, app } = await protectedOne();
      const before = browser.cookie('core_auth_session');
      deployment.advance(15 * MINUTE);
      await withPassword(world, email, browser);
      expect((await present(browser, { method: 'totp', code: app.code() })).status).toBe(303);
      expect(browser.cookie('core_auth_session')).not.toBe(before);
      const sessions = await deployment.rows('SELECT amr, ended_at FROM sessions WHERE user_id = $1', [
        world.id(email),
      ]);
      expect(sessions).toEqual([{ amr: ['pwd', 'otp', 'mfa'], ended_at: null }]);
    });

    it('leads nowhere but here and to the modules', async () => {
      const { browser } = await someone();
      for (const address of ['https://evil.example/', '//evil.example/', '/\\evil.example']) {
        const { path } = await follow(browser, `/step-up?${new URLSearchParams({ return_to: address })}`);
        expect(path).toBe('/');
      }
    });
  });

  describe('a client that asks for aal2', () => {
    const raise = async (browser: HttpBrowser, path: string, app: App): Promise<string> => {
      expect(path).toMatch(/^\/sign-in\/second-factor\?/);
      return pathTo(await present(browser, { method: 'totp', code: app.freshCode() }, path));
    };

    it.each([
      ['OpenID Connect Core §5.5.1.1: essential claim', essential('aal2')],
      ['OpenID Connect Core §3.1.2.1: acr_values', { acr_values: 'aal2 aal1' }],
    ])('%s: who has a second factor is asked for it, and it is stated', async (_, asked) => {
      const { email, browser, app } = await protectedOne();
      await deployment.rows("UPDATE sessions SET amr = '{pwd}' WHERE user_id = $1", [world.id(email)]);
      const { path, verifier } = await authorize(browser, asked);
      const resumed = await raise(browser, path, app);
      expect(await classOf(resumed, verifier, browser)).toMatchObject({
        acr: 'aal2',
        amr: ['pwd', 'otp', 'mfa'],
      });
    });

    it.each([
      ['prompt=login', { prompt: 'login' }],
      ['max_age', { max_age: '60' }],
    ])('§3.1.2.1: %s asks for the password and the second factor', async (_, asked) => {
      const { email, browser, app } = await protectedOne();
      deployment.advance(2 * MINUTE);
      const { path, response, verifier } = await authorize(browser, { ...asked, ...essential('aal2') });
      expect(path).toMatch(/^\/sign-in\?/);
      const form = hiddenFields(await response.text());
      const step = await browser.post('/sign-in', { ...form, email, password: PASSWORD });
      const resumed = await raise(browser, pathTo(step), app);
      expect(await classOf(resumed, verifier, browser)).toMatchObject({ acr: 'aal2' });
    });

    it('who has none is offered to add one, and the request goes on with it', async () => {
      const { browser } = await someone();
      const { path, response, verifier } = await authorize(browser, essential('aal2'));
      expect(path).toMatch(/^\/step-up\?/);
      const html = await response.text();
      expect(html).toContain('projects asks for more than a password');
      const link =
        /href="(\/account\/security\/totp\?[^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
      const { response: added } = await setUpApp(world, browser, link);
      const next = /href="(\/oauth2\/authorize\?[^"]+)"/
        .exec(await added.text())?.[1]
        ?.replaceAll('&amp;', '&');
      expect(await classOf(next ?? '', verifier, browser)).toMatchObject({
        acr: 'aal2',
        amr: ['pwd', 'otp', 'mfa'],
      });
    });

    it('§5.5.1.1: who declines an essential class is answered to the client', async () => {
      const { browser } = await someone();
      const { response, parameters } = await authorize(browser, essential('aal2'));
      const declined = await browser.post('/step-up', hiddenFields(await response.text()));
      expect(parametersOf(declined)).toMatchObject({
        error: 'unmet_authentication_requirements',
        state: parameters['state'],
        iss: world.url,
      });
    });

    it('§3.1.2.1: who declines a wish goes on without, and is not asked again in this session', async () => {
      const { browser } = await someone();
      const { response, verifier } = await authorize(browser, { acr_values: 'aal2' });
      const declined = await browser.post('/step-up', hiddenFields(await response.text()));
      expect(await classOf(pathTo(declined), verifier, browser)).toMatchObject({ acr: 'aal1' });
      const again = await authorize(browser, { acr_values: 'aal2' });
      expect(parametersOf(again.response)).toHaveProperty('code');
    });
  });

  describe('an organization that asks its members for a second factor', () => {
    it('lets nobody act for it with a password alone, and leads to the enrolment', async () => {
      const { browser } = await someone();
      expect((await browser.get('/')).status).toBe(200);
      expect(await require2fa('acme', true)).toBe(true);
      for (const path of ['/', '/device', '/console/licenses']) {
        const { path: at, response } = await follow(browser, path);
        expect(at).toMatch(/^\/step-up\?/);
        expect(await response.text()).toContain('Acme Corporation asks for more than a password');
      }
      const { path } = await authorize(browser, {});
      expect(path).toMatch(/^\/step-up\?/);
      const refused = await browser.post('/step-up', await formOf(browser, path));
      expect(refused.status).toBe(403);
      await setUpApp(world, browser);
      expect((await browser.get('/')).status).toBe(200);
      expect(parametersOf((await authorize(browser, {})).response)).toHaveProperty('code');
    });

    it('prompt=none is answered with interaction_required', async () => {
      const { browser } = await someone();
      await require2fa('acme', true);
      const { response } = await authorize(browser, { prompt: 'none' });
      expect(parametersOf(response)).toMatchObject({ error: 'interaction_required' });
    });

    it('lets a member act for another organization, which asks for none', async () => {
      const { browser } = await someone({ acme: 'member', globex: 'member' });
      await require2fa('acme', true);
      const choose = async (organization: string) =>
        browser.post('/choose-organization', {
          ...(await formOf(browser, '/choose-organization')),
          organization_id: world.id(organization),
        });
      await choose('acme');
      expect((await follow(browser, '/')).path).toMatch(/^\/step-up\?/);
      await choose('globex');
      expect((await follow(browser, '/')).response.status).toBe(200);
    });

    it('ends what was authorized with a password alone, offline access too, and nothing else', async () => {
      const scope = 'openid offline_access projects:read';
      const tokensOf = async (browser: HttpBrowser) =>
        (await world.exchange(projects, await world.code(projects, browser, { scope }))).body;
      const [weak, strong, elsewhere] = [
        await tokensOf((await someone()).browser),
        await tokensOf((await protectedOne()).browser),
        await tokensOf(await world.signIn('admin@globex.example')),
      ];
      await require2fa('acme', true);
      const refresh = async (tokens: Record<string, unknown>) =>
        (await world.refresh(projects, String(tokens['refresh_token']))).status;
      expect([await refresh(weak), await refresh(strong), await refresh(elsewhere)]).toEqual([400, 200, 200]);
      await world.heard();
      expect((await world.introspect(projects, String(weak['access_token']))).body).toEqual({
        active: false,
      });
    });

    it('gives no token for a code or a refresh token that came just before the rule', async () => {
      const { browser } = await someone();
      const scope = 'openid offline_access projects:read';
      const code = await world.code(projects, browser, { scope });
      const tokens = (await world.exchange(projects, await world.code(projects, browser, { scope }))).body;
      // what an authorization that was made at the same time as the rule meets
      await deployment.rows('UPDATE organizations SET second_factor_required = true WHERE id = $1', [
        world.id('acme'),
      ]);
      expect((await world.exchange(projects, code)).status).toBe(400);
      expect((await world.refresh(projects, String(tokens['refresh_token']))).status).toBe(400);
    });

    it('is on record with who made the rule, once, and told', async () => {
      const before = await deployment.audited('organization.require-second-factor');
      expect(await require2fa('acme', true)).toBe(true);
      expect(await require2fa('acme', true)).toBe(false);
      expect(await require2fa('acme', false)).toBe(true);
      const after = await deployment.audited('organization.require-second-factor');
      expect(after.slice(before.length)).toEqual([{ target: world.id('acme'), actor: 'test' }]);
      expect((await deployment.audited('organization.waive-second-factor')).at(-1)).toEqual({
        target: world.id('acme'),
        actor: 'test',
      });
    });

    it('keeps the last factor of its members: the reason is told, and one of two may go', async () => {
      const { browser, email } = await protectedOne();
      await require2fa('acme', true);
      const remove = async () => browser.post(`${TOTP}/remove`, await formOf(browser, SECURITY));
      const refused = await remove();
      expect(refused.status).toBe(409);
      expect(await refused.text()).toContain(
        'Acme Corporation asks its members for a second factor, and this is your last one',
      );
      expect(await withPassword(world, email)).toBeDefined();
      await addPasskey(browser, world.url);
      expect(pathTo(await remove())).toContain('done=totp-removed');
    });

    it('of the last two factors, removed in two windows at once, one stays', async () => {
      await require2fa('acme', true);
      for (let round = 0; round < 5; round += 1) {
        const { browser, email } = await protectedOne();
        await addPasskey(browser, world.url);
        const html = await (await browser.get(SECURITY)).text();
        const removePasskey =
          /action="([^"]+\/remove)"/.exec(html.slice(html.indexOf('id="passkeys"')))?.[1] ?? '';
        const form = await formOf(browser, SECURITY);
        const answers = await Promise.all(
          [removePasskey, `${TOTP}/remove`].map((path, node) =>
            browser.at(deployment.node(node).url).post(path, form),
          ),
        );
        expect(answers.map(({ status }) => status).sort()).toEqual([303, 409]);
        const rows = await deployment.rows<{ second_factors: number }>(
          'SELECT second_factors FROM users WHERE id = $1',
          [world.id(email)],
        );
        expect(rows).toEqual([{ second_factors: 1 }]);
      }
    });
  });

  it('the pages of an account need a session, and tell others where to sign in', async () => {
    for (const path of ['/account', SECURITY, TOTP, '/step-up']) {
      const answer = await world.browser().get(path);
      expect(destinationOf(answer).pathname).toBe('/sign-in');
    }
  });
});
