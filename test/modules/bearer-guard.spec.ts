import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { eventually } from '../support/answers.js';
import { FakeCoreAuth, ORGANIZATION, USER } from './fake-core-auth.js';
import { startModule, type GuardedModule } from './guarded-module.js';

describe('the guard of a module API', () => {
  let core: FakeCoreAuth;
  let module: GuardedModule;

  beforeAll(async () => {
    core = await FakeCoreAuth.start();
    module = await startModule(core);
    await module.listening();
  });
  afterAll(async () => {
    await module.stop();
    await core.stop();
  });

  const call = (path: string, token?: string, headers: Record<string, string> = {}) =>
    fetch(module.url + path, {
      headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
    });

  it('lets a token of this module in, and reads person and organization from it', async () => {
    const response = await call('/api/read', await core.accessToken(module.url));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ user: USER, organization: 'acme' });
  });

  it('RFC 6750 §3.1, RFC 9728 §5.1: answers a bare challenge that names the metadata when no token came', async () => {
    const response = await call('/api/read');
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer resource_metadata="${module.url}/.well-known/oauth-protected-resource", ` +
        `DPoP algs="PS256 ES256 EdDSA", resource_metadata="${module.url}/.well-known/oauth-protected-resource"`,
    );
  });

  it('RFC 6750 §3.1: answers 400 to a malformed Authorization header', async () => {
    const response = await call('/api/read', undefined, { authorization: 'Bearer two words' });
    expect(response.status).toBe(400);
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_request"');
  });

  it('RFC 6750 §3.1: answers 403 and names the scope that is missing', async () => {
    const response = await call('/api/admin', await core.accessToken(module.url));
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toMatch(
      /error="insufficient_scope".*scope="projects:admin"/,
    );
  });

  it('RFC 9068 §2.2.3.1: lets in whose entitlements hold the permission, and answers 403 to everybody else', async () => {
    const answer = async (claims: Record<string, unknown>) => {
      const response = await call('/api/archive', await core.accessToken(module.url, claims));
      return [response.status, ((await response.json()) as { code?: string }).code];
    };
    expect(await answer({ entitlements: ['projects:archive'] })).toEqual([200, undefined]);
    for (const claims of [{}, { entitlements: ['reports:archive'] }, { entitlements: 'projects:archive' }]) {
      expect(await answer(claims)).toEqual([403, 'PERMISSION_REQUIRED']);
    }
  });

  it('RFC 9068 §2.2: takes no service for a person, in an exchanged token neither', async () => {
    const service = {
      ...{ sub: 'a-service', client_id: 'another', client_chain: ['a-service'] },
      ...{ authorization_id: undefined, sid: undefined },
    };
    expect((await call('/api/read', await core.accessToken(module.url, service))).status).toBe(403);
  });

  it.each([
    ['of another type (an ID token)', { typ: 'JWT' }, {}],
    ['for another audience', {}, { aud: 'http://elsewhere.example' }],
    ['of another issuer', {}, { iss: 'http://elsewhere.example' }],
    ['that has expired', {}, { exp: 1000, iat: 900 }],
    ['that says it lives longer than any does', {}, { exp: Math.floor(Date.now() / 1000) + 90_000 }],
    ['without a client_id', {}, { client_id: undefined }],
    ['without a jti', {}, { jti: undefined }],
  ])('RFC 9068 §4: refuses a token %s', async (_, { typ = 'at+jwt' }: { typ?: string }, claims) => {
    const response = await call('/api/read', await core.accessToken(module.url, claims, typ));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('refuses a token that another algorithm signed, whatever key it names', async () => {
    const token = await new SignJWT({ sub: USER, client_id: 'x', jti: 'j' })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'key-1' })
      .setIssuer(core.issuer)
      .setAudience(module.url)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(new Uint8Array(32));
    expect((await call('/api/read', token)).status).toBe(401);
  });

  it('takes no token from a cookie or the query on an API route', async () => {
    const token = await core.accessToken(module.url);
    const response = await call(`/api/read?access_token=${token}`, undefined, {
      cookie: `projects_session=${token}`,
    });
    expect(response.status).toBe(401);
  });

  it('takes the organization from the token, whatever header, path or body say', async () => {
    const token = await core.accessToken(module.url, { organization_id: undefined, organization: undefined });
    const response = await call(`/api/licensed?organization_id=${ORGANIZATION}`, token, {
      'x-organization-id': ORGANIZATION,
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'ORG_CONTEXT_REQUIRED' });
  });

  it('refuses a route that declares no access rule, token or not', async () => {
    expect((await call('/undeclared', await core.accessToken(module.url))).status).toBe(403);
    expect((await call('/open')).status).toBe(200);
  });

  it('fetches the keys again for a token signed with a new one, and not again for made-up ids', async () => {
    module.clock.aheadMs += 11_000; // past the pause between two fetches
    await core.rotateKey();
    const before = core.count('/oauth2/jwks');
    expect((await call('/api/read', await core.accessToken(module.url))).status).toBe(200);
    expect(core.count('/oauth2/jwks')).toBe(before + 1);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const [header, payload] = (await core.accessToken(module.url)).split('.');
      const named = JSON.parse(Buffer.from(header ?? '', 'base64url').toString()) as Record<string, unknown>;
      const forged = Buffer.from(JSON.stringify({ ...named, kid: `made-up-${attempt}` })).toString(
        'base64url',
      );
      expect((await call('/api/read', `${forged}.${payload}.AAAA`)).status).toBe(401);
    }
    expect(core.count('/oauth2/jwks')).toBe(before + 1);
  });

  it('while a new key is to be expected, made-up ids keep it out for no longer than a moment', async () => {
    await module.listening();
    const forged = async () => {
      const [, payload] = (await core.accessToken(module.url)).split('.');
      const header = { alg: 'ES256', typ: 'at+jwt', kid: 'made-up' };
      return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.AAAA`;
    };
    const before = core.kid;
    core.publish('key-revoked', before);
    await eventually(
      async () =>
        (await call('/api/read', await core.accessToken(module.url))).status === 401 ? true : undefined,
      'the refusal',
    );
    module.clock.aheadMs += 1000;
    expect((await call('/api/read', await forged())).status).toBe(401); // uses the fetch up
    await core.rotateKey();
    module.clock.aheadMs += 600;
    expect((await call('/api/read', await core.accessToken(module.url))).status).toBe(200);
  });

  it('lets the first token of a new key in although its keys are old enough to be fetched anyway', async () => {
    expect((await call('/api/read', await core.accessToken(module.url))).status).toBe(200);
    module.clock.aheadMs += 11 * 60_000;
    await core.rotateKey();
    expect((await call('/api/read', await core.accessToken(module.url))).status).toBe(200);
  });

  it.each(['', '/api/read'])(
    'RFC 9728 §2, §3.1: serves its protected-resource metadata at the well-known path%s',
    async (path) => {
      const response = await call(`/.well-known/oauth-protected-resource${path}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({
        resource: module.url,
        resource_name: 'Projects',
        authorization_servers: [core.issuer],
        scopes_supported: ['projects:read', 'projects:write'],
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: ['PS256', 'ES256', 'EdDSA'],
        dpop_bound_access_tokens_required: false,
      });
    },
  );

  it('answers errors as problem details (RFC 9457) and a missing page without a stack', async () => {
    const response = await call('/nowhere');
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Not found',
      status: 404,
      detail: 'There is nothing at this address.',
      code: 'NOT_FOUND',
    });
  });
});
