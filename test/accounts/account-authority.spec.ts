import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Database, sql } from '#platform';
import { ApiReference } from '../support/api-reference.js';
import { REPOSITORY } from '../support/built-process.js';
import { MINUTE } from '../support/deployment.js';
import { addPasskey } from '../support/factors.js';
import type { World } from '../support/world.js';
import { AccountApiWorld, EVERYTHING, type Caller } from './account-api-world.js';

jest.setTimeout(120_000);

/** In the order of the columns of the matrix. */
const COLUMNS = [
  'the person',
  'the person, who signed in long ago',
  'another person',
  'a token without the scope',
  'a machine',
  'anonymous',
];

/** By route, as docs/reference says, its scope and its cells. */
function matrix(): Map<string, { scope: string; cells: Record<string, string> }> {
  const [head = [], , ...rows] = readFileSync(join(REPOSITORY, 'docs/reference/account-authority.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  expect(head.slice(3)).toEqual(COLUMNS);
  return new Map(
    rows.map(([route = '', , scope = '', ...cells]) => [
      route,
      { scope, cells: Object.fromEntries(COLUMNS.map((who, index) => [who, cells[index] ?? ''])) },
    ]),
  );
}

const documented = matrix();

describe('the matrix of the routes of an account and who calls them', () => {
  let api: AccountApiWorld;
  let world: World;
  let victim: Caller;
  let victimPasskey: string;
  let victimSession: string;
  /** Of somebody who signed in a quarter of an hour ago. */
  let old: string;
  let machine: string;

  beforeAll(async () => {
    api = await AccountApiWorld.start();
    world = api.world;
    old = await signedInLongAgo();
    victim = await api.person();
    await world.code(world.client('projects'), victim.browser);
    await addPasskey(victim.browser, world.url);
    victim = { ...victim, ...(await api.tokens(victim.browser)) };
    const rows = await world.app.get(Database).query<{ session: string; passkey: string }>(sql`
      SELECT s.id AS session, p.id AS passkey FROM sessions s JOIN passkeys p USING (user_id)
       WHERE user_id = ${victim.id}`);
    [victimSession, victimPasskey] = [rows[0]?.session ?? '', rows[0]?.passkey ?? ''];
    machine = await api.machineToken();
  });
  afterAll(() => api.stop());

  const signedInLongAgo = async () => {
    const { browser } = await api.person();
    world.clock.advance(15 * MINUTE);
    return (await api.tokens(browser)).token;
  };
  /** What an address names is the victim's. */
  const addressOf = (path: string) =>
    path
      .replace(/^\/v1\/account/, '')
      .replace('/sessions/{id}', `/sessions/${victimSession}`)
      .replace('/passkeys/{id}', `/passkeys/${victimPasskey}`)
      .replace('{clientId}', 'projects')
      .replaceAll(/\{\w+\}/g, () => randomUUID());
  /** Enough to be looked at where a name is asked for. */
  const bodyOf = (name: string) =>
    ({
      'PATCH /v1/account': { name: 'Taken Over' },
      'PATCH /v1/account/factors/passkeys/{id}': { name: 'Taken over' },
      'POST /v1/account/address': { email: 'thief@evil.example', current_password: 'wrong' },
      'PUT /v1/account/password': { password: 'nineteen quiet pelicans', current_password: 'wrong' },
    })[name];
  const routes = [...documented].map(([name, told]) => {
    const [method = '', path = ''] = name.split(' ');
    return { name, method, path, ...told };
  });

  it('has every route that the server serves, with its scope', () => {
    const found = api.routes().map(({ method, path, scope }) => [`${method} ${path}`, scope]);
    expect(routes.map(({ name, scope }) => [name, scope])).toEqual(found);
    expect(found.length).toBeGreaterThan(15);
    for (const [, scope] of found) expect(EVERYTHING.split(' ')).toContain(scope);
  });

  it('the OpenAPI document is a valid one, has every route, and refers to nothing that it lacks', () => {
    new ApiReference('account-api.json').expectToTellOf(routes.map(({ name }) => name));
  });

  it.each(routes)(
    '$name lets in whom the matrix names, and nobody touches what is another’s',
    async (route) => {
      const { name, method, path, scope, cells } = route;
      const body = bodyOf(name);
      const others = EVERYTHING.split(' ').filter((each) => each !== scope);
      const tokens: Record<string, string | undefined> = {
        'the person, who signed in long ago': old,
        'another person': (await api.person()).token,
        'a token without the scope': (await api.tokens(victim.browser, others.join(' '))).token,
        'a machine': machine,
        anonymous: undefined,
      };
      for (const [who, token] of Object.entries(tokens)) {
        const before = await api.stateOf(victim.id);
        const answer = await api.call(method, addressOf(path), token, body);
        const seen = { who, status: answer.status };
        const cell = cells[who] ?? '';
        if (/^\d+$/.test(cell)) expect(seen).toEqual({ who, status: Number(cell) });
        else {
          expect([who, cell]).toEqual([who, who === 'another person' ? 'their own' : 'yes']);
          expect([401, 403]).not.toContain(answer.status);
          expect(answer.status).toBeLessThan(500);
        }
        if (answer.status === 401) expect(answer.headers.get('www-authenticate')).not.toBeNull();
        expect(JSON.stringify(answer.body)).not.toContain(victim.email);
        expect(await api.stateOf(victim.id)).toEqual(before);
      }
      // last, since it may end the token; what an address names is the victim's, and so not theirs
      const { token } = await api.person();
      const answer = await api.call(method, addressOf(path), token, body);
      expect(cells['the person']).toBe('yes');
      expect([401, 403]).not.toContain(answer.status);
      expect(answer.status).toBeLessThan(500);
    },
  );

  it('the person whose things they are reaches them', async () => {
    for (const [path, method] of [
      [`/factors/passkeys/${victimPasskey}`, 'PATCH'],
      [`/factors/passkeys/${victimPasskey}`, 'DELETE'],
      ['/applications/projects', 'DELETE'],
      [`/sessions/${victimSession}`, 'DELETE'],
    ] as const) {
      const { token } = await api.tokens(victim.browser);
      const answer = await api.call(method, path, token, method === 'PATCH' ? { name: 'Mine' } : undefined);
      expect([path, answer.status]).toEqual([path, 204]);
    }
  });
});
