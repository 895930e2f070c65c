import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Role } from '#accounts';
import { CatalogRepository } from '#licensing';
import { Database, sql } from '#platform';
import type { HttpBrowser } from '../support/http-browser.js';
import { parametersOf } from '../support/answers.js';
import { claimsOf, World, type Answer, type TestClient } from '../support/world.js';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

let world: World;
let catalog: CatalogRepository;
beforeAll(async () => {
  world = await World.start();
  catalog = world.app.get(CatalogRepository);
});
afterAll(() => world.stop());

/** What was changed in the catalog is heard by the node. */
const heard = () => world.heard();
const permit = (moduleKey: string, role: Role, ...permissions: string[]) =>
  catalog.setPermissions({ moduleKey, role, permissions }, 'test');
const accessToken = (answer: Answer) => {
  expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
  return String(answer.body['access_token']);
};
const claimsIn = (answer: Answer) => claimsOf(accessToken(answer));
const tokensOf = async (client: TestClient, browser: HttpBrowser, extra: Record<string, string> = {}) =>
  world.exchange(client, await world.code(client, browser, extra));

describe('roles and permissions in access tokens', () => {
  let suite: TestClient;
  const scope = 'openid profile projects:read projects:admin reports:read';

  beforeAll(async () => {
    suite = await world.createClient({
      id: 'suite',
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials', EXCHANGE],
      scopes: ['openid', 'profile', 'offline_access', 'projects:read', 'projects:admin', 'reports:read'],
    });
    await permit('projects', 'owner', 'archive', 'invite');
    await permit('projects', 'member', 'comment');
    await permit('reports', 'owner', 'publish');
    await catalog.setScopeRoles(
      { moduleKey: 'projects', scope: 'projects:admin', roles: ['owner', 'administrator'] },
      'test',
    );
    await heard();
  });

  it('RFC 9068 §2.2.3.1: roles and entitlements tell the person’s role, and what it permits', async () => {
    const owner = await world.signIn('owner@acme.example');
    expect(claimsIn(await tokensOf(suite, owner, { scope }))).toMatchObject({
      roles: ['owner'],
      entitlements: ['projects:archive', 'projects:invite', 'reports:publish'],
    });
    const member = await world.signIn('member@acme.example');
    const claims = claimsIn(await tokensOf(suite, member, { scope }));
    expect(claims).toMatchObject({ roles: ['member'], entitlements: ['projects:comment'] });
  });

  it('RFC 8707 §2.2: they are those of the audience alone', async () => {
    const owner = await world.signIn('owner@acme.example');
    const narrowed = await tokensOf(suite, owner, { scope, resource: 'https://reports.example' });
    expect(claimsIn(narrowed)['entitlements']).toEqual(['reports:publish']);
    const exchanged = await world.token(suite, {
      grant_type: EXCHANGE,
      subject_token: accessToken(await tokensOf(suite, owner, { scope })),
      subject_token_type: ACCESS_TOKEN,
      audience: 'projects',
    });
    expect(claimsIn(exchanged)['entitlements']).toEqual(['projects:archive', 'projects:invite']);
  });

  it('without a module in the audience, and for a machine, nothing is said of either', async () => {
    const owner = await world.signIn('owner@acme.example');
    for (const claims of [
      claimsIn(await tokensOf(suite, owner, { scope: 'openid profile' })),
      claimsIn(await world.token(suite, { grant_type: 'client_credentials' })),
    ]) {
      expect(claims).not.toHaveProperty('roles');
      expect(claims).not.toHaveProperty('entitlements');
    }
  });

  it('a change of permissions, and of the role, is in the next token', async () => {
    await world.createPerson('raised@acme.example', 'Rae Raised', { acme: 'member' });
    const browser = await world.signIn('raised@acme.example');
    const { body } = await tokensOf(suite, browser, { scope });
    await permit('reports', 'member', 'annotate');
    await heard();
    const second = await world.refresh(suite, String(body['refresh_token']));
    expect(claimsIn(second)['entitlements']).toEqual(['projects:comment', 'reports:annotate']);
    await changeRole('raised@acme.example', 'owner');
    const third = await world.refresh(suite, String(second.body['refresh_token']));
    expect(claimsIn(third)).toMatchObject({
      roles: ['owner'],
      entitlements: ['projects:archive', 'projects:invite', 'reports:publish'],
    });
  });

  describe('a scope that is not for the person’s role', () => {
    it('RFC 6749 §3.3: is left out of the grant, and the answer says so', async () => {
      const member = await tokensOf(suite, await world.signIn('member@acme.example'), { scope });
      expect(member.body['scope']).toBe('openid profile projects:read reports:read');
      expect(claimsIn(member)['scope']).toBe(member.body['scope']);
      const owner = await tokensOf(suite, await world.signIn('owner@acme.example'), { scope });
      expect(owner.body['scope']).toBe(scope);
    });

    it('RFC 6749 §4.1.2.1: alone is access_denied', async () => {
      const member = await world.signIn('member@acme.example');
      const { path } = world.authorizationRequest(suite, { scope: 'projects:admin' });
      expect(parametersOf(await member.get(path))).toMatchObject({ error: 'access_denied', iss: world.url });
    });

    it('RFC 6749 §6: is lost with the role, at the next refresh', async () => {
      await world.createPerson('lowered@acme.example', 'Lou Lowered', { acme: 'owner' });
      const browser = await world.signIn('lowered@acme.example');
      const { body } = await tokensOf(suite, browser, { scope });
      const subject = String(body['access_token']);
      expect(body['scope']).toBe(scope);
      await changeRole('lowered@acme.example', 'member');

      const refused = await world.refresh(suite, String(body['refresh_token']), { scope: 'projects:admin' });
      expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
      const refreshed = await world.refresh(suite, String(body['refresh_token']));
      expect(refreshed.body['scope']).toBe('openid profile projects:read reports:read');
      const exchanged = await world.token(suite, {
        grant_type: EXCHANGE,
        subject_token: subject,
        subject_token_type: ACCESS_TOKEN,
      });
      expect(exchanged.body['scope']).toBe('openid profile projects:read reports:read');
    });

    it('is not asked about: consent shows and remembers what can be granted', async () => {
      const foreign = await world.createClient({
        id: 'foreign',
        name: 'Foreign',
        firstParty: false,
        scopes: ['openid', 'projects:read', 'projects:admin'],
      });
      const browser = await world.signIn('member@acme.example');
      const request = { scope: 'openid projects:read projects:admin' };
      const { path } = world.authorizationRequest(foreign, request);
      const consent = new URL((await browser.get(path)).headers.get('location') ?? '', world.url);
      expect(consent.pathname).toBe('/consent');
      const address = `${consent.pathname}${consent.search}`;
      const form = { decision: 'allow', return_to: consent.searchParams.get('return_to') ?? '' };
      expect((await browser.submit(address, '/consent', form)).status).toBe(303);
      const [row] = await world.app.get(Database).query<{ scopes: string[] }>(sql`
        SELECT scopes FROM consents WHERE client_id = 'foreign'`);
      expect(row?.scopes).toEqual(['openid', 'projects:read']);
      const answer = await tokensOf(foreign, browser, request);
      expect(answer.body['scope']).toBe('openid projects:read');
    });

    it('a scope can be named as anything: what every object has names no roles', async () => {
      const odd = await world.createClient({
        id: 'odd',
        scopes: ['openid', 'projects:read', '__proto__', 'constructor', 'projects:__proto__'],
      });
      const browser = await world.signIn('member@acme.example');
      const answer = await tokensOf(odd, browser, { scope: '__proto__ constructor projects:__proto__' });
      expect(answer.body['scope']).toBe('__proto__ constructor projects:__proto__');
    });
  });

  describe('the catalog', () => {
    it('every change writes one audit row and tells every node', async () => {
      await permit('reports', 'billing', 'invoice', 'export', 'export');
      await catalog.setScopeRoles(
        { moduleKey: 'reports', scope: 'reports:bill', roles: ['billing', 'owner'] },
        'test',
      );
      const database = world.app.get(Database);
      const audit = await database.query(sql`
        SELECT act, actor, target, detail FROM audit_events ORDER BY id DESC LIMIT 2`);
      expect(audit).toEqual([
        {
          act: 'module.set-scope-roles',
          actor: 'test',
          target: 'reports',
          detail: { scope: 'reports:bill', roles: ['billing', 'owner'] },
        },
        {
          act: 'module.set-permissions',
          actor: 'test',
          target: 'reports',
          detail: { role: 'billing', permissions: ['invoice', 'export'] },
        },
      ]);
      expect(await database.query(sql`SELECT kind, subject FROM outbox ORDER BY id DESC LIMIT 2`)).toEqual([
        { kind: 'catalog-changed', subject: 'reports' },
        { kind: 'catalog-changed', subject: 'reports' },
      ]);
    });

    it('refuses what is no permission, no role, no scope of the module, and an unknown module', async () => {
      for (const permissions of [['Archive'], ['a b'], [''], ['projects:archive'], manyPermissions(51)]) {
        await expect(permit('reports', 'owner', ...permissions)).rejects.toMatchObject({
          status: 400,
          code: 'invalid_permission',
        });
      }
      await expect(permit('reports', 'king' as Role, 'rule')).rejects.toMatchObject({ status: 400 });
      await expect(permit('absent', 'owner', 'rule')).rejects.toMatchObject({ code: 'unknown_module' });
      for (const name of ['projects:read', 'reports:', 'reports:a b', `reports:${'x'.repeat(128)}`]) {
        await expect(
          catalog.setScopeRoles({ moduleKey: 'reports', scope: name, roles: [] }, 'test'),
        ).rejects.toMatchObject({ status: 400, code: 'invalid_scope_roles' });
      }
      await expect(
        catalog.setScopeRoles({ moduleKey: 'absent', scope: 'absent:read', roles: [] }, 'test'),
      ).rejects.toMatchObject({ status: 404, code: 'unknown_module' });
    });
  });

  it('a permission and a scope never share a name, by which the one would give the other; also when both come at once', async () => {
    const keep = (name: string) =>
      catalog.setScopeRoles({ moduleKey: 'reports', scope: `reports:${name}`, roles: ['owner'] }, 'test');
    await permit('reports', 'member', 'annotate');
    await expect(keep('annotate')).rejects.toMatchObject({
      status: 400,
      code: 'invalid_scope_roles',
      publicMessage: expect.stringContaining('"reports:annotate" is a permission of the module already'),
    });
    await keep('approve');
    await expect(permit('reports', 'member', 'annotate', 'approve')).rejects.toMatchObject({
      status: 400,
      code: 'invalid_permission',
      publicMessage: expect.stringContaining('"reports:approve" is a scope of the module already'),
    });
    for (let round = 0; round < 10; round += 1) {
      const name = `twice-${round}`;
      const results = await Promise.allSettled([permit('reports', 'member', name), keep(name)]);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
  });

  function changeRole(email: string, role: Role) {
    return world.app.get(Database).query(sql`
      UPDATE memberships SET role = ${role} WHERE user_id = ${world.id(email)}`);
  }
});

describe('the size of access tokens', () => {
  const KEYS = ['planner', 'ledger', 'payroll', 'calendar', 'inventory', 'tickets', 'library', 'contracts'];
  let keys: string[];
  let scopes: string[];

  beforeAll(async () => {
    for (const key of KEYS) {
      const { baseUrl } = await catalog.createModule(
        { key, name: key, baseUrl: `https://${key}.example` },
        'test',
      );
      expect(baseUrl).toBe(`https://${key}.example`);
      const plan = await catalog.createPlanVersion(
        { planKey: key, name: key, moduleKey: key, features: {} },
        'test',
      );
      world.ids[`plan:${key}`] = plan.id;
      await world.license('acme', key);
    }
    keys = ['projects', 'reports', ...KEYS];
    scopes = keys.flatMap((key) => [`${key}:read`, `${key}:write`]);
    for (const key of keys) await permit(key, 'administrator', 'export');
    await permit('planner', 'owner', ...manyPermissions(50));
    await world.createPerson('admin@acme.example', 'Ann Admin', { acme: 'administrator' });
    await heard();
  });

  it.each(['jwt', 'opaque'] as const)(
    'a typical %s token, of ten modules and twenty scopes with permissions, has at most 2,048 bytes',
    async (accessTokenFormat) => {
      const client = await world.createClient({
        id: `typical-${accessTokenFormat}`,
        scopes,
        accessTokenFormat,
      });
      const browser = await world.signIn('admin@acme.example');
      const answer = await tokensOf(client, browser, { scope: scopes.join(' ') });
      const token = accessToken(answer);
      expect(answer.body['scope']).toBe(scopes.join(' '));
      expect((await world.introspect(client, token)).body['entitlements']).toHaveLength(10);
      expect(token.length).toBeLessThanOrEqual(2048);
    },
  );

  it.each(['jwt', 'opaque'] as const)(
    'the largest %s token that is issued has at most 6,144 bytes; for more, fewer scopes or a resource must be asked for',
    async (accessTokenFormat) => {
      const many = manyScopes(18);
      const client = await world.createClient({
        id: `large-${accessTokenFormat}`,
        scopes: [...many, 'ledger:read'],
        accessTokenFormat,
      });
      const browser = await world.signIn('owner@acme.example');
      let largest = 0;
      let count = 0;
      let answer: Answer;
      do {
        count += 1;
        answer = await tokensOf(client, browser, { scope: many.slice(0, count).join(' ') });
        if (answer.status === 200) largest = accessToken(answer).length;
      } while (answer.status === 200);
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
      expect(count).toBeGreaterThan(1);
      // one scope more would have been 150 characters more
      expect(largest).toBeGreaterThan(6144 - 150);
      expect(largest).toBeLessThanOrEqual(6144);
    },
  );

  it('a refusal spends nothing: the same code gives a token for less', async () => {
    const many = manyScopes(48);
    const client = await world.createClient({
      id: 'greedy',
      scopes: [...many, 'ledger:read'],
      grantTypes: ['authorization_code', 'client_credentials'],
    });
    const browser = await world.signIn('owner@acme.example');
    const exchange = await world.code(client, browser, {
      scope: [...many.slice(0, 18), 'ledger:read'].join(' '),
    });
    const refused = { status: 400, body: { error: 'invalid_scope' } };
    expect(await world.exchange(client, exchange)).toMatchObject(refused);
    const narrowed = await world.token(client, {
      grant_type: 'authorization_code',
      code: exchange.code,
      code_verifier: exchange.verifier,
      resource: 'https://ledger.example',
    });
    expect(claimsIn(narrowed)['scope']).toBe('ledger:read');
    // a machine's token is no different
    expect(await world.token(client, { grant_type: 'client_credentials' })).toMatchObject(refused);
  });
});

function manyPermissions(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `permission-${'x'.repeat(30)}-${index}`);
}

/** Eighteen of them are as much as one request may ask for. */
function manyScopes(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `planner:${'x'.repeat(100)}${index}`);
}
