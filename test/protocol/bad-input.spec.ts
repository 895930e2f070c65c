import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { harmOf, sendRaw, type RawAnswer } from '../support/raw-request.js';
import { basic, World } from '../support/world.js';

const POSTS = [
  '/oauth2/authorize',
  '/oauth2/par',
  '/oauth2/token',
  '/oauth2/introspect',
  '/oauth2/revoke',
  '/oauth2/userinfo',
  '/oauth2/logout',
  '/oauth2/device_authorization',
  '/v1/webhooks',
  '/sign-in',
  '/unlock',
  '/sign-out',
  '/consent',
  '/device',
  '/choose-organization',
] as const;
const GETS = [
  '/',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/oauth2/authorize',
  '/oauth2/jwks',
  '/oauth2/userinfo',
  '/oauth2/logout',
  '/sign-in',
  '/unlock',
  '/unlocked',
  '/sign-out',
  '/signed-out',
  '/consent',
  '/device',
  '/device/qr',
  '/choose-organization',
  '/license-refused',
  '/v1/licenses/snapshot',
  '/v1/launcher',
  '/health/live',
  '/assets/core-auth.css',
] as const;
const CLIENT_POSTS = ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke'] as const;
const PROGRAMS = [...CLIENT_POSTS, '/oauth2/par'] as const;
const FORM = 'application/x-www-form-urlencoded';

describe('bad input', () => {
  let world: World;
  let cookie: string;
  let authorization: string;
  let bearer: string;

  beforeAll(async () => {
    world = await World.start();
    const { browser, tokens } = await world.signedInClient();
    cookie = browser.cookieNames.map((name) => `${name}=${browser.cookie(name)}`).join('; ');
    authorization = basic(world.client('projects'));
    bearer = `Bearer ${tokens.access_token}`;
  });
  afterAll(() => world.stop());

  /** `cookie` signs in. */
  const send = (method: string, path: string, headers: Record<string, string> = {}, body?: string | Buffer) =>
    sendRaw(world.url, method, path, { headers: { cookie, ...headers }, body });
  const expectHarmless = (answer: RawAnswer) => expect(harmOf(answer)).toBeUndefined();
  /** RFC 6749 §5.2 */
  const expectInvalidRequest = (answer: RawAnswer) => {
    expectHarmless(answer);
    expect(answer.status).toBe(400);
    expect(answer.type).toContain('application/json');
    expect(JSON.parse(answer.text)).toEqual({
      error: 'invalid_request',
      error_description: expect.any(String),
    });
  };

  describe.each(POSTS)('POST %s', (path) => {
    it.each([
      ['malformed JSON', 'application/json', '{"token":'],
      ['JSON', 'application/json', '{"token":"x","grant_type":"client_credentials"}'],
      ['JSON of another type', 'application/json', '[1,2]'],
      ['plain text', 'text/plain', 'token=x'],
      ['XML', 'application/xml', '<token/>'],
      ['a multipart form', 'multipart/form-data; boundary=x', '--x--'],
      ['an unknown type', 'nonsense', 'token=x'],
      ['no type', '', 'token=x'],
    ])('RFC 6749 appendix B: %s is refused with 400', async (_, type, body) => {
      const answer = await send(
        'POST',
        path,
        { authorization, ...(type ? { 'content-type': type } : {}) },
        body,
      );
      expectHarmless(answer);
      expect(answer.status).toBe(400);
    });

    it('a body beyond 64 KiB is refused, with 400 but where RFC 9126 §2.3 says 413', async () => {
      const answer = await send(
        'POST',
        path,
        { authorization, 'content-type': FORM },
        `token=${'x'.repeat(64 * 1024)}`,
      );
      expectHarmless(answer);
      expect(answer.status).toBe(path === '/oauth2/par' ? 413 : 400);
    });

    it('control characters, broken encoding and bytes that are no text do no harm', async () => {
      for (const body of [
        'token=%00&email=%00&password=%00',
        'token=%',
        'token=%zz',
        '%00=%00',
        '&&==&',
        Buffer.from([0xff, 0xfe, 0]),
      ]) {
        const answer = await send('POST', path, { authorization, 'content-type': FORM }, body);
        expectHarmless(answer);
      }
    });
  });

  describe.each(CLIENT_POSTS)('POST %s', (path) => {
    it('RFC 6749 §3.2, §5.2: a duplicate, missing, or oversized parameter is invalid_request', async () => {
      const good: Record<string, string> = { token: 'x', grant_type: 'refresh_token', refresh_token: 'x' };
      const needed = path === '/oauth2/token' ? 'grant_type' : 'token';
      const fields = new URLSearchParams(good);
      expectInvalidRequest(
        await send('POST', path, { authorization, 'content-type': FORM }, `${fields}&${needed}=x`),
      );
      fields.delete(needed);
      expectInvalidRequest(await send('POST', path, { authorization, 'content-type': FORM }, String(fields)));
      fields.set(needed, 'x'.repeat(9000));
      expectInvalidRequest(await send('POST', path, { authorization, 'content-type': FORM }, String(fields)));
    });

    it.each(['[]', '[0]', '.x', '[__proto__]'])(
      'a parameter name with %s makes no object of it',
      async (suffix) => {
        const answer = await send(
          'POST',
          path,
          { authorization, 'content-type': FORM },
          `token${suffix}=x&grant_type${suffix}=x`,
        );
        expectInvalidRequest(answer);
      },
    );

    it('the refusals of form and size come as JSON with the error of the specification', async () => {
      expectInvalidRequest(
        await send('POST', path, { authorization, 'content-type': 'application/json' }, '{'),
      );
      expectInvalidRequest(
        await send('POST', path, { authorization, 'content-type': FORM }, `token=${'x'.repeat(70_000)}`),
      );
    });
  });

  it('odd query strings at every GET endpoint do no harm', async () => {
    const odd = [
      '?',
      '?%00=%00',
      '?return_to=%00',
      '?return_to=/oauth2/authorize%3Fclient_id%3D%2500',
      '?return_to=a&return_to=b',
      '?client_id=projects&client_id=projects',
      '?organization_id=%00',
      '?organization_id[]=x',
      '?id_token_hint=%00.%00.%00',
      '?id_token_hint=eyJ0eXAiOiJKV1QifQ.x.y',
      '?__proto__[x]=1&constructor=2',
      `?state=${'s'.repeat(6000)}`,
      '?%',
      '?%E0%A4%A',
      '?a=%ff%fe',
    ];
    for (const path of GETS) {
      const headers = path.startsWith('/v1/licenses') ? { authorization } : { authorization: bearer };
      const answers = await Promise.all(odd.map((query) => send('GET', path + query, headers)));
      answers.forEach(expectHarmless);
    }
  });

  it.each([
    '/nothing',
    '/oauth2/',
    '/oauth2/token/x',
    '/%',
    '/%00',
    '/assets/../../package.json',
    '/assets/%2e%2e%2fpackage.json',
    '/assets/x',
    '//',
  ])(
    'an address that does not exist is 4xx without a word about how the server is made: %s',
    async (path) => {
      const answer = await send('GET', path, { accept: 'application/json' });
      expectHarmless(answer);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.text).not.toContain('"dependencies"');
    },
  );

  it.each(['TRACE', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])(
    'no route takes the method %s',
    async (method) => {
      for (const path of ['/oauth2/token', '/oauth2/authorize', '/sign-in']) {
        const answer = await send(method, path);
        expectHarmless(answer);
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }
    },
  );

  it('a cookie that is none of ours is as good as none', async () => {
    for (const value of [
      '',
      'x',
      '"',
      'a'.repeat(43),
      `${'a'.repeat(42)}%00`,
      'x; core_auth_session=y',
      '%E0%A4%A',
    ]) {
      const answer = await send('GET', '/', {
        cookie: `core_auth_session=${value}; core_auth_csrf=${value}`,
        accept: 'text/html',
      });
      expect(answer.status).toBe(303);
      expectHarmless(await send('GET', '/sign-in', { cookie: `core_auth_csrf=${value}` }));
    }
  });

  describe('a request that is longer than an address may be (a form can bring it)', () => {
    const ask = async (extra: Readonly<Record<string, string>>) => {
      const { parameters } = world.authorizationRequest(world.client('projects'), extra);
      const headers = { cookie: '', 'content-type': FORM };
      return send('POST', '/oauth2/authorize', headers, new URLSearchParams(parameters).toString());
    };

    it('RFC 6749 §3.1: what is unknown does not travel along while somebody signs in', async () => {
      const { status, location = '' } = await ask({ unknown: 'x'.repeat(50_000) });
      expect(status).toBe(303);
      expect(location).toMatch(/^\/sign-in\?/);
      expect(location.length).toBeLessThan(2000);
    });

    it('what is known and cannot travel is refused at once, with no redirect', async () => {
      const long = { state: 's'.repeat(2000), nonce: 'n'.repeat(2000), login_hint: 'ß'.repeat(1000) };
      expect((await ask({ state: long.state, nonce: long.nonce })).status).toBe(303);
      expect(await ask(long)).toMatchObject({ status: 400, location: undefined });
    });

    it('RFC 6749 §4.1.2.1: a state that is refused for its length is not told again', async () => {
      const { status, location = '' } = await ask({ state: 's'.repeat(50_000) });
      expect(status).toBe(303);
      expect(location).toMatch(/^https:\/\/projects\.example\/callback\?error=invalid_request&/);
      expect(location.length).toBeLessThan(500);
    });
  });

  it.each(PROGRAMS)(
    '%s answers in JSON whatever is accepted (RFC 6749 §5.2, RFC 9126 §2.3)',
    async (path) => {
      const headers = { authorization, 'content-type': FORM, accept: 'text/html' };
      expectInvalidRequest(
        await send(
          'POST',
          path,
          headers,
          'token=a&token=b&state=a&state=b&grant_type=x&grant_type=y&scope=a&scope=b',
        ),
      );
    },
  );
});
