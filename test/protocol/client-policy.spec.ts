import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parametersOf } from '../support/answers.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { claimsOf, World, type TestClient } from '../support/world.js';

const PROJECTS = 'https://projects.example';
const REPORTS = 'https://reports.example';

describe('what a client is held to', () => {
  let world: World;
  let suite: TestClient;
  let relaxed: TestClient;
  let member: HttpBrowser;

  beforeAll(async () => {
    world = await World.start();
    suite = await world.createClient({
      id: 'suite',
      scopes: ['openid', 'profile', 'projects:read', 'projects:write', 'reports:read'],
    });
    relaxed = await world.createClient({ id: 'relaxed', pkceRequired: false });
    member = await world.signIn('member@acme.example');
  });
  afterAll(() => world.stop());

  const authorize = (client: TestClient, extra: Readonly<Record<string, string>>, without: string[] = []) => {
    const { parameters } = world.authorizationRequest(client, extra);
    for (const name of without) delete parameters[name];
    return member.get(`/oauth2/authorize?${new URLSearchParams(parameters)}`);
  };

  describe('PKCE for a confidential client that is excused from it', () => {
    const PKCE = ['code_challenge', 'code_challenge_method'];

    it('OAuth 2.1 §7.5.1: with openid and a nonce it may do without', async () => {
      const { code } = parametersOf(await authorize(relaxed, {}, PKCE));
      const answer = await world.token(relaxed, {
        grant_type: 'authorization_code',
        code: String(code),
        redirect_uri: relaxed.redirectUri,
      });
      expect(answer.status).toBe(200);
    });

    it('OAuth 2.1 §7.5.1: without a nonce, or without openid, it may not', async () => {
      expect(parametersOf(await authorize(relaxed, {}, [...PKCE, 'nonce']))).toMatchObject({
        error: 'invalid_request',
      });
      expect(parametersOf(await authorize(relaxed, { scope: 'projects:read' }, PKCE))).toMatchObject({
        error: 'invalid_request',
      });
    });

    it('RFC 9700 §4.8.2: a verifier where there was no challenge is refused, and spends nothing', async () => {
      const { code } = parametersOf(await authorize(relaxed, {}, PKCE));
      const fields = { grant_type: 'authorization_code', code: String(code) };
      const attacked = await world.token(relaxed, { ...fields, code_verifier: 'v'.repeat(43) });
      expect(attacked).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect((await world.token(relaxed, fields)).status).toBe(200);
    });

    it('RFC 9700 §4.8: a challenge that was sent must be met', async () => {
      const { code } = parametersOf(await authorize(relaxed, {}));
      const answer = await world.token(relaxed, { grant_type: 'authorization_code', code: String(code) });
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    });

    it('RFC 9700 §2.1.1: an administrator may excuse it from the nonce too, and then it needs neither', async () => {
      const excused = await world.createClient({ id: 'excused', pkceRequired: false, nonceRequired: false });
      for (const scope of ['openid', 'projects:read']) {
        const { code } = parametersOf(await authorize(excused, { scope }, [...PKCE, 'nonce']));
        const answer = await world.token(excused, { grant_type: 'authorization_code', code: String(code) });
        expect(answer.status).toBe(200);
      }
      // what it sends all the same is checked
      const { code } = parametersOf(await authorize(excused, {}));
      const unmet = await world.token(excused, { grant_type: 'authorization_code', code: String(code) });
      expect(unmet).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    });

    it.each([
      ['one that must use PKCE', {}],
      ['a public one', { pkceRequired: false, secretSha256: null }],
      ['one that registered itself', { pkceRequired: false, source: 'registration' as const }],
    ])('nobody excuses %s from the nonce', async (_, members) => {
      const saved = world.createClient({ id: 'too-free', nonceRequired: false, ...members });
      await expect(saved).rejects.toMatchObject({ code: 'invalid_client_metadata' });
    });

    it('a public client cannot be excused', async () => {
      const open = {
        id: 'open',
        name: 'open',
        grantTypes: ['authorization_code' as const],
        scopes: ['openid'],
      };
      const saved = world.clients.save(
        { ...open, redirectUris: ['https://open.example/'], pkceRequired: false },
        'test',
      );
      await expect(saved).rejects.toMatchObject({ code: 'invalid_client_metadata' });
    });
  });

  describe('the FAPI 2.0 profile', () => {
    const jwks = () => ({
      keys: [
        {
          ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
          kty: 'EC',
          alg: 'ES256',
        },
      ],
    });

    it('§5.3.2.1: it needs private_key_jwt', async () => {
      const saved = world.createClient({ id: 'weak', profile: 'fapi2' });
      await expect(saved).rejects.toMatchObject({ code: 'invalid_client_metadata' });
    });

    it.each([
      ['§5.4.1: it has no ID token by RS256', { idTokenAlgorithm: 'RS256' as const }],
      ['§5.3.2.2: it has no redirect URI by http', { redirectUris: ['http://127.0.0.1:4000/callback'] }],
    ])('%s', async (_, members) => {
      const held = { profile: 'fapi2' as const, secretSha256: null, jwks: jwks() };
      await expect(world.createClient({ id: 'loose', ...held, ...members })).rejects.toMatchObject({
        code: 'invalid_client_metadata',
      });
      await expect(world.createClient({ id: 'tight', ...held })).resolves.toBeDefined();
    });

    it('§5.3.2.2: it needs a pushed request, whatever the switches say', async () => {
      const fapi = await world.createClient({
        id: 'fapi',
        profile: 'fapi2',
        secretSha256: null,
        jwks: jwks(),
        parRequired: false,
      });
      expect(parametersOf(await authorize(fapi, {}))).toMatchObject({ error: 'invalid_request' });
    });
  });

  describe('resource indicators (RFC 8707)', () => {
    const scope = 'openid projects:read reports:read';
    const exchange = async (
      extra: Readonly<Record<string, string>>,
      wish: Readonly<Record<string, string>>,
    ) => {
      const { code, verifier } = await world.code(suite, member, { scope, ...extra });
      return world.token(suite, { grant_type: 'authorization_code', code, code_verifier: verifier, ...wish });
    };
    const audience = (answer: { body: Record<string, unknown> }) =>
      claimsOf(String(answer.body['access_token']))['aud'];

    it('§2: without any, the token is for every module that its scopes concern', async () => {
      expect(audience(await exchange({}, {}))).toEqual([PROJECTS, REPORTS, world.url]);
    });

    it('§2.2: a token for one resource names it alone and holds only the scopes that it understands', async () => {
      const answer = await exchange({ resource: PROJECTS }, {});
      expect(audience(answer)).toEqual([PROJECTS, world.url]);
      expect(answer.body['scope']).toBe('openid projects:read');
      expect(claimsOf(String(answer.body['access_token']))['modules']).toEqual(['projects']);
    });

    it('§2.2: the token request narrows what was authorized, and each refresh chooses anew', async () => {
      const answer = await exchange({}, { resource: REPORTS });
      expect(audience(answer)).toEqual([REPORTS, world.url]);
      const refreshed = await world.refresh(suite, String(answer.body['refresh_token']), {
        resource: PROJECTS,
      });
      expect(audience(refreshed)).toEqual([PROJECTS, world.url]);
    });

    it('§2.1: the parameter may be sent several times', async () => {
      const { parameters, verifier } = world.authorizationRequest(suite, { scope });
      const query = new URLSearchParams(parameters);
      query.append('resource', PROJECTS);
      query.append('resource', REPORTS);
      const { code } = parametersOf(await member.get(`/oauth2/authorize?${query}`));
      const answer = await world.exchange(suite, { code: String(code), verifier });
      expect(audience(answer)).toEqual([PROJECTS, REPORTS, world.url]);
    });

    it('§2.2: a resource that was not authorized is invalid_target, and spends nothing', async () => {
      const { code, verifier } = await world.code(suite, member, { scope, resource: PROJECTS });
      const fields = { grant_type: 'authorization_code', code, code_verifier: verifier };
      const refused = await world.token(suite, { ...fields, resource: REPORTS });
      expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
      expect((await world.token(suite, fields)).status).toBe(200);
    });

    it.each(['https://elsewhere.example', 'relative', `${PROJECTS}#fragment`])(
      '§2: %s is invalid_target',
      async (resource) => {
        expect(parametersOf(await authorize(suite, { scope, resource }))).toMatchObject({
          error: 'invalid_target',
        });
      },
    );

    it('a client that is limited to some resources gets no other', async () => {
      const limited = await world.createClient({
        id: 'limited',
        scopes: ['openid', 'projects:read', 'reports:read'],
        resources: [PROJECTS],
      });
      expect(parametersOf(await authorize(limited, { scope, resource: REPORTS }))).toMatchObject({
        error: 'invalid_target',
      });
      expect(parametersOf(await authorize(limited, { scope, resource: PROJECTS }))).toHaveProperty('code');
    });

    it('a machine chooses its resource too', async () => {
      const answer = await world.token(suite, { grant_type: 'client_credentials', resource: REPORTS });
      expect(answer.body['scope']).toBe('reports:read');
      expect(audience(answer)).toEqual([REPORTS]);
    });

    describe('for this server itself', () => {
      const SCOPES = 'openid licensing:read readiness:read projects:read';
      let console: TestClient;
      let operator: HttpBrowser;
      beforeAll(async () => {
        console = await world.createClient({ id: 'console', scopes: SCOPES.split(' ') });
        const { AdministratorRepository } = await import('#accounts');
        await world.app
          .get(AdministratorRepository)
          .setOperator(world.id('owner@acme.example'), true, 'test');
        operator = await world.signIn('owner@acme.example');
      });

      const authorized = async (resources: readonly string[]) => {
        const { parameters, verifier } = world.authorizationRequest(console, { scope: SCOPES });
        const query = new URLSearchParams(parameters);
        for (const resource of resources) query.append('resource', resource);
        const { code } = parametersOf(await operator.get(`/oauth2/authorize?${query}`));
        return world.exchange(console, { code: String(code), verifier });
      };
      const licenses = async (answer: { body: Record<string, unknown> }) => {
        const headers = { authorization: `Bearer ${String(answer.body['access_token'])}` };
        return (await fetch(`${world.url}/v1/licenses`, { headers })).status;
      };

      it('§2.2: a token for it alone keeps its own scopes and no module’s, and opens its administration', async () => {
        const answer = await authorized([world.url]);
        expect([answer.body['scope'], audience(answer)]).toEqual([
          'openid licensing:read readiness:read',
          [world.url],
        ]);
        expect(await licenses(answer)).toBe(200);
      });

      it('§3: a token that a module sees, asked for in whatever way, does not open its administration', async () => {
        for (const resources of [[], [PROJECTS], [PROJECTS, world.url]]) {
          const answer = await authorized(resources);
          expect([answer.body['scope'], audience(answer)]).toEqual([
            'openid projects:read',
            [PROJECTS, world.url],
          ]);
          expect(await licenses(answer)).toBe(403);
        }
      });

      it('§2.2: of an authorization for both, each refresh gives a token for the one that it names', async () => {
        const both = await authorized([PROJECTS, world.url]);
        const forServer = await world.refresh(console, String(both.body['refresh_token']), {
          resource: world.url,
        });
        expect(await licenses(forServer)).toBe(200);
        const forModule = await world.refresh(console, String(forServer.body['refresh_token']), {
          resource: PROJECTS,
        });
        expect(forModule.body['scope']).toBe('openid projects:read');
      });

      it('a machine of a module that asks for its scopes alone gets a token for it, and not for the module', async () => {
        const machine = await world.createClient({
          ...{ id: 'projects-billing', moduleKey: 'projects', grantTypes: ['client_credentials'] },
          scopes: ['licensing:read', 'projects:read'],
        });
        const alone = await world.token(machine, {
          grant_type: 'client_credentials',
          scope: 'licensing:read',
        });
        expect([alone.body['scope'], audience(alone)]).toEqual(['licensing:read', [world.url]]);
        expect(await licenses(alone)).toBe(200);
        const mixed = await world.token(machine, { grant_type: 'client_credentials' });
        expect([mixed.body['scope'], audience(mixed)]).toEqual(['projects:read', [PROJECTS]]);
      });
    });

    it('the license of the resource decides, not that of modules that the token leaves out', async () => {
      const admin = await world.signIn('admin@globex.example');
      const forBoth = await admin.get(world.authorizationRequest(suite, { scope }).path);
      expect(forBoth.headers.get('location')).toMatch(/^\/license-refused\?/);
      const { code, verifier } = await world.code(suite, admin, { scope, resource: PROJECTS });
      expect((await world.exchange(suite, { code, verifier })).status).toBe(200);
    });
  });
});
