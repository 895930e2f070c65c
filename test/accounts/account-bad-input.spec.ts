import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { MALFORMED_JSON, WRONG_JSON } from '../support/bad-values.js';
import { harmOf, sendRaw } from '../support/raw-request.js';
import { SoftAuthenticator } from '../support/soft-authenticator.js';
import { PASSWORD } from '../support/world.js';
import { AccountApiWorld, EVERYTHING, type Caller } from './account-api-world.js';

jest.setTimeout(60_000);

const JSON_TYPE = { 'content-type': 'application/json' };
const NEW = 'nineteen quiet pelicans';
const ID = '11111111-1111-4111-8111-111111111111';
const PASSKEY = `/factors/passkeys/${ID}`;

/** Paths below the account, each with all that is good but for one member. */
const BODIES: readonly (readonly [method: string, path: string, good: Readonly<Record<string, unknown>>])[] =
  [
    ['PATCH', '', { name: 'Mira Delgado' }],
    ['PUT', '/password', { password: NEW, current_password: PASSWORD }],
    ['POST', '/address', { email: 'mira@new.example', current_password: PASSWORD }],
    ['PUT', '/factors/authenticator-app', { offer: 'x', code: '123456' }],
    ['POST', '/factors/passkeys', { name: 'Laptop', credential: {} }],
    ['PATCH', PASSKEY, { name: 'Laptop' }],
  ];
const QUERIES = [
  '%00',
  'organization_id=%00',
  'organization_id=x',
  'a[]=1&a=2',
  '__proto__=1',
  '%',
  'x'.repeat(4000),
];
const NO_IDS = ['x', '%00', '%0D%0A', 'x'.repeat(255), '%252e', '__proto__', "'--"];
/** No route is reached by these. */
const NO_TEXTS = ['%FF', '%ED%A0%80', '%zz', 'x'.repeat(3000)];

describe('bad input to the API of one’s own account', () => {
  let api: AccountApiWorld;
  let person: Caller;
  let before: unknown[];

  beforeAll(async () => {
    api = await AccountApiWorld.start({ env: { CORE_AUTH_SIGN_IN_FAILURES: '100' } });
    person = await api.protectedPerson(`${EVERYTHING} offline_access`);
    before = await api.stateOf(person.id);
  });
  afterAll(() => api.stop());

  const send = async (
    method: string,
    path: string,
    body?: string | Buffer,
    headers: Readonly<Record<string, string>> = JSON_TYPE,
  ) => {
    const answer = await sendRaw(api.world.url, method, `/v1/account${path}`, {
      headers: { ...(body === undefined ? {} : headers), authorization: `Bearer ${person.token}` },
      body,
    });
    const { status, type } = answer;
    const harm = harmOf(answer) ?? (status < 400 ? `status ${status}` : undefined);
    return harm ?? (type.startsWith('application/problem+json') ? undefined : `type ${type}`);
  };
  const complaints: string[] = [];
  const note = (what: string, harm: string | undefined) => {
    if (harm !== undefined) complaints.push(`${what}: ${harm}`);
  };
  const isAsBefore = async () => {
    expect(complaints.splice(0)).toEqual([]);
    expect(await api.stateOf(person.id)).toEqual(before);
  };

  it.each(BODIES)('%s %s refuses what is no JSON object, and changes nothing', async (method, path, good) => {
    for (const [what, body] of Object.entries(MALFORMED_JSON)) note(what, await send(method, path, body));
    note('nothing at all', await send(method, path));
    const form = new URLSearchParams(Object.keys(good).map((name) => [name, 'x'])).toString();
    note('a form', await send(method, path, form, { 'content-type': 'application/x-www-form-urlencoded' }));
    note('another type', await send(method, path, JSON.stringify(good), { 'content-type': 'text/plain' }));
    note('two types', await send(method, path, '{}', { 'content-type': 'text/plain, application/json' }));
    await isAsBefore();
  });

  it.each(BODIES)(
    '%s %s refuses each member that is missing or wrong, and one too many',
    async (method, path, good) => {
      const isNamed = path === '' || path.startsWith('/factors/passkeys');
      for (const name of Object.keys(good)) {
        for (const [what, value] of Object.entries(WRONG_JSON)) {
          // of some text a name may be made, in an account that is then another one
          if (name === 'name' && isNamed && /^text$/.test(what)) continue;
          note(`${name}, ${what}`, await send(method, path, JSON.stringify({ ...good, [name]: value })));
        }
        const rest = Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));
        note(`${name}, missing`, await send(method, path, JSON.stringify(rest)));
        note(`${name}, null`, await send(method, path, JSON.stringify({ ...good, [name]: null })));
        note(`${name}, empty`, await send(method, path, JSON.stringify({ ...good, [name]: '' })));
      }
      for (const more of ['x', 'constructor', 'toString', 'user_id', '\ud800', 'a\0']) {
        note(`${more} too`, await send(method, path, JSON.stringify({ ...good, [more]: person.id })));
      }
      await isAsBefore();
    },
  );

  it('every other route that changes something refuses a body that it does not read', async () => {
    const named = BODIES.map(([method, path]) => `${method} ${path}`);
    const bodiless = api
      .routes()
      .map(({ method, path }) => ({ method, path: path.replace('/v1/account', '').replace(/\{\w+\}/, ID) }))
      .filter(({ method, path }) => method !== 'GET' && !named.includes(`${method} ${path}`));
    expect(bodiless.length).toBeGreaterThan(5);
    for (const { method, path } of bodiless) {
      for (const [what, body] of Object.entries(MALFORMED_JSON)) {
        if (body !== '') note(`${method} ${path}, ${what}`, await send(method, path, body));
      }
    }
    await isAsBefore();
  });

  it('a query that nobody asked for does no harm', async () => {
    for (const query of QUERIES) {
      for (const { method, path } of api.routes().filter((route) => route.method === 'GET')) {
        const headers = { authorization: `Bearer ${person.token}` };
        note(
          `${path}?${query}`,
          harmOf(await sendRaw(api.world.url, method, `${path}?${query}`, { headers })),
        );
      }
      note(query, await send('DELETE', `/applications/projects?${query}`));
    }
    await isAsBefore();
  });

  it('what is no id in an address names nothing', async () => {
    const { token } = person;
    for (const id of NO_TEXTS) {
      for (const { status, headers, body } of [
        await api.call('DELETE', `/sessions/${id}`, token),
        await api.call('PATCH', `/factors/passkeys/${id}`, token, { name: 'x' }),
      ]) {
        expect({ status, type: headers.get('content-type'), body }).toEqual({
          status: 400,
          type: expect.stringContaining('application/problem+json'),
          body: {
            type: 'about:blank',
            title: 'Bad Request',
            status: 400,
            detail: 'The address is malformed.',
            code: 'invalid_request',
          },
        });
        expect(headers.get('x-content-type-options')).toBe('nosniff');
      }
    }
    for (const id of NO_IDS) {
      for (const path of [`/factors/passkeys/${id}`, `/sessions/${id}`, `/applications/${id}`])
        note(`DELETE ${path}`, await send('DELETE', path));
      note(`PATCH ${id}`, await send('PATCH', `/factors/passkeys/${id}`, '{"name":"Laptop"}'));
    }
    await isAsBefore();
  });

  it('a credential that says anything else in one of its parts adds no passkey', async () => {
    const { body } = await api.call('POST', '/factors/passkeys/options', person.token);
    const good = new SoftAuthenticator(api.world.url).create(body as never);
    for (const [what, value] of Object.entries(WRONG_JSON)) {
      for (const name of ['id', 'rawId', 'type', 'response'] as const) {
        const credential = { ...good, [name]: value };
        note(
          `${name}, ${what}`,
          await send('POST', '/factors/passkeys', JSON.stringify({ name: 'x', credential })),
        );
      }
      for (const name of ['clientDataJSON', 'attestationObject'] as const) {
        const credential = { ...good, response: { ...good.response, [name]: value } };
        note(
          `${name}, ${what}`,
          await send('POST', '/factors/passkeys', JSON.stringify({ name: 'x', credential })),
        );
      }
    }
    const deep = `{"name":"x","credential":${'{"a":'.repeat(12_000)}1${'}'.repeat(12_000)}}`;
    expect(deep.length).toBeGreaterThan(65_536);
    const nested = `{"name":"x","credential":${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}}`;
    note('too deep', await send('POST', '/factors/passkeys', deep));
    note('deep', await send('POST', '/factors/passkeys', nested));
    note(
      'deep in a list',
      await send(
        'POST',
        '/factors/passkeys',
        `{"name":"x","credential":{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`,
      ),
    );
    await isAsBefore();
  });
});
