import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { MembershipRepository } from '#accounts';
import { Database } from '#platform';
import { NoOrganization1700000000039 } from '../../migrations/0039-no-organization.js';
import { destinationOf, parametersOf, pathTo } from '../support/answers.js';
import { beginDevice, decideDevice, DEVICE_GRANT, enterCode, pollDevice } from '../support/device.js';
import { setUpApp } from '../support/factors.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { linkTo, mailsTo } from '../support/mailbox.js';
import { answerOf, claimsOf, PASSWORD, type Answer, type TestClient, type World } from '../support/world.js';
import { AccountApiWorld, EVERYTHING } from './account-api-world.js';

jest.setTimeout(60_000);

const ACTOR = { id: 'test', address: '192.0.2.1', factor: 'pwd' };
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

describe('a person who belongs to no organization', () => {
  let api: AccountApiWorld;
  let world: World;
  /** Of the suite, as much as a client can be registered for. */
  let suite: TestClient;
  /** Of somebody else, which consent is asked for. */
  let stranger: TestClient;
  let people = 0;

  beforeAll(async () => {
    api = await AccountApiWorld.start();
    world = api.world;
    const scopes = ['profile', 'email', 'organization:read', 'organization:write', 'projects:read'];
    suite = await world.createClient({
      id: 'suite',
      name: 'Suite',
      grantTypes: ['authorization_code', 'refresh_token', DEVICE_GRANT, EXCHANGE],
      scopes: [...EVERYTHING.split(' '), 'offline_access', ...scopes],
    });
    stranger = await world.createClient({
      id: 'stranger',
      name: 'Stranger',
      scopes: EVERYTHING.split(' '),
      firstParty: false,
    });
    await world.heard();
  });
  afterAll(() => api.stop());

  const nobody = async (): Promise<{ email: string; id: string }> => {
    const email = `nobody-${(people += 1)}@self.example`;
    return { email, id: await world.createPerson(email, 'Noor Nobody', {}) };
  };
  const join = (userId: string, organization: string) =>
    world.accounts.addMember({ userId, organizationId: world.id(organization), role: 'member' }, 'test');
  const leave = (userId: string, organization: string) =>
    world.app
      .get(MembershipRepository)
      .remove({ userId, organizationId: world.id(organization) }, { ...ACTOR, id: userId });
  const tokensOf = async (
    browser: HttpBrowser,
    extra: Readonly<Record<string, string>> = {},
    client = suite,
  ) => {
    const code = await world.code(client, browser, { scope: EVERYTHING, resource: world.url, ...extra });
    const { status, body } = await world.exchange(client, code);
    expect([status, body]).toEqual([200, expect.anything()]);
    return {
      token: String(body['access_token']),
      refresh: String(body['refresh_token']),
      idToken: String(body['id_token']),
      scope: body['scope'],
    };
  };
  /** At this server’s APIs. */
  const call = async (method: string, path: string, token: string, body?: unknown): Promise<Answer> =>
    answerOf(
      await fetch(new URL(path, world.url), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  const ORGANIZATIONAL = ['organization_id', 'organization', 'organization_name', 'roles', 'license_version'];

  it('signs in on the way to an application and lets it at their account, by a token for no organization', async () => {
    const { email, id } = await nobody();
    const browser = world.browser();
    const scope = `${EVERYTHING} profile email offline_access`;
    const asked = world.authorizationRequest(suite, { scope, resource: world.url });
    const signIn = pathTo(await browser.get(asked.path));
    const signedIn = await browser.submit(signIn, '/sign-in', { email, password: PASSWORD });
    const { code = '' } = parametersOf(await browser.get(pathTo(signedIn)));
    const { status, body } = await world.exchange(suite, { code, verifier: asked.verifier });
    expect([status, body['scope']]).toEqual([200, scope]);
    const token = String(body['access_token']);
    expect(claimsOf(token)).toMatchObject({ sub: id, aud: [world.url], modules: [] });
    for (const claim of ORGANIZATIONAL) {
      for (const jwt of [token, String(body['id_token'])]) expect(claimsOf(jwt)).not.toHaveProperty(claim);
    }

    const introspected = await world.introspect(suite, token);
    expect(introspected.body).toMatchObject({ active: true, sub: id });
    expect(introspected.body).not.toHaveProperty('organization_id');
    const refresh = String(body['refresh_token']);
    expect((await world.introspect(suite, refresh)).body).toMatchObject({ active: true, sub: id });
    expect((await call('GET', '/oauth2/userinfo', token)).body).toMatchObject({ sub: id, email });
    expect((await world.revoke(suite, refresh)).status).toBe(200);
    expect((await world.introspect(suite, token)).body).toEqual({ active: false });
  });

  it('does every act of their account over the API: from their name to its export and its deletion', async () => {
    const { email, id } = await nobody();
    const { token } = await tokensOf(await world.signIn(email));
    const account = { id, email, organizations: [] };
    expect((await call('GET', '/v1/account', token)).body).toMatchObject(account);
    const renamed = await call('PATCH', '/v1/account', token, { name: 'Noor Nomad' });
    expect(renamed.body).toMatchObject({ ...account, name: 'Noor Nomad' });
    expect((await call('GET', '/v1/account/sessions', token)).body).toMatchObject({
      sessions: [{ organization: null, current: true }],
    });
    const mine = { client_id: 'suite', organization: null, scopes: [...EVERYTHING.split(' ')].sort() };
    expect((await call('GET', '/v1/account/applications', token)).body).toMatchObject({
      applications: [mine],
    });
    const exported = await call('GET', '/v1/account/export', token);
    expect(exported.body).toMatchObject({ applications: [{ client_id: 'suite', organization: null }] });
    const deleted = await call('POST', '/v1/account/deletion', token);
    expect(deleted).toMatchObject({ status: 202, body: { deletion_at: expect.stringMatching(/Z$/) } });
    expect((await call('DELETE', '/v1/account/deletion', token)).status).toBe(204);
  });

  it('is sent by notices about their account to whoever runs the service, too', async () => {
    const { email } = await nobody();
    const browser = await world.signIn(email);
    const password = 'nineteen quiet pelicans';
    await browser.submit('/account/password', '/account/password', { current_password: PASSWORD, password });
    await setUpApp(world, browser);
    const moved = `moved-${email}`;
    const wish = { email: moved, current_password: password };
    await browser.submit('/account/address', '/account/address', wish);
    await browser.submit((await linkTo(world, moved)) ?? '', '/account/address/confirm', {});
    for (const subject of [
      'Your password was changed',
      'An authenticator app was added to your account',
      'The e-mail address of your account was changed',
    ]) {
      const notice = (await mailsTo(world, email)).find((mail) => mail.subject === subject);
      expect(JSON.stringify(notice)).toContain(
        'tell whoever runs this service, or an administrator of your organization',
      );
    }
  });

  it('makes an organization, and the token goes on for none: at refresh too, until the next authorization', async () => {
    const { email } = await nobody();
    const browser = await world.signIn(email);
    const { token, refresh } = await tokensOf(browser);
    const made = await call('POST', '/v1/organizations', token, { name: 'Noor & Co', key: 'noor' });
    expect(made).toMatchObject({ status: 201, body: { key: 'noor' } });
    const id = String(made.body['id']);

    const { status, body } = await world.refresh(suite, refresh);
    expect(status).toBe(200);
    for (const each of [token, String(body['access_token'])]) {
      expect(claimsOf(each)).not.toHaveProperty('organization_id');
      // it was allowed for none, and so tells of none
      expect((await call('GET', '/v1/account', each)).body).toMatchObject({ organizations: [] });
      expect((await call('GET', '/v1/account/applications', each)).body).toMatchObject({
        applications: [{ organization: null }],
      });
      const foreign = await call('GET', `/v1/organizations/${id}`, each);
      expect([foreign.status, foreign.body['code']]).toEqual([403, 'insufficient_scope']);
    }

    const { path } = world.authorizationRequest(suite, { scope: EVERYTHING, resource: world.url });
    const choice = pathTo(await browser.get(path));
    expect(choice).toMatch(/^\/choose-organization\?/);
    const chosen = await browser.submit(choice, '/choose-organization', { organization_id: id });
    expect(parametersOf(await browser.get(pathTo(chosen)))).toHaveProperty('code');
    const { token: forIt } = await tokensOf(browser);
    expect(claimsOf(forIt)).toMatchObject({ organization_id: id });
    // with an organization, account:write makes no other: it was never allowed to
    const other = await call('POST', '/v1/organizations', forIt, { name: 'Another' });
    expect([other.status, other.body['code']]).toEqual([403, 'insufficient_scope']);
    expect(other.headers.get('www-authenticate')).toContain('scope="organization:write"');
  });

  it('is told of the scope that would do, where a token for no organization lacks it', async () => {
    const { email } = await nobody();
    const { token } = await tokensOf(await world.signIn(email), { scope: 'openid account:read' });
    const refused = await call('POST', '/v1/organizations', token, { name: 'Refused' });
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringContaining('scope="account:write"'),
    ]);
  });

  it('is asked nothing by prompt=none, and a request that needs an organization gets interaction_required', async () => {
    const { email, id } = await nobody();
    const browser = await world.signIn(email);
    const silent = async (extra: Record<string, string>) => {
      const { path } = world.authorizationRequest(suite, { prompt: 'none', ...extra });
      const { code, error, ...rest } = parametersOf(await browser.get(path));
      expect(rest).toMatchObject({ iss: world.url, state: expect.any(String) });
      return error ?? (code === undefined ? 'nothing' : 'a code');
    };
    const account = { scope: EVERYTHING, resource: world.url };
    const module = 'https://projects.example';
    const cases = [
      [account, 'a code'],
      [{ scope: 'account:read' }, 'a code'],
      [{ scope: 'openid profile', resource: world.url }, 'interaction_required'],
      [{ scope: `${EVERYTHING} organization:read`, resource: world.url }, 'interaction_required'],
      [{ scope: 'organization:write' }, 'interaction_required'],
      [{ scope: 'openid projects:read' }, 'interaction_required'],
      [{ scope: 'openid account:read', resource: module }, 'interaction_required'],
    ] as const;
    for (const [extra, said] of cases) expect([extra, await silent(extra)]).toEqual([extra, said]);
    // nor is there anything to select
    const { path } = world.authorizationRequest(suite, { ...account, prompt: 'select_account' });
    expect(parametersOf(await browser.get(path))).toHaveProperty('code');
    await join(id, 'acme');
    expect(await silent(account)).toBe('interaction_required');
  });

  it('is offered to make an organization where one is needed, and who does not goes back with access_denied', async () => {
    const { email } = await nobody();
    const browser = await world.signIn(email);
    const needing = [{ scope: 'openid projects:read' }, { scope: 'account:read organization:read' }];
    for (const [index, extra] of needing.entries()) {
      const asked = world.authorizationRequest(suite, extra);
      const page = pathTo(await browser.get(asked.path));
      expect(page).toMatch(/^\/choose-organization\?/);
      const text = await (await browser.get(page)).text();
      for (const part of ['No organization yet', 'Back to Suite', '/organization/new?return_to=']) {
        expect(text).toContain(part);
      }
      const refused = await browser.submit(page, '/choose-organization/decline', {});
      expect(`${destinationOf(refused).origin}${destinationOf(refused).pathname}`).toBe(suite.redirectUri);
      expect(parametersOf(refused)).toEqual({
        error: 'access_denied',
        error_description: expect.stringContaining('organization'),
        state: asked.parameters['state'],
        iss: world.url,
      });
      if (index === 0) continue;
      const link = /href="(\/organization\/new\?[^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
      const made = await browser.submit(link, '/organization/new', {
        name: 'Made on the way',
        key: 'on-the-way',
      });
      const { code = '' } = parametersOf(await browser.get(pathTo(made)));
      const { body } = await world.exchange(suite, { code, verifier: asked.verifier });
      expect(claimsOf(String(body['access_token']))).toMatchObject({ organization: 'on-the-way' });
    }
  });

  it('goes back from nowhere but the way of an application', async () => {
    const { email } = await nobody();
    const browser = await world.signIn(email);
    expect(await (await browser.get('/choose-organization')).text()).not.toContain('Back to');
    const { path } = world.authorizationRequest(suite, { scope: 'projects:read' });
    const page = pathTo(await browser.get(path));
    const decline = '/choose-organization/decline';
    for (const returnTo of ['', '/', 'https://evil.example/', '/oauth2/authorize?client_id=nothing']) {
      const answer = await browser.submit(page, decline, { return_to: returnTo });
      expect([returnTo, answer.status, answer.headers.get('location')]).toEqual([returnTo, 400, null]);
      expect(await answer.text()).toContain('No application is waiting for your answer.');
    }
    expect((await browser.submit(page, decline, { csrf_token: 'forged' })).status).toBe(403);
    const fields = hiddenFields(await (await browser.get(page)).text());
    for (const name of ['csrf_token', 'return_to']) {
      const twice = new URLSearchParams([...Object.entries(fields), [name, fields[name] ?? '']]);
      expect([name, (await browser.post(decline, twice)).status]).toEqual([name, 400]);
    }
  });

  it('consents for no organization: what is allowed so is allowed for no other, and ended by itself', async () => {
    const { email, id } = await nobody();
    const browser = await world.signIn(email);
    const asked = world.authorizationRequest(stranger, { scope: EVERYTHING });
    const consent = pathTo(await browser.get(asked.path));
    expect(consent).toMatch(/^\/consent\?/);
    expect(await (await browser.get(consent)).text()).toContain('None: this is about your own account');
    const allowed = await browser.submit(consent, '/consent', { decision: 'allow' });
    const { code = '' } = parametersOf(await browser.get(pathTo(allowed)));
    const { body } = await world.exchange(stranger, { code, verifier: asked.verifier });
    const [token, refresh] = [String(body['access_token']), String(body['refresh_token'])];
    // remembered, once however often it is given
    await tokensOf(browser, { prompt: 'none', resource: '' }, stranger);
    const again = { ...asked.parameters, prompt: 'consent' };
    const second = pathTo(await browser.get(`/oauth2/authorize?${new URLSearchParams(again)}`));
    expect(pathTo(await browser.submit(second, '/consent', { decision: 'allow' }))).toMatch(
      /^\/oauth2\/authorize/,
    );
    const exported = await call('GET', '/v1/account/export', token);
    expect(exported.body['consents']).toMatchObject([{ client_id: 'stranger', organization: null }]);

    await join(id, 'acme');
    const member = await world.signIn(email);
    expect(pathTo(await member.get(asked.path))).toMatch(/^\/consent\?/);
    const text = await (await member.get('/account/applications')).text();
    expect(text).toContain('for no organization');
    // the organization’s own access is another, and there is none
    const elsewhere = `/v1/account/applications/stranger?organization_id=${world.id('acme')}`;
    expect((await call('DELETE', elsewhere, token)).status).toBe(404);
    for (const wrong of ['nobody', 'NONE']) {
      const answer = await call(
        'DELETE',
        `/v1/account/applications/stranger?organization_id=${wrong}`,
        token,
      );
      expect([wrong, answer.status]).toEqual([wrong, 400]);
    }
    const ended = await member.submit('/account/applications', '/account/applications/revoke', {
      client_id: 'stranger',
      organization_id: 'none',
    });
    expect(pathTo(ended)).toBe('/account/applications?done=ended');
    expect((await call('GET', '/v1/account', token)).status).toBe(401);
    expect((await world.refresh(stranger, refresh)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await member.get('/account/applications')).status).toBe(200);
    expect(await (await member.get('/account/applications')).text()).not.toContain('Stranger');
  });

  it('ends by the API what an application has for none, and nothing that it has for an organization', async () => {
    const { email, id } = await nobody();
    const alone = await tokensOf(await world.signIn(email));
    await join(id, 'acme');
    const member = await tokensOf(await world.signIn(email));
    const path = '/v1/account/applications/suite?organization_id=none';
    expect((await call('DELETE', path, member.token)).status).toBe(204);
    expect((await call('DELETE', path, member.token)).status).toBe(404);
    expect((await world.refresh(suite, alone.refresh)).status).toBe(400);
    expect((await world.refresh(suite, member.refresh)).status).toBe(200);
  });

  it('who has left the last organization: its tokens end, those for none do not, and new ones are for none', async () => {
    const { email, id } = await nobody();
    const before = await tokensOf(await world.signIn(email));
    await join(id, 'acme');
    const browser = await world.signIn(email);
    const member = await tokensOf(browser);
    expect(claimsOf(member.token)).toMatchObject({ organization: 'acme' });
    await leave(id, 'acme');
    expect((await call('GET', '/v1/account', member.token)).status).toBe(401);
    expect((await world.refresh(suite, member.refresh)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await call('GET', '/v1/account', before.token)).status).toBe(200);
    expect((await world.refresh(suite, before.refresh)).status).toBe(200);
    const after = await tokensOf(browser);
    expect(claimsOf(after.token)).not.toHaveProperty('organization_id');
    expect((await call('GET', '/v1/account', after.token)).status).toBe(200);
  });

  it('lets a device at their account, and at nothing that needs an organization', async () => {
    const { email } = await nobody();
    const browser = await world.signIn(email);
    const needing = await beginDevice(world, suite, { scope: 'openid projects:read' });
    expect(pathTo(await enterCode(browser, needing.user_code))).toMatch(/^\/choose-organization\?/);
    expect((await pollDevice(world, suite, needing)).body['error']).toBe('authorization_pending');
    const codes = await beginDevice(world, suite, { scope: 'openid account:read', resource: world.url });
    const page = await (await enterCode(browser, codes.user_code)).text();
    expect(page).toContain('None: this is about your own account');
    expect(pathTo(await decideDevice(browser, codes))).toBe('/device/approved');
    const { status, body } = await pollDevice(world, suite, codes);
    expect(status).toBe(200);
    const token = String(body['access_token']);
    expect(claimsOf(token)).not.toHaveProperty('organization_id');
    expect((await call('GET', '/v1/account', token)).status).toBe(200);
    const exchanged = await world.token(suite, {
      grant_type: EXCHANGE,
      subject_token: token,
      subject_token_type: ACCESS_TOKEN,
      scope: 'account:read',
    });
    expect(exchanged.status).toBe(200);
    const narrowed = String(exchanged.body['access_token']);
    expect(claimsOf(narrowed)).toMatchObject({ aud: [world.url], scope: 'account:read' });
    expect(claimsOf(narrowed)).not.toHaveProperty('organization_id');
    expect((await call('GET', '/v1/account', narrowed)).status).toBe(200);
  });

  it('acts for nobody of an organization, and nobody of one acts for them', async () => {
    const { email } = await nobody();
    const alone = await tokensOf(await world.signIn(email));
    const member = await tokensOf(await world.signIn('member@acme.example'));
    const exchange = (subject: string, actor: string) =>
      world.token(suite, {
        grant_type: EXCHANGE,
        subject_token: subject,
        subject_token_type: ACCESS_TOKEN,
        actor_token: actor,
        actor_token_type: ACCESS_TOKEN,
        scope: 'account:read',
      });
    for (const [subject, actor] of [
      [member.token, alone.token],
      [alone.token, member.token],
    ] as const) {
      expect((await exchange(subject, actor)).body).toMatchObject({ error: 'invalid_request' });
    }
    expect((await exchange(alone.token, alone.token)).status).toBe(200);
  });

  it('the migration goes back without what was for none, keeps what was for organizations, and comes again', async () => {
    const { email } = await nobody();
    const alone = await tokensOf(await world.signIn(email));
    const { client, tokens } = await world.signedInClient();
    const runner = world.app.get(Database).dataSource.createQueryRunner();
    const migration = new NoOrganization1700000000039();
    await migration.down(runner);
    await migration.up(runner);
    await runner.release();
    expect((await world.refresh(suite, alone.refresh)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await world.refresh(client, tokens.refresh_token)).status).toBe(200);
    expect((await tokensOf(await world.signIn(email))).scope).toBe(EVERYTHING);
  });
});
