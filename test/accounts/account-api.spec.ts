import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answerOf, World, type Answer, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';
const OWNER = 'owner@acme.example';
const CONSULTANT = 'consultant@partners.example';
const BOTH = 'openid account:read account:write';
const EVERYTHING = `${BOTH} account:security`;

describe('the API of one’s own account', () => {
  let world: World;
  let assistant: TestClient;

  beforeAll(async () => {
    world = await World.start();
    assistant = await world.createClient({
      id: 'assistant',
      name: 'Assistant',
      scopes: [...EVERYTHING.split(' '), 'offline_access'],
    });
  });
  afterAll(() => world.stop());

  const tokenOf = async (email: string, scope = BOTH) => {
    const browser = await world.signIn(email);
    const { body } = await world.exchange(assistant, await world.code(assistant, browser, { scope }));
    return { browser, token: String(body['access_token']), refresh: String(body['refresh_token']) };
  };
  const call = async (method: string, path: string, token?: string, body?: unknown): Promise<Answer> =>
    answerOf(
      await fetch(new URL(`/v1/account${path}`, world.url), {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    );

  it('tells who somebody is, and changes their name everywhere', async () => {
    const { token } = await tokenOf(MEMBER);
    expect(await call('GET', '', token)).toMatchObject({
      status: 200,
      body: {
        id: world.id(MEMBER),
        name: 'Max Member',
        email: MEMBER,
        email_verified: false,
        organizations: [{ id: world.id('acme'), key: 'acme', name: 'Acme Corporation', role: 'member' }],
      },
    });
    const changed = await call('PATCH', '', token, { name: '  Maxine   Mu\u0308ller ' });
    expect(changed).toMatchObject({ status: 200, body: { name: 'Maxine Müller' } });
    const { browser } = await tokenOf(MEMBER);
    expect(await (await browser.get('/account')).text()).toContain('Maxine Müller');
  });

  it('tells of the organization that the token is for, and of no other of the person’s', async () => {
    const [acme, globex] = await Promise.all(
      ['acme', 'globex'].map(async (key) => {
        const browser = await world.signIn(CONSULTANT);
        await browser.submit('/choose-organization', '/choose-organization', {
          organization_id: world.id(key),
        });
        const code = await world.code(assistant, browser, { scope: EVERYTHING });
        return String((await world.exchange(assistant, code)).body['access_token']);
      }),
    );
    for (const [token, key, other] of [
      [acme, 'acme', 'Globex'],
      [globex, 'globex', 'Acme'],
    ] as const) {
      const about = await call('GET', '', token);
      expect(about.body['organizations']).toMatchObject([{ id: world.id(key), key }]);
      const renamed = await call('PATCH', '', token, { name: 'Clara Consultant' });
      expect(renamed.body['organizations']).toMatchObject([{ key }]);
      const sessions = (await call('GET', '/sessions', token)).body['sessions'] as Record<string, unknown>[];
      expect(sessions.map((session) => [session['current'], typeof session['organization']]).sort()).toEqual([
        [false, 'object'],
        [true, 'string'],
      ]);
      const { body } = await call('GET', '/applications', token);
      expect(body['applications']).toMatchObject([{ organization: { id: world.id(key) } }]);
      expect(JSON.stringify([about.body, renamed.body, sessions, body])).not.toContain(other);
    }
    // what a person takes along is about the person
    const { body } = await call('GET', '/export', acme);
    expect(body['organizations']).toMatchObject([{ key: 'acme' }, { key: 'globex' }]);
  });

  it.each([
    ['nothing', undefined],
    ['no JSON', '{'],
    ['null', null],
    ['a list', ['name']],
    ['no name', {}],
    ['an empty name', { name: ' ' }],
    ['a number', { name: 7 }],
    ['a control character', { name: 'Max\u0000' }],
    ['what cannot be seen', { name: 'Max\u202eMember' }],
    ['too much', { name: 'x'.repeat(101) }],
    ['something else', { name: 'Max', email: 'other@acme.example' }],
  ])('of %s it takes no name, says why, and changes nothing', async (_, body) => {
    const { token } = await tokenOf(OWNER);
    const answer = await call('PATCH', '', token, body);
    expect(answer).toMatchObject({
      status: 400,
      body: { status: 400, detail: expect.stringMatching(/\.$/) },
    });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect((await call('GET', '', token)).body).toMatchObject({ name: 'Olivia Owner', email: OWNER });
  });

  it('lists sessions and ends one, all others, and none of anybody else', async () => {
    const lost = await tokenOf(MEMBER);
    const { token, browser } = await tokenOf(MEMBER);
    const owner = await tokenOf(OWNER);
    const list = async (by: string) =>
      (await call('GET', '/sessions', by)).body['sessions'] as { id: string; current: boolean }[];
    const [current] = (await list(token)).filter((session) => session.current);
    const [other] = (await list(lost.token)).filter((session) => session.current);
    const [foreign] = await list(owner.token);
    expect(current).toEqual({
      id: expect.any(String),
      device: 'Unknown device',
      address: expect.stringMatching(/127|::1/),
      signed_in_at: expect.stringMatching(/Z$/),
      last_used_at: expect.stringMatching(/Z$/),
      organization: 'Acme Corporation',
      current: true,
    });
    for (const id of [foreign?.id, randomUUID(), 'nonsense', '%00']) {
      expect(await call('DELETE', `/sessions/${id}`, token)).toMatchObject({
        status: 404,
        body: { code: 'unknown_session' },
      });
    }
    expect((await call('DELETE', `/sessions/${other?.id}`, token)).status).toBe(204);
    expect((await call('DELETE', `/sessions/${other?.id}`, token)).status).toBe(404);
    expect((await call('GET', '', lost.token)).status).toBe(401);
    await world.signIn(MEMBER);
    const answer = await call('DELETE', '/sessions', token);
    expect(answer).toMatchObject({ status: 200, body: { ended: expect.any(Number) } });
    expect(await list(token)).toHaveLength(1);
    expect((await browser.get('/account')).status).toBe(200);
    expect((await call('GET', '', owner.token)).status).toBe(200);
  });

  it('lets a token of offline access end every session, and outlives them', async () => {
    const { token, browser } = await tokenOf(MEMBER, `${BOTH} offline_access`);
    expect((await call('DELETE', '/sessions', token)).status).toBe(200);
    expect((await browser.get('/account')).status).toBe(303);
    expect((await call('GET', '/sessions', token)).body).toEqual({ sessions: [] });
  });

  it('lists applications and ends the access of one, its own too', async () => {
    const { token } = await tokenOf(MEMBER);
    const projects = await world.signedInClient(MEMBER);
    const { body } = await call('GET', '/applications', token);
    expect(body['applications']).toEqual(
      expect.arrayContaining([
        {
          client_id: 'assistant',
          name: 'Assistant',
          first_party: true,
          organization: { id: world.id('acme'), name: 'Acme Corporation' },
          scopes: expect.arrayContaining(BOTH.split(' ')),
          since: expect.stringMatching(/Z$/),
          last_used_at: expect.stringMatching(/Z$/),
        },
      ]),
    );
    const elsewhere = `/applications/projects?organization_id=${world.id('globex')}`;
    expect((await call('DELETE', elsewhere, token)).status).toBe(404);
    expect((await call('DELETE', '/applications/projects?organization_id=acme', token)).status).toBe(400);
    expect((await call('DELETE', '/applications/projects', token)).status).toBe(204);
    expect((await world.refresh(projects.client, projects.tokens.refresh_token)).status).toBe(400);
    for (const unknown of [
      'projects',
      'nobody',
      '%00',
      '%ff',
      encodeURIComponent('https://app.example/id'),
    ]) {
      expect([unknown, (await call('DELETE', `/applications/${unknown}`, token)).status]).toEqual([
        unknown,
        unknown === '%ff' ? 400 : 404,
      ]);
    }
    expect((await call('DELETE', '/applications/assistant', token)).status).toBe(204);
    expect((await call('GET', '', token)).status).toBe(401);
  });

  it('asks for a token of a person, with the scope', async () => {
    expect((await call('GET', '')).status).toBe(401);
    const { token: reading } = await tokenOf(OWNER, 'openid account:read');
    expect((await call('GET', '/applications', reading)).status).toBe(200);
    const { token: writing } = await tokenOf(OWNER, 'openid account:write');
    for (const [method, path, token, scope] of [
      ['PATCH', '', reading, 'account:write'],
      ['DELETE', '/sessions', reading, 'account:write'],
      ['DELETE', `/sessions/${randomUUID()}`, reading, 'account:write'],
      ['DELETE', '/applications/projects', reading, 'account:write'],
      ['GET', '', writing, 'account:read'],
      ['GET', '/sessions', writing, 'account:read'],
      ['GET', '/applications', writing, 'account:read'],
    ] as const) {
      const answer = await call(method, path, token, method === 'PATCH' ? { name: 'Else' } : undefined);
      expect([method, path, answer.status]).toEqual([method, path, 403]);
      expect(answer.headers.get('www-authenticate')).toContain(`scope="${scope}"`);
    }
    const foreign = await world.signedInClient(OWNER);
    expect((await call('GET', '', foreign.tokens.access_token)).status).toBe(403);
  });

  it('knows no account of a machine, and says so', async () => {
    const scope = 'account:read account:write';
    const { body } = await world.token(assistant, { grant_type: 'client_credentials', scope });
    const token = String(body['access_token']);
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['GET', '/sessions'],
      ['DELETE', '/sessions'],
      ['DELETE', `/sessions/${randomUUID()}`],
      ['GET', '/applications'],
      ['DELETE', '/applications/projects'],
    ] as const) {
      const answer = await call(method, path, token, method === 'PATCH' ? { name: 'Else' } : undefined);
      expect(answer).toMatchObject({ status: 403, body: { detail: expect.stringContaining('machine') } });
    }
  });
});
