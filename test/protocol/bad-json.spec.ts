import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parametersOf } from '../support/answers.js';
import { LOOK_ALIKES, MALFORMED_JSON, WRONG_JSON } from '../support/bad-values.js';
import { harmOf, sendRaw, type RawAnswer } from '../support/raw-request.js';
import { callRegistration } from '../support/registering.js';
import { basic, World } from '../support/world.js';

const GOOD = {
  redirect_uris: ['https://app.example/callback'],
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  application_type: 'web',
  client_name: 'App',
  client_uri: 'https://app.example/',
  logo_uri: 'https://app.example/logo.svg',
  tos_uri: 'https://app.example/terms',
  policy_uri: 'https://app.example/policy',
  contacts: ['help@app.example'],
  scope: 'openid profile',
  jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] },
  post_logout_redirect_uris: ['https://app.example/signed-out'],
  backchannel_logout_uri: 'http://127.0.0.1:1/logout',
  id_token_signed_response_alg: 'ES256',
  subject_type: 'public',
  require_pushed_authorization_requests: false,
  dpop_bound_access_tokens: false,
  software_id: 'app',
  software_version: '1',
};
/** Any text is good here, or any list of texts. */
const TEXTS = ['client_name', 'software_id', 'software_version'];
const LISTS = ['contacts', 'post_logout_redirect_uris'];
const FLAGS = ['require_pushed_authorization_requests', 'dpop_bound_access_tokens'];

describe('bad JSON', () => {
  let world: World;
  let projects: string;
  let registered: { readonly address: string; readonly token: string; readonly id: string };

  beforeAll(async () => {
    world = await World.start({
      env: { CORE_AUTH_REGISTRATION: 'open', CORE_AUTH_RATE_LIMIT_REGISTRATION: '1000000' },
    });
    projects = basic(world.client('projects'));
    const { status, body } = await callRegistration(`${world.url}/oauth2/register`, { body: GOOD });
    expect(status).toBe(201);
    registered = {
      address: new URL(String(body['registration_client_uri'])).pathname,
      token: `Bearer ${String(body['registration_access_token'])}`,
      id: String(body['client_id']),
    };
  });
  afterAll(() => world.stop());

  const json = { 'content-type': 'application/json' };
  const endpoints = [
    [
      'registration (RFC 7591)',
      (body: string | Buffer) => sendRaw(world.url, 'POST', '/oauth2/register', { headers: json, body }),
    ],
    [
      'the update of a registration (RFC 7592)',
      (body: string | Buffer) =>
        sendRaw(world.url, 'PUT', registered.address, {
          headers: { ...json, authorization: registered.token },
          body,
        }),
    ],
    [
      'the poll for events (RFC 8936)',
      (body: string | Buffer) =>
        sendRaw(world.url, 'POST', '/v1/events/poll', {
          headers: { ...json, authorization: projects },
          body,
        }),
    ],
    ['the check of licenses', (body: string | Buffer) => check(body)],
  ] as const;
  const check = (body: string | Buffer) =>
    sendRaw(world.url, 'POST', '/v1/licenses/check', { headers: { ...json, authorization: projects }, body });
  const refusal = (answer: RawAnswer): unknown => {
    if (answer.status < 400) return 'taken';
    const { error, code } = JSON.parse(answer.text) as { error?: string; code?: string };
    return harmOf(answer) ?? error ?? code;
  };

  it.each(endpoints)(
    '%s refuses what is no JSON object, with the error of its specification',
    async (_, send) => {
      for (const [what, body] of Object.entries(MALFORMED_JSON)) {
        // an object of members that nobody knows lacks those that are needed; a poll needs none
        const answer = await send(body);
        const told = refusal(answer);
        if (told === 'taken')
          expect([what, Object.keys(JSON.parse(answer.text) as object)]).toEqual([
            what,
            ['sets', 'moreAvailable'],
          ]);
        else
          expect([what, told]).toEqual([
            what,
            expect.stringMatching(/^invalid_(request|client_metadata|redirect_uri)$/),
          ]);
      }
    },
    120_000,
  );

  it('the check of licenses refuses each member of another type, or with texts that nobody can read', async () => {
    const good = {
      organization_id: world.id('acme'),
      user_id: world.id('member@acme.example'),
      module: 'projects',
      environment: 'production',
      feature: 'export',
      amount: 1,
      current: 0,
    };
    const complaints: string[] = [];
    for (const name of Object.keys(good)) {
      for (const [what, value] of Object.entries(WRONG_JSON)) {
        const question = { ...good, [name]: value };
        const taken =
          (what === 'a number' && ['amount', 'current'].includes(name)) ||
          (what === 'text' && ['feature', 'environment'].includes(name)) ||
          (what === 'text that runs the other way' && name === 'environment');
        // a text that may be a key names nothing that there is: a decision, or another module
        const right = taken ? ['taken', 'ENV_MISMATCH', 'FEATURE_NOT_INCLUDED'] : ['invalid_request'];
        if (what === 'text' && name === 'module') right.splice(0, 1, 'access_denied');
        const alone = refusal(await check(JSON.stringify(question)));
        if (!right.includes(String(alone))) complaints.push(`${name}, ${what}: ${String(alone)}`);
        const listed = await check(JSON.stringify({ questions: [good, question] }));
        if (taken ? listed.status !== 200 : listed.status !== (right[0] === 'access_denied' ? 403 : 400))
          complaints.push(`${name}, ${what}, in a list: ${listed.status}`);
        if (listed.status === 400 && !listed.text.includes(`questions[1].${name} `))
          complaints.push(`${name}, ${what}: no place in ${listed.text}`);
      }
    }
    expect(complaints).toEqual([]);
  });

  it.each(endpoints.slice(0, 2))(
    'RFC 7591 §3.2.2: %s refuses each member of another type, or with texts that nobody can read',
    async (title, send) => {
      const update = title.includes('update') ? { client_id: registered.id } : {};
      const complaints: string[] = [];
      for (const name of Object.keys(GOOD)) {
        for (const [what, value] of Object.entries(WRONG_JSON)) {
          const told = refusal(await send(JSON.stringify({ ...GOOD, ...update, [name]: value })));
          const good =
            (what === 'text' && TEXTS.includes(name)) ||
            (what === 'list' && LISTS.includes(name)) ||
            (what === 'truth' && FLAGS.includes(name));
          const right = ['invalid_client_metadata', 'invalid_redirect_uri'];
          if (good ? told !== 'taken' : !right.includes(String(told)))
            complaints.push(`${name}, ${what}: ${String(told)}`);
        }
      }
      expect(complaints).toEqual([]);
    },
    60_000,
  );

  it('RFC 7591 §2.2: no address but a well-formed one can be registered', async () => {
    const [register] = [endpoints[0][1]];
    const malformed = Object.entries(LOOK_ALIKES).filter(
      ([, uri]) =>
        !/^https:\/\/[\x21-\x7e]*$/i.test(uri) ||
        uri.includes('@') ||
        uri.includes('#') ||
        uri.includes('*') ||
        uri.length > 2048,
    );
    expect(malformed.length).toBeGreaterThan(20);
    for (const [what, uri] of malformed) {
      const told = refusal(await register(JSON.stringify({ ...GOOD, redirect_uris: [uri] })));
      expect([what, /^invalid_(redirect_uri|client_metadata)$/.test(String(told))]).toEqual([what, true]);
    }
  });

  it('RFC 8936 §2.4: the poll refuses each member of another type', async () => {
    const [, poll] = endpoints[2];
    const good = {
      maxEvents: 1,
      returnImmediately: true,
      ack: ['x'],
      setErrs: { x: { err: 'x' } },
      restart: false,
    };
    const fits: Record<string, (value: unknown) => boolean> = {
      maxEvents: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
      returnImmediately: (value) => typeof value === 'boolean',
      restart: (value) => typeof value === 'boolean',
      ack: (value) =>
        Array.isArray(value) && value.length < 1000 && value.every((each) => typeof each === 'string'),
      // of errors without one
      setErrs: (value) =>
        typeof value === 'object' &&
        !Array.isArray(value) &&
        (Object.keys(value ?? {}).length === 0 || JSON.stringify(value).includes('err')),
    };
    for (const [name, fitting] of Object.entries(fits)) {
      for (const [what, value] of Object.entries(WRONG_JSON)) {
        const told = refusal(await poll(JSON.stringify({ ...good, [name]: value })));
        expect([name, what, told]).toEqual([name, what, fitting(value) ? 'taken' : 'invalid_request']);
      }
    }
  });

  it('OpenID Connect Core §5.5: a claims parameter that is no claims request, or hides what no text holds, is invalid_request', async () => {
    const member = await world.signIn('member@acme.example');
    const texts = [
      ...[
        '{}}',
        '[]',
        '"x"',
        'null',
        '{"id_token":[]}',
        '{"userinfo":{"name":7}}',
        '{"id_token":{"acr":{"values":"1"}}}',
      ],
      ...['\\u0000', '\\u001b', '\\ud800'].flatMap((hidden) => [
        `{"id_token":{"acr":{"value":"${hidden}"}}}`,
        `{"id_token":{"acr":{"values":[{"${hidden}":1}]}}}`,
        `{"userinfo":{"${hidden}":null}}`,
      ]),
      `{"id_token":{"acr":{"value":${'['.repeat(4000)}`,
    ];
    for (const claims of texts) {
      const { path } = world.authorizationRequest(world.client('projects'), { claims });
      const answer = await member.get(path);
      expect([claims.slice(0, 60), answer.status]).toEqual([claims.slice(0, 60), 303]);
      expect(parametersOf(answer)['error']).toBe('invalid_request');
    }
    const deep = `{"id_token":{"acr":{"value":${'['.repeat(1500)}${']'.repeat(1500)}}}}`;
    const { path } = world.authorizationRequest(world.client('projects'), { claims: deep });
    expect((await member.get(path)).status).toBe(303);
  });

  it('none of that has changed anything: the registration is still as it was', async () => {
    const { status, body } = await callRegistration(world.url + registered.address, {
      method: 'GET',
      token: registered.token.slice('Bearer '.length),
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ client_id: registered.id, redirect_uris: GOOD.redirect_uris });
  });
});
