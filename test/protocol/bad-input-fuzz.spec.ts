import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  ABSENT,
  CONTROL_CHARACTERS,
  LOOK_ALIKES,
  OVERSIZED,
  REPEATED,
  WRONG_ENCODING,
  WRONG_JSON,
  WRONG_TYPE,
} from '../support/bad-values.js';
import { createEverythingClient, formEndpoints, type Endpoint } from '../support/endpoints.js';
import { harmOf, sendRaw } from '../support/raw-request.js';
import { callRegistration } from '../support/registering.js';
import { basic, World } from '../support/world.js';

const FORM = 'application/x-www-form-urlencoded';
/** Where a client is led back to, and the scheme and host of every look-alike that must not be. */
const REGISTERED = ['https://projects.example/callback', 'https://projects.example/signed-out'];
const WAYS = [ABSENT, REPEATED, OVERSIZED, CONTROL_CHARACTERS, WRONG_ENCODING, WRONG_TYPE].flatMap(
  ({ ways }) => Object.values(ways),
);
const QUESTION = ['organization_id', 'user_id', 'module', 'environment', 'feature', 'amount', 'current'];
const RUNS = { numRuns: 3000, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false };

describe('whatever is sent, in whatever mixture', () => {
  let world: World;
  let endpoints: Endpoint[];
  let registration: { readonly path: string; readonly authorization: string };
  /** By name, since what they stand for is made before each run. */
  let credentials: Readonly<Record<string, Readonly<Record<string, string>>>>;

  beforeAll(async () => {
    world = await World.start({
      env: {
        CORE_AUTH_REGISTRATION: 'open',
        CORE_AUTH_RATE_LIMIT_REGISTRATION: '1000000',
      },
    });
    endpoints = await formEndpoints(world, await createEverythingClient(world));
    const { browser, tokens } = await world.signedInClient();
    const { body } = await callRegistration(`${world.url}/oauth2/register`, {
      body: { redirect_uris: ['https://app.example/callback'] },
    });
    registration = {
      path: new URL(String(body['registration_client_uri'])).pathname,
      authorization: `Bearer ${String(body['registration_access_token'])}`,
    };
    credentials = {
      nobody: {},
      client: { authorization: basic(world.client('projects')) },
      bearer: { authorization: `Bearer ${tokens.access_token}` },
      registration: { authorization: registration.authorization },
      person: { cookie: browser.cookieNames.map((name) => `${name}=${browser.cookie(name)}`).join('; ') },
    };
  }, 60_000);
  afterAll(() => world.stop());

  const who = fc.constantFrom('nobody', 'client', 'bearer', 'registration', 'person');
  const visible = (longest: number) =>
    fc.string({ unit: fc.constantFrom(...'abzAZ09 =;,."/%:-_é'), maxLength: longest });
  const headers = fc.record(
    {
      authorization: fc.oneof(
        fc.constantFrom('Basic', 'Bearer', 'DPoP x', 'Basic Og==', 'Basic JTAwOiUwMA=='),
        visible(40).map((text) => `Basic ${Buffer.from(text).toString('base64')}`),
      ),
      dpop: fc.oneof(fc.constant('a.b.c'), visible(40)),
      'content-type': fc.oneof(
        fc.constantFrom(
          FORM,
          `${FORM}; charset=utf-16`,
          'application/json',
          'text/plain',
          'multipart/form-data',
        ),
        visible(20),
      ),
      accept: fc.oneof(fc.constantFrom('text/html', 'application/json', '*/*'), visible(20)),
      cookie: fc.oneof(fc.constantFrom('', 'core_auth_session=x', 'core_auth_csrf="'), visible(40)),
      origin: fc.constantFrom('null', 'https://evil.example', 'https://projects.example'),
      'last-event-id': fc.stringMatching(/^[0-9a-f-]{1,60}$/),
      'if-none-match': visible(20),
      'sec-fetch-site': fc.constantFrom('cross-site', 'same-origin', 'x'),
    },
    { requiredKeys: [] },
  );

  /** No failure, and no redirect but to an address that is registered or ours. */
  const expectHarmless = async (
    method: string,
    path: string,
    sent: Readonly<Record<string, string | undefined>>,
    body?: string,
  ) => {
    const given = Object.entries(sent).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const answer = await sendRaw(world.url, method, path, { headers: Object.fromEntries(given), body });
    expect(harmOf(answer)).toBeUndefined();
    if (answer.location === undefined) return;
    const { origin, pathname } = new URL(answer.location, world.url);
    expect([world.url, ...REGISTERED]).toContain(origin === world.url ? origin : origin + pathname);
  };

  it('of parameters of any endpoint, deformed and mixed, at any of them: no 5xx, and no redirect to elsewhere', async () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        ...Object.values(LOOK_ALIKES),
        '/',
        '//evil.example',
        '__proto__',
        'none',
        'offline_access',
      ),
      fc.nat(40).map((place) => goodValue(place)),
    );
    const edit = fc.oneof(
      fc.record({ place: fc.nat(30), way: fc.constantFrom(...WAYS) }),
      fc.record({ place: fc.nat(30), value }),
      fc.record({
        name: fc.oneof(
          fc.nat(200).map((place) => goodName(place)),
          fc.string({ maxLength: 8 }),
        ),
        value,
      }),
    );
    const goodPair = (place: number) => {
      const all = endpoints.flatMap(({ good }) => Object.entries(good));
      return all[place % all.length] ?? ['', ''];
    };
    const goodValue = (place: number) => goodPair(place * 7)[1];
    const goodName = (place: number) => goodPair(place)[0];

    await fc.assert(
      fc.asyncProperty(
        fc.nat(100),
        fc.array(edit, { maxLength: 4 }),
        who,
        headers,
        fc.boolean(),
        async (place, edits, name, more, keepsCredentials) => {
          const endpoint = endpoints[place % endpoints.length];
          if (!endpoint) return;
          const pairs = Object.entries(endpoint.good).map((pair) => pair.map(encodeURIComponent).join('='));
          for (const one of edits) {
            if ('name' in one) {
              pairs.push(`${encode(one.name)}=${encode(one.value)}`);
              continue;
            }
            const at = one.place % Math.max(1, pairs.length);
            const [parameter = '', text = ''] = (pairs[at] ?? '').split('=', 2);
            pairs[at] = 'way' in one ? one.way(parameter, text) : `${parameter}=${encode(one.value)}`;
          }
          const text = pairs.filter((pair) => pair !== '').join('&');
          const sent = {
            'content-type': FORM,
            ...(keepsCredentials ? endpoint.headers : credentials[name]),
            ...(edits.length % 2 === 0 ? more : {}),
          };
          if (endpoint.method === 'GET') await expectHarmless('GET', `${endpoint.path}?${text}`, sent);
          else await expectHarmless('POST', endpoint.path, sent, text);
        },
      ),
      RUNS,
    );
  }, 60_000);

  it('of JSON, at every endpoint that takes it: no 5xx', async () => {
    const members = [
      ...[
        'redirect_uris',
        'grant_types',
        'response_types',
        'token_endpoint_auth_method',
        'client_name',
        'scope',
      ],
      ...[
        'contacts',
        'jwks',
        'jwks_uri',
        'client_uri',
        'backchannel_logout_uri',
        'post_logout_redirect_uris',
      ],
      ...['client_id', 'client_secret', 'id_token_signed_response_alg', 'application_type', 'software_id'],
      ...['ack', 'setErrs', 'maxEvents', 'restart', '__proto__', 'constructor', 'toString'],
      ...['questions', ...QUESTION],
    ];
    const value = fc.oneof(
      fc.jsonValue({ stringUnit: 'binary' }),
      fc.constantFrom<unknown>(...Object.values(WRONG_JSON), ...Object.values(LOOK_ALIKES)),
      fc.constantFrom(...Object.values(LOOK_ALIKES)).map((uri) => [uri]),
    );
    const document = fc.dictionary(
      fc.oneof(fc.constantFrom(...members), fc.string({ maxLength: 6 })),
      value,
      {
        maxKeys: 8,
      },
    );
    const bodyAt = (at: string, json: Readonly<Record<string, unknown>>) => {
      if (at === 'new') return { redirect_uris: ['https://app.example/'], ...json };
      // by itself a document is hardly ever a question: what is wrong is one or another of its members
      const question = Object.fromEntries(Object.entries(json).filter(([name]) => QUESTION.includes(name)));
      if (at === 'check') return { organization_id: world.id('acme'), ...question };
      if (at === 'checks') return { questions: [{ organization_id: world.id('acme'), ...question }, json] };
      return { ...json, returnImmediately: true };
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('new', 'update', 'poll', 'check', 'checks'),
        document,
        who,
        headers,
        async (at, json, name, more) => {
          // so that a poll that is good does not wait
          const body = JSON.stringify(bodyAt(at, json));
          const sent = {
            'content-type': 'application/json',
            ...credentials[name],
            ...(Object.keys(json).length > 4 ? more : {}),
          };
          if (at === 'new') await expectHarmless('POST', '/oauth2/register', sent, body);
          else if (at === 'poll') await expectHarmless('POST', '/v1/events/poll', sent, body);
          else if (at === 'check' || at === 'checks')
            await expectHarmless('POST', '/v1/licenses/check', sent, body);
          else
            await expectHarmless(
              'PUT',
              registration.path,
              { ...sent, authorization: registration.authorization },
              body,
            );
        },
      ),
      RUNS,
    );
  }, 60_000);

  it('at addresses that there are not, or nearly: no 5xx', async () => {
    const ids = fc.oneof(
      fc.uuid(),
      fc.string({ unit: 'binary', maxLength: 40 }).map(encode),
      fc.constantFrom('%00', '%', '..', '%2e%2e', '%ff', '__proto__'),
    );
    const path = fc.oneof(
      fc.webPath(),
      ids.map((id) => `/oauth2/register/${id}`),
      ids.map((id) => `/v1/webhooks/${id}`),
      fc
        .tuple(ids, fc.constantFrom('secret', 'deliveries', 'ping', `deliveries?cursor=1_${'0'.repeat(36)}`))
        .map(([id, rest]) => `/v1/webhooks/${id}/${rest}`),
      fc.tuple(ids, ids).map(([id, delivery]) => `/v1/webhooks/${id}/deliveries/${delivery}/retry`),
      ids.map((id) => `/assets/${id}`),
      fc.constantFrom(
        '/v1/events',
        '/v1/licenses/snapshot',
        '/v1/licenses/check',
        '/v1/launcher',
        '/device/qr',
        '/license-refused',
      ),
    );
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD');
    await fc.assert(
      fc.asyncProperty(method, path, who, headers, fc.string(), async (verb, address, name, more, query) => {
        // the stream of events does not end
        if (address === '/v1/events' && name === 'client') return;
        const target = address === '' || address.startsWith('//') ? '/' : address;
        const mark = target.includes('?') ? '&' : '?';
        await expectHarmless(
          verb,
          `${target}${mark}${encode(query)}`,
          { ...more, ...credentials[name] },
          verb === 'GET' || verb === 'HEAD' ? undefined : query,
        );
      }),
      RUNS,
    );
  }, 60_000);
});

/** As encodeURIComponent, for texts with halves of characters too. */
function encode(text: string): string {
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd'));
}
