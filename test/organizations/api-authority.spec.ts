import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { AdministratorRepository } from '#accounts';
import {
  organizationApiRoutes,
  type DescribedOrganizationApiRoute,
} from '../../apps/server/organization/organization-routes.js';
import { ApiReference } from '../support/api-reference.js';
import { ApiWorld, authorityMatrix } from './api-world.js';

jest.setTimeout(60_000);

const PEOPLE: Readonly<Record<string, string>> = {
  owner: 'owner@acme.example',
  administrator: 'admin@acme.example',
  billing: 'billing@acme.example',
  member: 'member@acme.example',
  'custom role': 'archivist@acme.example',
  'administrator of another organization': 'admin@globex.example',
  operator: 'operator@seller.example',
  'who belongs to none': 'nobody@self.example',
};
/** What they do needs nothing that could be left out: they are called by who may in a test of their own. */
const AT_ONCE = [
  'POST /v1/organizations/{organizationId}/leave',
  'POST /v1/organizations/{organizationId}/deletion',
];

describe('the matrix of route and role of the API of organizations', () => {
  const { people, cells } = authorityMatrix('API');
  const routes = organizationApiRoutes();
  const named = routes.map((route) => [`${route.method} ${route.path}`, route] as const);
  let api: ApiWorld;

  beforeAll(async () => {
    api = await ApiWorld.start();
    await api.world.createPerson('nobody@self.example', 'Noah Nobody', {});
    // a token with the scopes of an organization is for one
    await api.world.createPerson('operator@seller.example', 'Otto Operator', { globex: 'member' });
    const operator = api.world.id('operator@seller.example');
    await api.world.app.get(AdministratorRepository).setOperator(operator, true, 'test');
  });
  afterAll(() => api.stop());

  const tokenOf = async (who: string): Promise<string | undefined> => {
    const email = PEOPLE[who];
    if (who === 'who belongs to none') return api.tokenOf(email ?? '', 'openid account:write');
    if (email !== undefined) return api.tokenOf(email);
    return who === 'machine' ? api.machineToken() : undefined;
  };
  /** Of acme; what else it names is there when `real`. */
  const addressOf = (path: string, real: boolean) =>
    path
      .replace('{organizationId}', api.world.id('acme'))
      .replace('{userId}', real ? api.world.id('member@acme.example') : randomUUID())
      .replaceAll(/\{\w+\}/g, () => randomUUID());
  /** What would do something, if it were let in. */
  const bodyFor = ({ body, path }: DescribedOrganizationApiRoute) => {
    if (!body) return undefined;
    if (path.endsWith('/role')) return { role: 'owner' };
    if (path.endsWith('/invitations')) return { email: 'thief@globex.example', role: 'owner' };
    if (path.includes('/roles')) return { name: 'Thief', permissions: [] };
    if (path.endsWith('/second-factor')) return { required: true };
    return path.endsWith('/session-limits')
      ? { idle_seconds: 300, absolute_seconds: null }
      : { name: 'Taken over', key: 'taken-over' };
  };

  it('has every route once, and every kind of caller', () => {
    expect([...people].sort()).toEqual([...Object.keys(PEOPLE), 'anonymous', 'machine'].sort());
    expect([...cells.keys()]).toEqual(named.map(([name]) => name));
    expect(cells.size).toBeGreaterThan(20);
  });

  it.each(named)(
    '%s lets in whom the matrix names, and changes nothing for anybody else',
    async (name, route) => {
      const ofOrganization = route.action !== 'whoever is signed in';
      for (const who of people) {
        const allowed = cells.get(name)?.[who] === 'yes';
        if (allowed && AT_ONCE.includes(name)) continue;
        const before = await api.state();
        // who is let in names nothing that there is, and says nothing: so nothing happens
        const body = allowed && route.body ? {} : bodyFor(route);
        const address = addressOf(route.path, !allowed);
        const { status, body: answer } = await api.call(route.method, address, await tokenOf(who), body);
        const seen = { who, status, code: answer['code'] };
        if (allowed) {
          expect([who, [401, 403].includes(status) || status >= 500]).toEqual([who, false]);
        } else if (who === 'anonymous') expect(seen).toMatchObject({ who, status: 401 });
        else if (who === 'who belongs to none')
          expect(seen).toMatchObject({ status: 403, code: 'insufficient_scope' });
        else if (ofOrganization && /another|operator/.test(who)) {
          expect(seen).toEqual({ who, status: 404, code: 'unknown_organization' });
        } else expect(seen).toEqual({ who, status: 403, code: 'access_denied' });
        expect(await api.state()).toEqual(before);
      }
    },
  );

  it.each(named)('%s takes no token without its scope', async (_, route) => {
    const other = route.scope === 'organization:read' ? 'organization:write' : 'organization:read';
    const token = await api.tokenOf('owner@acme.example', `openid ${other}`);
    const before = await api.state();
    const answer = await api.call(route.method, addressOf(route.path, true), token, bodyFor(route));
    expect([answer.status, answer.body['code']]).toEqual([403, 'insufficient_scope']);
    expect(await api.state()).toEqual(before);
  });

  it('an organization that the token is not for is unknown to it, also to somebody who runs that one too', async () => {
    const { world } = api;
    await world.createPerson('both@acme.example', 'Bo Both', { acme: 'owner' });
    const token = await api.freshToken('both@acme.example');
    await world.accounts.addMember(
      { userId: world.id('both@acme.example'), organizationId: world.id('globex'), role: 'owner' },
      'test',
    );
    expect((await api.call('GET', '', token)).status).toBe(200);
    for (const id of [world.id('globex'), randomUUID(), 'nothing', world.id('acme').slice(0, 35)]) {
      const answer = await api.call('GET', `/v1/organizations/${id}`, token);
      expect([id, answer.status, answer.body['code']]).toEqual([id, 404, 'unknown_organization']);
    }
    expect((await api.call('GET', `/v1/organizations/${world.id('acme').toUpperCase()}`, token)).status).toBe(
      200,
    );
  });

  it('what is at once done is done for whom the matrix names: leaving, and asking for the deletion', async () => {
    await api.world.createPerson('leaver@acme.example', 'Lea Leaver', { acme: 'member' });
    const token = await api.freshToken('leaver@acme.example');
    expect((await api.call('POST', '/leave', token)).status).toBe(204);
    expect((await api.call('GET', '', token)).status).toBe(401);
    const owner = await api.freshToken('owner@acme.example');
    const asked = await api.call('POST', '/deletion', owner);
    expect([asked.status, asked.body]).toEqual([200, { deletion_at: expect.stringMatching(/Z$/) }]);
    expect((await api.call('DELETE', '/deletion', owner)).status).toBe(204);
  });

  it('what is sensitive asks for a sign-in of the last quarter of an hour, and what is not does not (RFC 9470)', async () => {
    const token = await api.freshToken('owner@acme.example');
    api.world.clock.advance(15 * 60_000);
    const before = await api.state();
    const asking: string[] = [];
    for (const [name, route] of named.filter(([name]) => !name.endsWith('/leave'))) {
      const body = route.recent === true ? bodyFor(route) : route.body && {};
      const answer = await api.call(route.method, addressOf(route.path, route.recent === true), token, body);
      if (answer.status !== 401) continue;
      asking.push(name);
      expect(answer.headers.get('www-authenticate')).toMatch(
        /^Bearer error="insufficient_user_authentication",.* acr_values="aal1", max_age="900"$/,
      );
    }
    expect(asking).toEqual(named.filter(([, { recent }]) => recent === true).map(([name]) => name));
    for (const act of [
      'PUT /people/{userId}/role',
      'DELETE /people/{userId}',
      'POST /invitations',
      'POST /invitations/{id}/resend',
      'POST /roles',
      'PUT /roles/{roleId}',
      'DELETE /roles/{roleId}',
      'PUT /security/second-factor',
    ]) {
      expect(asking).toContain(act.replace(' ', ' /v1/organizations/{organizationId}'));
    }
    expect(await api.state()).toEqual(before);
  });

  it('the OpenAPI document is a valid one, has every route, and refers to nothing that it lacks', () => {
    new ApiReference('organization-api.json').expectToTellOf(named.map(([name]) => name));
  });
});
