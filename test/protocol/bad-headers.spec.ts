import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { DpopKey } from '../support/dpop-key.js';
import { harmOf, sendRaw } from '../support/raw-request.js';
import { basic, World, type TestClient } from '../support/world.js';

const FORM = 'application/x-www-form-urlencoded';
const ROUTES = [
  ['POST', '/oauth2/token'],
  ['POST', '/oauth2/par'],
  ['POST', '/oauth2/introspect'],
  ['POST', '/oauth2/revoke'],
  ['POST', '/oauth2/device_authorization'],
  ['POST', '/oauth2/register'],
  ['GET', '/oauth2/register/x'],
  ['GET', '/oauth2/userinfo'],
  ['GET', '/oauth2/authorize?client_id=projects'],
  ['GET', '/oauth2/logout'],
  ['GET', '/v1/events'],
  ['POST', '/v1/events/poll'],
  ['GET', '/v1/webhooks'],
  ['GET', '/v1/licenses/snapshot'],
  ['POST', '/v1/licenses/check'],
  ['POST', '/v1/leases'],
  ['DELETE', '/v1/leases/x'],
  ['GET', '/v1/launcher'],
  ['GET', '/device'],
  ['GET', '/'],
  ['GET', '/sign-in'],
] as const;
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
const AUTHORIZATIONS = [
  ...[
    '',
    'x',
    'Basic',
    'Basic ',
    'Basic x',
    'Basic ====',
    'Basic Og==',
    'Basic :',
    'basic',
    'Bearer',
    'Bearer ',
  ],
  ...['Bearer x y', 'Bearer ..', 'Bearer a.b.c', 'Bearer a.b.c.d.e', 'DPoP', 'DPoP x', 'Digest username="x"'],
  ...[
    'Negotiate',
    'Bearer null',
    'Bearer %00',
    'Basic Basic',
    'Bearer\tx',
    'Bearer ,Bearer x',
    'é',
    'Bearer é',
  ],
  ...['a:b:c', '%:%', '%00:%00', '%zz:x', '\0:\0', 'projects', ':', 'projects:', '__proto__:x'].map(
    (text) => `Basic ${base64(text)}`,
  ),
  `Basic ${base64(Buffer.from([0xff, 0xfe, 0x3a, 0xff]))}`,
  `Basic ${base64(`projects:${'x'.repeat(6000)}`)}`,
  `Bearer ${'x'.repeat(12_000)}`,
  `Bearer ${base64('{"alg":"none"}')}.${base64('{}')}.`,
  `Bearer ${base64('{"alg":"dir","enc":"A256GCM","kid":"\\u0000"}')}....`,
];
const PROOFS = ['', 'x', '..', 'a.b.c', 'a.b.c,a.b.c', 'é', '\x7f'.slice(1), 'x'.repeat(12_000)];
const CONTENT_TYPES = [
  ...[
    '',
    ' ',
    'x',
    '/',
    ';',
    'application/x-www-form-urlencoded;',
    `${FORM}; charset=utf-16`,
    `${FORM}; charset=\xff`,
  ],
  ...[
    `${FORM}, ${FORM}`,
    'application/json',
    'application/json; charset=utf-7',
    'multipart/form-data',
    'text/html',
  ],
  ...['application/jwt', 'a'.repeat(9000), '__proto__', 'constructor'],
];
const COOKIES = [
  ...[
    '',
    '=',
    ';;',
    'core_auth_session',
    'core_auth_session=',
    '"',
    'core_auth_session="',
    'core_auth_session=%',
  ],
  ...[
    'core_auth_session=%00; core_auth_csrf=%00',
    `core_auth_session=${'A'.repeat(43)}`,
    'core_auth_session=\xff\xfe',
  ],
  ...[
    '__proto__=x; constructor=y',
    `x=${'y'.repeat(9000)}`,
    Array.from({ length: 500 }, (_, i) => `a${i}=b`).join('; '),
  ],
];
const ACCEPTS = [
  '',
  '*',
  '*/*;q=x',
  'text/html',
  'application/json',
  'text/html;q=0',
  'x'.repeat(9000),
  '\xff',
  ',',
];
const OTHERS = {
  'last-event-id': [
    '',
    '0',
    '-1',
    'x-1-1',
    `${'9'.repeat(20)}-1`,
    `x-${'9'.repeat(20)}-${'9'.repeat(19)}`,
    '\xff',
  ],
  'if-none-match': ['', '*', '"', 'W/"x"', '"x", "y"'],
  origin: ['', 'null', 'x', 'https://', 'https://projects.example:99999', 'javascript:', '\xff'],
  'sec-fetch-site': ['', 'x', 'cross-site', 'same-origin, cross-site'],
  'x-forwarded-for': ['', 'x', '127.0.0.1, x', '::1%', '999.999.999.999'],
  'x-forwarded-host': ['evil.example', '', '\xff'],
  'x-request-id': ['', 'x'.repeat(9000), '\xff'],
  'x-http-method-override': ['DELETE'],
  'accept-language': ['', 'x'.repeat(9000), '*;q=é'],
  expect: ['x'],
  range: ['bytes=0-', 'x'],
  upgrade: ['websocket', 'h2c'],
};

describe('bad headers', () => {
  let world: World;
  let projects: TestClient;
  let bearer: string;

  beforeAll(async () => {
    world = await World.start({
      env: { CORE_AUTH_REGISTRATION: 'token', CORE_AUTH_RATE_LIMIT_REGISTRATION: '100000' },
    });
    projects = world.client('projects');
    bearer = (await world.signedInClient()).tokens.access_token;
  });
  afterAll(() => world.stop());

  /** What each route answers to each value of a header. */
  const harmsBy = async (header: string, values: readonly string[], common: Record<string, string> = {}) => {
    const harms: string[] = [];
    for (const [method, path] of ROUTES) {
      for (const value of values) {
        const headers: Record<string, string> = {
          'content-type': FORM,
          accept: 'application/json',
          ...common,
          [header]: value,
        };
        // the stream does not end
        if (path === '/v1/events' && headers['authorization'] === basic(projects)) continue;
        const answer = await sendRaw(world.url, method, path, {
          headers,
          body: method === 'POST' ? 'token=x' : undefined,
        });
        const off = answer.location !== undefined && new URL(answer.location, world.url).origin !== world.url;
        const harm = harmOf(answer) ?? (off ? `leads to ${answer.location}` : undefined);
        if (harm !== undefined) harms.push(`${method} ${path}, ${header}: ${value.slice(0, 60)}: ${harm}`);
      }
    }
    return harms;
  };

  it('RFC 9700 §4.13: headers by which a proxy would name somebody name nobody', async () => {
    const names = ['x-forwarded-user', 'x-forwarded-email', 'x-remote-user', 'remote-user', 'x-user-id'];
    const more = ['x-auth-request-user', 'x-authenticated-userid', 'x-authentik-username', 'x-client-id'];
    for (const identity of ['member@acme.example', world.id('member@acme.example'), projects.id]) {
      const headers = Object.fromEntries([...names, ...more].map((name) => [name, identity]));
      headers['x-ssl-client-verify'] = 'SUCCESS';
      headers['x-ssl-client-s-dn'] = `CN=${identity}`;
      const { path } = world.authorizationRequest(projects, { prompt: 'none' });
      const { location } = await sendRaw(world.url, 'GET', path, { headers });
      expect(new URL(location ?? '').searchParams.get('error')).toBe('login_required');
      const page = await sendRaw(world.url, 'GET', '/', { headers: { accept: 'text/html', ...headers } });
      expect([page.status, page.location?.startsWith('/sign-in?')]).toEqual([303, true]);
      const userinfo = await sendRaw(world.url, 'GET', '/oauth2/userinfo', { headers });
      const token = await sendRaw(world.url, 'POST', '/oauth2/token', {
        headers: { 'content-type': FORM, ...headers },
        body: `grant_type=client_credentials&client_id=${projects.id}`,
      });
      expect([userinfo.status, token.status]).toEqual([401, 401]);
    }
  });

  it('RFC 6749 §5.2, RFC 6750 §3: whatever stands in Authorization, nobody is let in and nothing breaks', async () => {
    expect(await harmsBy('authorization', AUTHORIZATIONS)).toEqual([]);
    for (const authorization of AUTHORIZATIONS) {
      for (const [method, path] of ROUTES.slice(0, 5)) {
        const headers: Record<string, string> = { 'content-type': FORM, authorization };
        const answer = await sendRaw(world.url, method, path, {
          headers,
          body: 'grant_type=client_credentials',
        });
        const { error } = JSON.parse(answer.text) as { error: string };
        expect([authorization.slice(0, 60), answer.status, error]).toEqual([
          authorization.slice(0, 60),
          401,
          'invalid_client',
        ]);
      }
      const answer = await sendRaw(world.url, 'GET', '/oauth2/userinfo', { headers: { authorization } });
      expect([400, 401]).toContain(answer.status);
    }
  });

  it.each([
    ['cookie', COOKIES],
    ['accept', ACCEPTS],
    ['content-type', CONTENT_TYPES],
    ...Object.entries(OTHERS),
  ] as const)('whatever stands in %s, nothing breaks and nobody is led away', async (header, values) => {
    expect(await harmsBy(header, values)).toEqual([]);
    expect(await harmsBy(header, values, { authorization: basic(projects) })).toEqual([]);
    expect(await harmsBy(header, values, { authorization: `Bearer ${bearer}` })).toEqual([]);
  });

  it('RFC 9449 §4.3, §5: a DPoP header that is no proof is invalid_dpop_proof', async () => {
    for (const dpop of PROOFS.filter((text) => text !== '')) {
      for (const path of ['/oauth2/token', '/oauth2/par']) {
        const headers: Record<string, string> = {
          'content-type': FORM,
          authorization: basic(projects),
          dpop,
        };
        const answer = await sendRaw(world.url, 'POST', path, {
          headers,
          body: 'grant_type=client_credentials',
        });
        expect([answer.status, (JSON.parse(answer.text) as { error: string }).error]).toEqual([
          400,
          'invalid_dpop_proof',
        ]);
      }
    }
    expect(await harmsBy('dpop', PROOFS, { authorization: `DPoP ${bearer}` })).toEqual([]);
  });

  it('RFC 9449 §4.3: each member of a proof of another type is invalid_dpop_proof', async () => {
    const key = await DpopKey.create();
    const target = { method: 'POST', url: `${world.url}/oauth2/token`, now: world.clock.now() };
    const asked = await fetch(target.url, {
      method: 'POST',
      headers: { authorization: basic(projects), dpop: await key.proof(target) },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const request = { ...target, nonce: asked.headers.get('dpop-nonce') ?? '' };
    const wrong: readonly unknown[] = [
      null,
      7,
      -1,
      1e300,
      true,
      '',
      '\0',
      'a\ud800',
      'x'.repeat(3000),
      [],
      ['x'],
      {},
      { toString: 1 },
    ];
    const proofs = [
      ...['jti', 'htm', 'htu', 'iat', 'nonce'].flatMap((name) =>
        wrong
          // any text tells a proof from others
          .filter((value) => !(name === 'jti' && typeof value === 'string' && /^.{1,9}$/su.test(value)))
          .map((value) => ({ claims: { [name]: value } })),
      ),
      ...wrong.map((jwk) => ({ header: { jwk } })),
      ...['kty', 'crv', 'x', 'y'].flatMap((name) =>
        wrong.map((value) => ({ header: { jwk: { ...key.jwk, [name]: value } } })),
      ),
      ...wrong.map((typ) => ({ header: { typ } })),
    ] as unknown as readonly Partial<Parameters<typeof key.proof>[0]>[];
    for (const options of proofs) {
      const what = JSON.stringify(options).slice(0, 120);
      const dpop = await key.proof({ ...request, ...options }).catch(() => undefined);
      // our own library makes no such proof
      if (dpop === undefined) continue;
      const headers = { 'content-type': FORM, authorization: basic(projects), dpop };
      const answer = await sendRaw(world.url, 'POST', '/oauth2/token', {
        headers,
        body: 'grant_type=client_credentials',
      });
      const { error } = JSON.parse(answer.text) as { error: string };
      expect([what, answer.status, error]).toEqual([
        what,
        400,
        expect.stringMatching(/^(invalid_dpop_proof|use_dpop_nonce)$/),
      ]);
    }
  });

  it('RFC 9112 §2.2, §3, §6.3: what is no HTTP is refused with 400 or 431, and the server lives on', async () => {
    const { hostname, port } = new URL(world.url);
    const say = (text: string) =>
      new Promise<string>((resolve, reject) => {
        let heard = '';
        const socket = connect(Number(port), hostname, () => socket.end(text, 'latin1'));
        socket.on('data', (part) => (heard += part.toString('latin1')));
        socket.on('close', () => resolve(heard));
        socket.on('error', reject);
      });
    const host = `Host: ${hostname}:${port}\r\n`;
    for (const text of [
      'x\r\n\r\n',
      `GET / HTTP/9.9\r\n${host}\r\n`,
      `GET / HTTP/1.1\r\nConnection: close\r\n\r\n`,
      `GET /\0 HTTP/1.1\r\n${host}\r\n`,
      `GET / HTTP/1.1\r\n${host}Cookie: a\0b\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}Cookie : a\r\n\r\n`,
      `POST /oauth2/token HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`,
      `POST /oauth2/token HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
      `POST /oauth2/token HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST /oauth2/token HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(70_000)}\r\n\r\n`,
      `GET /${'x'.repeat(70_000)} HTTP/1.1\r\n${host}\r\n`,
    ]) {
      expect([text.slice(0, 60), await say(text)]).toEqual([
        text.slice(0, 60),
        expect.stringMatching(/^HTTP\/1\.1 (400|431) /),
      ]);
    }
    expect((await fetch(`${world.url}/health/live`)).status).toBe(200);
  });
});
