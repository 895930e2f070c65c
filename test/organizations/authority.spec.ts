import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { AdministratorRepository } from '#accounts';
import { organizationRoutes } from '../../apps/server/organization/organization-routes.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { World } from '../support/world.js';
import { authorityMatrix, populate, stateOf } from './api-world.js';

jest.setTimeout(120_000);

/** In the order of the columns of the matrix; undefined is nobody who is signed in. */
const PEOPLE: Readonly<Record<string, string | undefined>> = {
  owner: 'owner@acme.example',
  administrator: 'admin@acme.example',
  billing: 'billing@acme.example',
  member: 'member@acme.example',
  'custom role': 'archivist@acme.example',
  'administrator of another organization': 'admin@globex.example',
  operator: 'operator@seller.example',
  anonymous: undefined,
};

describe('the matrix of an organization’s routes and roles', () => {
  const { people, cells: documented } = authorityMatrix('Pages');
  const routes = organizationRoutes();
  const browsers = new Map<string, HttpBrowser>();
  let world: World;

  beforeAll(async () => {
    world = await World.start();
    await populate(world);
    await world.createPerson('operator@seller.example', 'Otto Operator', {});
    await world.app
      .get(AdministratorRepository)
      .setOperator(world.id('operator@seller.example'), true, 'test');
    for (const [who, email] of Object.entries(PEOPLE)) {
      browsers.set(who, email === undefined ? world.browser() : await world.signIn(email));
    }
  });
  afterAll(() => world.stop());

  const browserOf = (who: string): HttpBrowser => {
    const browser = browsers.get(who);
    if (!browser) throw new Error(`nobody is ${who}`);
    return browser;
  };
  /** Of some page that everybody sees. */
  const csrfOf = async (browser: HttpBrowser) =>
    hiddenFields(await (await browser.get('/sign-in')).text())['csrf_token'] ?? '';
  const state = () => stateOf(world);
  /** Nothing that it names is there beside the people: whoever is let in changes nothing either. */
  const addressOf = (path: string) =>
    path.replace('{userId}', world.id('owner@acme.example')).replaceAll(/\{\w+\}/g, () => randomUUID());

  it('has every route of an organization once', () => {
    expect(people).toEqual(Object.keys(PEOPLE));
    expect([...documented.keys()]).toEqual(routes.map(({ method, path }) => `${method} ${path}`));
    expect(documented.size).toBeGreaterThan(22);
  });

  const ofOrganization = routes.filter(({ action }) => !action.startsWith('whoever'));
  it.each(ofOrganization.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s lets in whom the matrix names, shows acme to nobody else, and changes nothing for them',
    async (name, { method, path }) => {
      for (const who of Object.keys(PEOPLE)) {
        const browser = browserOf(who);
        const allowed = documented.get(name)?.[who] === 'yes';
        const before = await state();
        // whom the matrix lets in sends a form of another organization, which is refused after the role was looked at
        const fields = {
          csrf_token: await csrfOf(browser),
          organization_id: allowed ? world.id('globex') : world.id('acme'),
          confirmation: 'acme',
          name: 'Taken over',
          key: 'taken-over',
          addresses: 'thief@globex.example',
          role: 'owner',
          required: 'yes',
          idle_minutes: '5',
        };
        const answer =
          method === 'GET' ? await browser.get(addressOf(path)) : await browser.post(addressOf(path), fields);
        const text = await answer.text();
        const seen = { who, status: answer.status, location: answer.headers.get('location') };
        if (allowed) expect(seen).toMatchObject({ who, status: method === 'GET' ? 200 : 409 });
        else if (who === 'anonymous') {
          expect(seen).toMatchObject({ who, status: 303, location: expect.stringMatching(/^\/sign-in/) });
        } else if (who === 'operator') {
          expect(seen).toMatchObject({
            who,
            status: 303,
            location: expect.stringMatching(/^\/choose-organization/),
          });
        } else if (who === 'administrator of another organization') {
          // what they see is their own
          if (method === 'GET') expect([200, 403]).toContain(answer.status);
          else expect([403, 409]).toContain(answer.status);
          expect(text).not.toMatch(/Acme|@acme\.example/);
        } else expect(seen).toMatchObject({ who, status: 403 });
        expect(await state()).toEqual(before);
      }
    },
  );

  it('who runs another organization can name nobody and nothing of this one by their own forms', async () => {
    await world.createPerson('owner@globex.example', 'Gina Owner', { globex: 'owner' });
    const browser = await world.signIn('owner@globex.example');
    const fields = {
      csrf_token: await csrfOf(browser),
      organization_id: world.id('globex'),
      role: 'member',
      license_id: world.id('license:acme:reports'),
      addresses: 'somebody@globex.example',
    };
    const before = await state();
    const member = world.id('member@acme.example');
    for (const [path, status] of [
      [`/organization/people/${member}/role`, 404],
      [`/organization/people/${member}/remove`, 404],
      [`/organization/people/${member}/transfer`, 404],
      ['/organization/invitations', 400],
    ] as const) {
      const answer = await browser.post(path, fields);
      expect([path, answer.status]).toEqual([path, status]);
    }
    expect(await state()).toEqual(before);
  });

  it('a form without the anti-forgery token of this browser changes nothing, whoever sends it', async () => {
    const before = await state();
    for (const { path } of ofOrganization.filter(({ method }) => method === 'POST')) {
      const answer = await browserOf('owner').post(addressOf(path), {
        organization_id: world.id('acme'),
        confirmation: 'acme',
      });
      expect([path, answer.status]).toEqual([path, 403]);
    }
    expect(await state()).toEqual(before);
  });
});
