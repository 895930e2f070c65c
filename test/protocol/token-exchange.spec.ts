import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Database, sql } from '#platform';
import { altered } from '../support/answers.js';
import { isBackground } from '../support/statement-log.js';
import { claimsOf, World, type Answer, type TestClient, type Tokens } from '../support/world.js';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const INVALID_REQUEST = { status: 400, body: { error: 'invalid_request' } };
const INVALID_TARGET = { status: 400, body: { error: 'invalid_target' } };
const INVALID_SCOPE = { status: 400, body: { error: 'invalid_scope' } };

describe('token exchange (RFC 8693)', () => {
  let world: World;
  /** Where people sign in; its tokens open projects and reports. */
  let web: TestClient;
  let projects: TestClient;
  let reports: TestClient;

  beforeAll(async () => {
    world = await World.start({ logStatements: true });
    web = await world.createClient({
      id: 'web',
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials', GRANT],
      scopes: ['openid', 'profile', 'offline_access', 'projects:read', 'projects:write', 'reports:read'],
    });
    const service = (id: string, moduleKey: string, scopes: string[]) =>
      world.createClient({ id, moduleKey, scopes, grantTypes: ['client_credentials', GRANT] });
    projects = await service('projects-service', 'projects', [
      'projects:read',
      'projects:admin',
      'reports:read',
    ]);
    reports = await service('reports-service', 'reports', ['reports:read']);
  });
  afterAll(() => world.stop());

  const signIn = async (email = 'member@acme.example', extra: Record<string, string> = {}) => {
    const browser = await world.signIn(email);
    const scope = 'openid projects:read projects:write reports:read';
    const answer = await world.exchange(web, await world.code(web, browser, { scope, ...extra }));
    expect(answer.status).toBe(200);
    return { browser, tokens: answer.body as unknown as Tokens };
  };

  const trade = (client: TestClient, subject: string, extra: Record<string, string> = {}): Promise<Answer> =>
    world.token(client, {
      grant_type: GRANT,
      subject_token: subject,
      subject_token_type: ACCESS_TOKEN,
      ...extra,
    });
  const traded = async (client: TestClient, subject: string, extra: Record<string, string> = {}) => {
    const answer = await trade(client, subject, extra);
    expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
    return String(answer.body['access_token']);
  };
  const machineToken = async (client: TestClient) =>
    String((await world.token(client, { grant_type: 'client_credentials' })).body['access_token']);
  const actingAs = async (client: TestClient) => ({
    actor_token: await machineToken(client),
    actor_token_type: ACCESS_TOKEN,
  });
  const personActing = async () => ({
    actor_token: (await signIn()).tokens.access_token,
    actor_token_type: ACCESS_TOKEN,
  });
  const active = async (client: TestClient, token: string) =>
    (await world.introspect(client, token)).body['active'];

  describe('what is given', () => {
    it('§2.2.1: an access token with its issued_token_type, and neither a refresh token nor an ID token', async () => {
      const { tokens } = await signIn();
      const answer = await trade(projects, tokens.access_token, { audience: 'reports' });
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect([answer.status, answer.body]).toEqual([
        200,
        {
          access_token: expect.any(String),
          issued_token_type: ACCESS_TOKEN,
          token_type: 'Bearer',
          expires_in: 86_400,
          scope: 'reports:read',
        },
      ]);
    });

    it('§1.1: in impersonation the token is the person’s, by this client, for the target alone, with no act', async () => {
      const { tokens } = await signIn();
      const subject = claimsOf(tokens.access_token);
      const claims = claimsOf(await traded(projects, tokens.access_token, { audience: 'reports' }));
      expect(claims).toMatchObject({
        sub: world.id('member@acme.example'),
        client_id: 'projects-service',
        client_chain: ['web'],
        token_chain: [subject['jti']],
        aud: ['https://reports.example'],
        modules: ['reports'],
        scope: 'reports:read',
        roles: ['member'],
      });
      for (const claim of ['authorization_id', 'sid', 'organization_id', 'organization', 'license_version']) {
        expect([claim, claims[claim]]).toEqual([claim, subject[claim]]);
      }
      expect(claims).not.toHaveProperty('act');
      expect(claims['jti']).not.toBe(subject['jti']);
    });

    it('§2.1: the target is named by audience (a module’s key or its base URL) or resource, once or several times', async () => {
      const { tokens } = await signIn();
      for (const target of [
        { audience: 'reports' },
        { audience: 'https://reports.example' },
        { resource: 'https://reports.example' },
        { resource: 'https://reports.example/' },
      ]) {
        const claims = claimsOf(await traded(projects, tokens.access_token, target));
        expect([target, claims['aud']]).toEqual([target, ['https://reports.example']]);
      }
      const both = await traded(projects, tokens.access_token, {
        audience: 'reports',
        resource: 'https://projects.example',
      });
      expect(claimsOf(both)['aud']).toEqual(['https://projects.example', 'https://reports.example']);
      expect(claimsOf(await traded(projects, tokens.access_token))['aud']).toEqual([
        'https://projects.example',
        'https://reports.example',
      ]);
    });

    it('§2.2.1, §3: a JWT that was asked for is called one', async () => {
      const { tokens } = await signIn();
      const answer = await trade(projects, tokens.access_token, {
        subject_token_type: JWT,
        requested_token_type: JWT,
      });
      expect([answer.status, answer.body['issued_token_type']]).toEqual([200, JWT]);
    });

    it('§2.2.1: it expires no later than the subject token, nor than the actor’s', async () => {
      const { tokens } = await signIn();
      world.clock.advance(3_600_000);
      const actor = await actingAs(projects);
      for (const extra of [{}, actor]) {
        const answer = await trade(projects, tokens.access_token, extra);
        expect(answer.body['expires_in']).toBe(86_400 - 3600);
        expect(claimsOf(String(answer.body['access_token']))['exp']).toBe(
          claimsOf(tokens.access_token)['exp'],
        );
      }
    });

    it('a machine’s token can be exchanged too: the subject stays the machine', async () => {
      const subject = await machineToken(projects);
      const claims = claimsOf(await traded(reports, subject));
      expect(claims).toMatchObject({
        sub: 'projects-service',
        client_id: 'reports-service',
        aud: ['https://reports.example'],
        scope: 'reports:read',
      });
      for (const claim of ['sid', 'authorization_id', 'roles']) expect(claims).not.toHaveProperty(claim);
    });
  });

  describe('delegation', () => {
    it('§4.1: with an actor token the result names who acts, and those before inside', async () => {
      const { tokens } = await signIn();
      const first = await traded(projects, tokens.access_token, {
        audience: 'reports',
        ...(await actingAs(projects)),
      });
      const actor = { sub: 'projects-service', client_id: 'projects-service' };
      expect(claimsOf(first)['act']).toEqual(actor);
      const second = await traded(reports, first, await actingAs(reports));
      expect(claimsOf(second)).toMatchObject({
        sub: world.id('member@acme.example'),
        act: { sub: 'reports-service', client_id: 'reports-service', act: actor },
        client_chain: ['web', 'projects-service'],
      });
    });

    it('§4.1: who acts already is not lost in an impersonation', async () => {
      const { tokens } = await signIn();
      const first = await traded(projects, tokens.access_token, await actingAs(projects));
      expect(claimsOf(await traded(reports, first))['act']).toEqual(claimsOf(first)['act']);
    });

    it('a person who is signed in to the client can be the actor', async () => {
      const [owner, member] = [await signIn('owner@acme.example'), await signIn()];
      const claims = claimsOf(
        await traded(web, member.tokens.access_token, {
          actor_token: owner.tokens.access_token,
          actor_token_type: ACCESS_TOKEN,
        }),
      );
      expect(claims).toMatchObject({
        sub: world.id('member@acme.example'),
        act: { sub: world.id('owner@acme.example'), client_id: 'web' },
      });
    });

    it.each<[string, () => Promise<string>]>([
      ['of another client', () => machineToken(reports)],
      [
        'of another organization',
        async () =>
          (await signIn('admin@globex.example', { scope: 'openid projects:read' })).tokens.access_token,
      ],
      [
        'of somebody who acts for another',
        async () =>
          traded(web, (await signIn('owner@acme.example')).tokens.access_token, await personActing()),
      ],
      ['no token', async () => 'nothing'],
      ['an ID token', async () => (await signIn()).tokens.id_token],
      [
        'of a session that has ended',
        async () => {
          const { browser, tokens } = await signIn('owner@acme.example');
          await browser.submit('/sign-out', '/sign-out', {});
          return tokens.access_token;
        },
      ],
    ])('§2.2.2: an actor token that is %s is refused', async (_, token) => {
      const { tokens } = await signIn();
      const extra = { actor_token: await token(), actor_token_type: ACCESS_TOKEN };
      expect(await trade(web, tokens.access_token, extra)).toMatchObject(INVALID_REQUEST);
    });

    it('§4.4: may_act names the client that may act, and every other one is refused', async () => {
      const portal = await world.createClient({
        id: 'portal',
        grantTypes: ['authorization_code', GRANT],
        scopes: ['openid', 'projects:read', 'reports:read'],
        mayAct: 'projects-service',
      });
      const browser = await world.signIn('member@acme.example');
      const scope = 'openid projects:read reports:read';
      const { body } = await world.exchange(portal, await world.code(portal, browser, { scope }));
      const subject = String(body['access_token']);
      expect(claimsOf(subject)['may_act']).toEqual({ client_id: 'projects-service' });

      expect(await trade(reports, subject)).toMatchObject(INVALID_REQUEST);
      expect(await trade(reports, subject, await actingAs(reports))).toMatchObject(INVALID_REQUEST);
      const narrowed = await traded(portal, subject, { scope: 'reports:read' });
      expect(await trade(reports, narrowed)).toMatchObject(INVALID_REQUEST);
      const passed = await traded(projects, subject, await actingAs(projects));
      expect(await trade(reports, passed)).toMatchObject(INVALID_REQUEST);
    });

    it('a token is passed on a few times, not for ever', async () => {
      const { tokens } = await signIn();
      let token = tokens.access_token;
      for (let hop = 0; hop < 4; hop += 1) {
        token = await traded(hop === 0 ? projects : reports, token, { audience: 'reports' });
      }
      expect(claimsOf(token)['client_chain']).toHaveLength(4);
      expect(await trade(reports, token)).toMatchObject(INVALID_REQUEST);
    });
  });

  describe('what is refused', () => {
    it('§2.1: no scope beyond those of the subject token, of the client, and of the person’s role', async () => {
      const narrow = await signIn('member@acme.example', { scope: 'openid projects:read' });
      expect((await trade(projects, narrow.tokens.access_token)).body['scope']).toBe('projects:read');
      // the client has it, the token has not; then the other way round
      for (const [token, scope] of [
        [narrow.tokens.access_token, 'reports:read'],
        [(await signIn()).tokens.access_token, 'projects:write'],
        [(await signIn()).tokens.access_token, 'openid'],
      ] as const) {
        expect(await trade(projects, token, { scope })).toMatchObject(INVALID_SCOPE);
      }
    });

    it('§2.2.1: no refresh token comes of it, so offline_access is not granted anew', async () => {
      const { tokens } = await signIn('member@acme.example', {
        scope: 'openid offline_access projects:read',
      });
      expect(tokens.scope).toContain('offline_access');
      const answer = await trade(web, tokens.access_token);
      expect([answer.status, answer.body['scope']]).toEqual([200, 'openid projects:read']);
      const scope = 'offline_access';
      expect(await trade(web, tokens.access_token, { scope })).toMatchObject(INVALID_SCOPE);
    });

    it('§2.2.2: a token that was narrowed to one module is not widened again, not even to the module that asks', async () => {
      const { tokens } = await signIn();
      const narrowed = await traded(projects, tokens.access_token, { audience: 'projects' });
      expect(claimsOf(narrowed)['aud']).toEqual(['https://projects.example']);
      const service = await world.createClient({
        id: 'both',
        moduleKey: 'reports',
        grantTypes: ['client_credentials', GRANT],
        scopes: ['projects:read', 'reports:read'],
      });
      const own = await traded(service, await machineToken(service), { audience: 'projects' });
      expect(await trade(service, own, { audience: 'reports' })).toMatchObject(INVALID_TARGET);
    });

    it('§2.2.2: a target that is unknown, not for this client, or not reached by the subject token is invalid_target', async () => {
      const { tokens } = await signIn();
      const narrow = await signIn('member@acme.example', { scope: 'openid projects:read' });
      for (const [client, token, target] of [
        [projects, tokens.access_token, { audience: 'ledger' }],
        [projects, tokens.access_token, { audience: 'constructor' }],
        [projects, tokens.access_token, { resource: 'https://ledger.example' }],
        [projects, tokens.access_token, { resource: 'reports' }],
        [projects, tokens.access_token, { resource: 'https://reports.example/#part' }],
        [reports, tokens.access_token, { audience: 'projects' }],
        [projects, narrow.tokens.access_token, { audience: 'reports' }],
        [projects, tokens.access_token, { audience: world.url, scope: 'projects:read reports:read openid' }],
      ] as const) {
        const answer = await trade(client, token, target);
        expect([target, answer.status, answer.body['error']]).toEqual([
          target,
          400,
          'scope' in target ? 'invalid_scope' : 'invalid_target',
        ]);
      }
      const consented = await world.createClient({
        id: 'kept',
        moduleKey: 'projects',
        grantTypes: [GRANT],
        scopes: ['projects:read', 'reports:read'],
        resources: ['https://projects.example'],
      });
      expect(await trade(consented, tokens.access_token, { audience: 'reports' })).toMatchObject(
        INVALID_TARGET,
      );
    });

    it.each<[string, Record<string, string | undefined>]>([
      ['no subject_token', { subject_token: undefined }],
      ['an empty subject_token', { subject_token: '' }],
      ['no subject_token_type', { subject_token_type: undefined }],
      ['a subject_token_type that is not taken', { subject_token_type: ID_TOKEN }],
      ['an unknown subject_token_type', { subject_token_type: 'access_token' }],
      ['a requested_token_type that is not given', { requested_token_type: ID_TOKEN }],
      ['an actor_token_type without an actor_token', { actor_token_type: ACCESS_TOKEN }],
      ['an actor_token without its type', { actor_token: 'x' }],
      ['an actor_token of an unknown type', { actor_token: 'x', actor_token_type: ID_TOKEN }],
      ['a subject_token that is too long', { subject_token: 'x'.repeat(9000) }],
      ['control characters', { subject_token: 'x\u0000\u0001' }],
    ])('§2.1: %s is invalid_request', async (_, change) => {
      const { tokens } = await signIn();
      const fields = Object.entries({
        grant_type: GRANT,
        subject_token: tokens.access_token,
        subject_token_type: ACCESS_TOKEN,
        ...change,
      }).filter((entry): entry is [string, string] => entry[1] !== undefined);
      expect(await world.token(projects, Object.fromEntries(fields))).toMatchObject(INVALID_REQUEST);
    });

    it.each(['subject_token', 'subject_token_type', 'actor_token', 'requested_token_type'])(
      'RFC 6749 §3.2: %s sent twice is invalid_request',
      async (name) => {
        const { tokens } = await signIn();
        const body = new URLSearchParams({
          grant_type: GRANT,
          subject_token: tokens.access_token,
          subject_token_type: ACCESS_TOKEN,
          client_id: projects.id,
          client_secret: projects.secret ?? '',
        });
        body.append(name, 'x');
        if (body.getAll(name).length < 2) body.append(name, 'x');
        const response = await fetch(`${world.url}/oauth2/token`, { method: 'POST', body });
        expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_request' }]);
      },
    );

    it.each<[string, () => Promise<string>]>([
      ['altered', async () => altered((await signIn()).tokens.access_token)],
      ['an ID token', async () => (await signIn()).tokens.id_token],
      ['a refresh token', async () => (await signIn()).tokens.refresh_token],
      [
        'for other modules and of another client',
        async () =>
          (await signIn('member@acme.example', { scope: 'openid reports:read' })).tokens.access_token,
      ],
      [
        'expired',
        async () => {
          const { tokens } = await signIn();
          world.clock.advance(86_401_000);
          return tokens.access_token;
        },
      ],
      [
        'revoked',
        async () => {
          const { tokens } = await signIn();
          await world.revoke(web, tokens.access_token);
          return tokens.access_token;
        },
      ],
      [
        'a revoked one of a machine',
        async () => {
          const token = await machineToken(projects);
          await world.revoke(projects, token);
          return token;
        },
      ],
      [
        'of a session that has ended',
        async () => {
          const { browser, tokens } = await signIn();
          await browser.submit('/sign-out', '/sign-out', {});
          return tokens.access_token;
        },
      ],
      [
        'of a person who was disabled',
        async () => {
          await world.createPerson('gone@acme.example', 'Gill Gone', { acme: 'member' });
          const { tokens } = await signIn('gone@acme.example');
          await world.accounts.disableUser(world.id('gone@acme.example'), 'test');
          return tokens.access_token;
        },
      ],
    ])('§2.2.2: a subject token that is %s is invalid_request, and nothing is written', async (_, token) => {
      const subject = await token();
      const before = await exchanges();
      const answer = await trade(projects, subject);
      expect(answer).toMatchObject(INVALID_REQUEST);
      // the same sentence for every reason
      expect(answer.body['error_description']).toBe(
        'The subject token or the actor token is invalid, or not acceptable from this client.',
      );
      expect(await exchanges()).toHaveLength(before.length);
    });

    it('§2.1: a public client, and one without the grant type, may not exchange', async () => {
      const { tokens } = await signIn();
      const open = await world.createClient({ id: 'open', secretSha256: null, grantTypes: [GRANT] });
      for (const client of [open, world.client('projects')]) {
        expect(await trade(client, tokens.access_token)).toMatchObject({
          status: 400,
          body: { error: 'unauthorized_client' },
        });
      }
    });

    it('a client that acts for one organization exchanges no token of another', async () => {
      const own = await world.createClient({
        id: 'acme-service',
        moduleKey: 'projects',
        grantTypes: [GRANT],
        scopes: ['projects:read'],
        organizationId: world.id('acme'),
      });
      expect((await trade(own, (await signIn()).tokens.access_token)).status).toBe(200);
      const globex = await signIn('admin@globex.example', { scope: 'openid projects:read' });
      expect(await trade(own, globex.tokens.access_token)).toMatchObject(INVALID_REQUEST);
      expect(await trade(own, await machineToken(projects))).toMatchObject(INVALID_REQUEST);
    });

    it('no token for a module that the organization has no license for', async () => {
      await world.createOrganization('initech', 'Initech');
      await world.createPerson('peter@initech.example', 'Peter', { initech: 'member' });
      await world.license('initech', 'projects');
      const license = await world.license('initech', 'reports');
      const { tokens } = await signIn('peter@initech.example');
      expect((await trade(projects, tokens.access_token, { audience: 'reports' })).status).toBe(200);
      await world.licenses.changeStatus(license, 'suspended', 'test');
      expect(await trade(projects, tokens.access_token, { audience: 'reports' })).toMatchObject({
        status: 400,
        body: { error: 'access_denied' },
      });
      expect((await trade(projects, tokens.access_token, { audience: 'projects' })).status).toBe(200);
    });
  });

  describe('what ends it', () => {
    const passOn = async (email = 'member@acme.example') => {
      const { browser, tokens } = await signIn(email);
      const first = await traded(projects, tokens.access_token, { audience: 'reports' });
      const second = await traded(reports, first);
      expect([await active(reports, first), await active(reports, second)]).toEqual([true, true]);
      return { browser, tokens, first, second };
    };
    const expectEnded = async ({ first, second }: { first: string; second: string }) =>
      expect([await active(reports, first), await active(reports, second)]).toEqual([false, false]);

    it('the revocation of the authorization', async () => {
      const passed = await passOn();
      await world.revoke(web, passed.tokens.refresh_token);
      await expectEnded(passed);
    });

    it('the sign-out of the person', async () => {
      const passed = await passOn();
      await passed.browser.submit('/sign-out', '/sign-out', {});
      await expectEnded(passed);
    });

    it('the end of the membership', async () => {
      await world.createPerson('moved@acme.example', 'Mo Moved', { acme: 'member' });
      const passed = await passOn('moved@acme.example');
      await world.app
        .get(Database)
        .query(sql`DELETE FROM memberships WHERE user_id = ${world.id('moved@acme.example')}`);
      await expectEnded(passed);
    });

    it('the end of any client that it went through', async () => {
      const middle = await world.createClient({
        id: 'middle',
        moduleKey: 'projects',
        grantTypes: ['client_credentials', GRANT],
        scopes: ['projects:read', 'reports:read'],
      });
      const { tokens } = await signIn();
      const first = await traded(middle, tokens.access_token, { audience: 'reports' });
      const second = await traded(reports, first);
      const machine = await traded(reports, await machineToken(middle));
      expect([await active(reports, second), await active(reports, machine)]).toEqual([true, true]);
      await world.clients.disable('middle', world.clock.now(), 'test');
      await expectEnded({ first, second });
      expect(await active(reports, machine)).toBe(false);
      expect(await trade(reports, first)).toMatchObject(INVALID_REQUEST);
      expect(await active(web, tokens.access_token)).toBe(true);
    });

    it('the revocation of a machine’s token that it stands on, however far back', async () => {
      const first = await machineToken(projects);
      const second = await traded(projects, first);
      const third = await traded(reports, second);
      expect([await active(projects, second), await active(reports, third)]).toEqual([true, true]);
      await world.revoke(projects, first);
      expect([await active(projects, second), await active(reports, third)]).toEqual([false, false]);
      expect(await trade(projects, second)).toMatchObject(INVALID_REQUEST);
    });

    it('the revocation of the actor’s token', async () => {
      const { tokens } = await signIn();
      const acting = await actingAs(projects);
      const token = await traded(projects, tokens.access_token, { audience: 'reports', ...acting });
      expect(await active(projects, token)).toBe(true);
      await world.revoke(projects, acting.actor_token);
      expect(await active(projects, token)).toBe(false);
    });

    describe('of a person who acts', () => {
      const ACTOR = 'actor@acme.example';
      const machine = async () => ({ access_token: await machineToken(web), browser: undefined });
      const delegate = async (subject: { access_token: string }) => {
        const { browser, tokens } = await signIn(ACTOR);
        const extra = { actor_token: tokens.access_token, actor_token_type: ACCESS_TOKEN };
        const token = await traded(web, subject.access_token, extra);
        // the actor stays behind what comes of it
        const next = await traded(projects, token, { audience: 'reports' });
        expect([await active(web, token), await active(projects, next)]).toEqual([true, true]);
        return { browser, tokens, token, next };
      };

      beforeAll(() => world.createPerson(ACTOR, 'Al Actor', { acme: 'member' }));

      it.each<[string, (acting: Awaited<ReturnType<typeof delegate>>) => Promise<unknown>]>([
        ['sign-out', ({ browser }) => browser.submit('/sign-out', '/sign-out', {})],
        ['refresh token’s revocation', ({ tokens }) => world.revoke(web, tokens.refresh_token)],
        ['access token’s revocation', ({ tokens }) => world.revoke(web, tokens.access_token)],
        [
          'disabling',
          () =>
            world.app
              .get(Database)
              .query(sql`UPDATE users SET disabled_at = ${world.clock.now()} WHERE id = ${world.id(ACTOR)}`),
        ],
      ])('§4.1: the actor’s %s ends the delegated token, and what it was exchanged for', async (_, end) => {
        for (const subject of [(await signIn()).tokens, await machine()]) {
          await world.app
            .get(Database)
            .query(sql`UPDATE users SET disabled_at = NULL WHERE id = ${world.id(ACTOR)}`);
          const acting = await delegate(subject);
          await end(acting);
          expect([await active(web, acting.token), await active(projects, acting.next)]).toEqual([
            false,
            false,
          ]);
          expect(await trade(projects, acting.token)).toMatchObject(INVALID_REQUEST);
        }
        await world.app
          .get(Database)
          .query(sql`UPDATE users SET disabled_at = NULL WHERE id = ${world.id(ACTOR)}`);
      });
    });

    it('RFC 7009 §2.1: its own revocation by its client, and that of a token in between; each ends nothing else', async () => {
      const { tokens, first, second } = await passOn();
      await world.revoke(reports, first);
      await world.revoke(web, first);
      expect(await active(reports, first)).toBe(true);
      await world.revoke(projects, first);
      expect([await active(reports, first), await active(reports, second)]).toEqual([false, false]);
      expect(await active(web, tokens.access_token)).toBe(true);
      expect(await trade(reports, first)).toMatchObject(INVALID_REQUEST);
    });
  });

  it('no token of an organization that has come to want a second factor, without one', async () => {
    const { tokens } = await signIn();
    const demand = (wanted: boolean) =>
      world.app
        .get(Database)
        .query(
          sql`UPDATE organizations SET second_factor_required = ${wanted} WHERE id = ${world.id('acme')}`,
        );
    await demand(true);
    try {
      expect(await trade(projects, tokens.access_token)).toMatchObject(INVALID_REQUEST);
    } finally {
      await demand(false);
    }
    expect((await trade(projects, tokens.access_token)).status).toBe(200);
  });

  it('every exchange writes one audit row: who, for whom, for which target', async () => {
    const { tokens } = await signIn();
    const before = await exchanges();
    await traded(projects, tokens.access_token, { audience: 'reports', ...(await actingAs(projects)) });
    const rows = (await exchanges()).slice(before.length);
    expect(rows).toEqual([
      {
        actor: 'projects-service',
        target: world.id('member@acme.example'),
        organization_id: world.id('acme'),
        detail: {
          subject_client: 'web',
          authorization_id: claimsOf(tokens.access_token)['authorization_id'],
          actor: 'projects-service',
          audience: ['https://reports.example'],
          scope: 'reports:read',
        },
      },
    ]);
  });

  describe('the statement budget', () => {
    beforeEach(async () => {
      // the changes that were made are heard; then what a node remembers it has read once
      await world.heard();
    });

    it('one read and the audit row, with an actor token too', async () => {
      const { tokens } = await signIn();
      const actor = await actingAs(projects);
      await traded(projects, tokens.access_token, actor);
      world.database.statements.clear();
      await traded(projects, tokens.access_token, actor);
      const spent = world.database.statements
        .take()
        .filter((statement) => !isBackground(statement))
        .filter(({ kind }) => kind === 'read' || kind === 'write');
      expect(spent.map(({ kind }) => kind)).toEqual(['read', 'write']);
    });

    it('none for what is no token of this server', async () => {
      world.database.statements.clear();
      await trade(projects, 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.x');
      const spent = world.database.statements.take().filter((statement) => !isBackground(statement));
      expect(spent.filter(({ kind }) => kind !== 'transaction')).toEqual([]);
    });
  });

  function exchanges() {
    return world.app.get(Database).query<Record<string, unknown>>(sql`
      SELECT actor, target, organization_id, detail FROM audit_events WHERE act = 'token.exchange' ORDER BY id`);
  }
});
