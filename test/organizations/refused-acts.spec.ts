import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { AdministratorRepository } from '#accounts';
import { HistoryRepository } from '#licensing';
import { AuditChainer, AuditChainRepository, verifyChain } from '#observability';
import { Database, sql } from '#platform';
import { Sweeper } from '../../apps/server/sweeper.js';
import { eventually } from '../support/answers.js';
import { formOf } from '../support/factors.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { World } from '../support/world.js';
import { ApiWorld, stateOf } from './api-world.js';

jest.setTimeout(60_000);

const MINUTE = 60_000;
const SCOPES = 'openid organization:read organization:write licensing:read licensing:write';

interface Row {
  readonly actor: string;
  readonly target: string;
  readonly organization_id: string | null;
  readonly address: string | null;
  readonly factor: string | null;
  readonly client_id: string | null;
  readonly result: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

describe('what was refused for want of authority is in the audit', () => {
  let api: ApiWorld;
  let world: World;
  let other: World;
  let after = '0';

  beforeAll(async () => {
    api = await ApiWorld.start({ scopes: SCOPES.split(' ') });
    world = api.world;
    other = await World.start({ beside: world });
    await world.createPerson('operator@seller.example', 'Otto Operator', { globex: 'member' });
    const operator = world.id('operator@seller.example');
    await world.app.get(AdministratorRepository).setOperator(operator, true, 'test');
  });
  afterAll(async () => {
    await other.stop();
    await api.stop();
  });
  beforeEach(async () => {
    // another minute for everybody
    world.clock.advance(MINUTE);
    const [last] = await query<{ id: string }>(sql`SELECT max(id)::text AS id FROM audit_events`);
    after = last?.id ?? '0';
  });

  const query = <T>(statement: ReturnType<typeof sql>) => world.app.get(Database).query<T>(statement);
  /** What was written since the test began. */
  const rows = () =>
    query<Row>(sql`
      SELECT actor, target, organization_id, address, factor, client_id, result, detail
        FROM audit_events WHERE act = 'access.refuse' AND id > ${after}::bigint ORDER BY id`);
  const tokenOf = (email: string) => api.tokenOf(email, SCOPES);
  const post = async (browser: HttpBrowser, path: string, fields: Readonly<Record<string, string>>) =>
    browser.post(path, {
      ...(await formOf(browser, '/account')),
      organization_id: world.id('acme'),
      ...fields,
    });

  it('over the API: who, what, whom, for which organization, from where, by which application and why', async () => {
    const member = world.id('member@acme.example');
    const owner = world.id('owner@acme.example');
    const before = await stateOf(world);
    const token = await tokenOf('admin@acme.example');
    expect((await api.call('PUT', `/people/${owner}/role`, token, { role: 'member' })).status).toBe(403);
    const ofMember = await tokenOf('member@acme.example');
    const renamed = { name: 'somebody@private.example', key: 'mine', 'x@private.example': randomUUID() };
    expect((await api.call('PUT', '/name', ofMember, renamed)).status).toBe(403);
    const license = world.id('license:acme:reports');
    const seat = `/v1/licenses/${license}/seats/${member}`;
    expect((await api.call('PUT', seat, ofMember)).status).toBe(403);

    const acme = world.id('acme');
    const common = {
      organization_id: acme,
      address: expect.stringMatching(/^(127\.0\.0\.1|::1|::ffff:127\.0\.0\.1)$/),
      factor: 'pwd',
      client_id: 'assistant',
      result: 'failure',
    };
    expect(await rows()).toEqual([
      {
        ...common,
        actor: world.id('admin@acme.example'),
        target: owner,
        detail: {
          route: 'PUT /v1/organizations/{organizationId}/people/{userId}/role',
          code: 'beyond_authority',
          named: { organizationId: acme, userId: owner },
        },
      },
      {
        ...common,
        actor: member,
        target: acme,
        detail: {
          route: 'PUT /v1/organizations/{organizationId}/name',
          code: 'access_denied',
          named: { organizationId: acme },
        },
      },
      {
        ...common,
        actor: member,
        target: member,
        detail: {
          route: 'PUT /v1/licenses/{id}/seats/{userId}',
          code: 'access_denied',
          named: { id: license, userId: member },
        },
      },
    ]);
    expect(await stateOf(world)).toEqual(before);
  });

  it('what is another organization’s: under that organization where it was named, as what there is not', async () => {
    const token = await tokenOf('owner@acme.example');
    const [globex, acme] = [world.id('globex'), world.id('acme')];
    const stranger = world.id('admin@globex.example');
    const license = world.id('license:globex:projects');
    const nothing = randomUUID();
    for (const path of [
      `/v1/organizations/${globex}/people`,
      `/v1/organizations/${nothing}`,
      `/people/${stranger}`,
      `/v1/licenses/${license}`,
      `/v1/licenses/${nothing}`,
    ]) {
      const method = path.startsWith('/people') ? 'DELETE' : 'GET';
      expect([path, (await api.call(method, path, token)).status]).toEqual([path, 404]);
    }
    const seen = (await rows()).map(({ organization_id, target, detail }) => [
      ...[organization_id, target, detail['code']],
    ]);
    expect(seen).toEqual([
      [globex, globex, 'unknown_organization'],
      [acme, nothing, 'unknown_organization'],
      [acme, stranger, 'unknown_member'],
      [acme, license, 'unknown_license'],
      [acme, nothing, 'unknown_license'],
    ]);
  });

  it('on the pages: of the organization and of its licenses, also where the page itself says why', async () => {
    const member = await world.signIn('member@acme.example');
    const admin = await world.signIn('admin@acme.example');
    const owner = world.id('owner@acme.example');
    const license = world.id('license:acme:reports');
    const before = await stateOf(world);
    expect((await member.get('/organization/people')).status).toBe(403);
    expect((await post(member, `/organization/people/${owner}/remove`, {})).status).toBe(403);
    expect((await member.get(`/console/licenses/${license}`)).status).toBe(403);
    expect((await post(admin, `/organization/people/${owner}/role`, { role: 'member' })).status).toBe(403);
    const invited = { addresses: 'new@acme.example', role: 'owner' };
    expect((await post(admin, '/organization/invitations', invited)).status).toBe(403);
    const seen = (await rows()).map(({ actor, target, client_id, detail }) => [
      ...[actor, target, client_id, detail['route'], detail['code']],
    ]);
    const [who, boss] = [world.id('member@acme.example'), world.id('admin@acme.example')];
    const acme = world.id('acme');
    expect(seen).toEqual([
      [who, acme, null, 'GET /organization/people', 'access_denied'],
      [who, owner, null, 'POST /organization/people/{userId}/remove', 'access_denied'],
      [who, license, null, 'GET /console/licenses/{id}', 'access_denied'],
      [boss, owner, null, 'POST /organization/people/{userId}/role', 'beyond_authority'],
      [boss, acme, null, 'POST /organization/invitations', 'beyond_authority'],
    ]);
    expect(await stateOf(world)).toEqual(before);
  });

  it('nothing else: no stranger, no scope that is missing, no form that is wrong, no operator who errs', async () => {
    const operator = await tokenOf('operator@seller.example');
    expect((await api.call('GET', `/v1/licenses/${randomUUID()}`, operator)).status).toBe(404);
    expect((await api.call('GET', '/people')).status).toBe(401);
    const reader = await api.tokenOf('owner@acme.example', 'openid organization:read');
    expect((await api.call('PUT', '/name', reader, { name: 'New' })).status).toBe(403);
    const owner = await tokenOf('owner@acme.example');
    expect((await api.call('PUT', '/name', owner, { name: '' })).status).toBe(400);
    const browser = await world.signIn('owner@acme.example');
    expect((await browser.post('/organization/settings', { name: 'New' })).status).toBe(403);
    expect(await rows()).toEqual([]);
  });

  it('is chained as everything else, and in no timeline of a license', async () => {
    const license = world.id('license:acme:reports');
    const member = await world.signIn('member@acme.example');
    await member.get(`/console/licenses/${license}`);
    expect(await rows()).toHaveLength(1);
    const chain = world.app.get(AuditChainRepository);
    await eventually(async () => {
      await world.app.get(AuditChainer).extend();
      return (await chain.unchainedCount()) === 0 || undefined;
    }, 'the end of the chain');
    expect((await verifyChain(chain, undefined, () => undefined)).faults).toEqual([]);
    const { entries } = await world.app.get(HistoryRepository).timeline(license);
    expect(entries.map(({ act }) => act)).not.toContain('access.refuse');
  });

  it('of one person ten rows a minute and no more, however many they try at once on two nodes', async () => {
    const tokens = [await tokenOf('member@acme.example'), await tokenOf('billing@acme.example')];
    const path = `/v1/organizations/${world.id('acme')}/people`;
    const flood = async (token: string | undefined) => {
      const tries = Array.from({ length: 40 }, (_, index) =>
        fetch(new URL(path, (index % 2 === 0 ? world : other).url), {
          headers: { authorization: `Bearer ${token}` },
        }),
      );
      const answers = await Promise.all(tries);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]));
    };
    const written = async (email: string) =>
      (await rows())
        .filter(({ actor }) => actor === world.id(email))
        .map(({ detail }) => detail['last_of_minute'] === true);
    await Promise.all(tokens.map(flood));
    const ten = [...Array<boolean>(9).fill(false), true];
    for (const email of ['member@acme.example', 'billing@acme.example']) {
      expect((await written(email)).toSorted()).toEqual(ten);
    }
    world.clock.advance(MINUTE);
    await flood(tokens[0]);
    expect(await written('member@acme.example')).toHaveLength(20);
    expect(await written('billing@acme.example')).toHaveLength(10);
    world.clock.advance(MINUTE + 1);
    await world.app.get(Sweeper).sweep();
    expect(await query(sql`SELECT FROM refused_acts`)).toEqual([]);
  });
});
