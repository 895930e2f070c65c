import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/answers.js';
import { FakeCoreAuth, USER } from './fake-core-auth.js';
import { startModule, type GuardedModule } from './guarded-module.js';

const INTROSPECT = '/oauth2/introspect';

describe('the guard of a module API before a token that only Core Auth can read (RFC 7662)', () => {
  let core: FakeCoreAuth;
  let module: GuardedModule;
  let token: string;

  beforeEach(async () => {
    core = await FakeCoreAuth.start();
    module = await startModule(core);
    await module.listening();
    token = await core.opaqueToken(module.url, { jti: 'the-jti' });
  });
  afterEach(async () => {
    await module.stop();
    await core.stop();
  });

  const call = (presented = token) =>
    fetch(`${module.url}/api/read`, { headers: { authorization: `Bearer ${presented}` } });
  const status = async (presented = token) => {
    const response = await call(presented);
    await response.body?.cancel();
    return response.status;
  };

  it('asks Core Auth once, reads person and organization from the answer, and remembers them while the stream is up', async () => {
    const response = await call();
    expect([response.status, await response.json()]).toEqual([200, { user: USER, organization: 'acme' }]);
    expect([await status(), await status()]).toEqual([200, 200]);
    expect(core.count(INTROSPECT)).toBe(1);
  });

  it('puts one question for many requests at once', async () => {
    const statuses = await Promise.all(Array.from({ length: 20 }, () => status()));
    expect(statuses).toEqual(Array(20).fill(200));
    expect(core.count(INTROSPECT)).toBe(1);
  });

  it('refuses it once it hears of its revocation, without a question', async () => {
    expect(await status()).toBe(200);
    core.publish('token-revoked', 'the-jti');
    await eventually(async () => (await status()) === 401 || undefined, 'the refusal');
    expect(core.count(INTROSPECT)).toBe(1);
  });

  it('asks again after a minute', async () => {
    expect(await status()).toBe(200);
    core.inactive.add('the-jti');
    module.clock.aheadMs += 55_000;
    await module.listening();
    expect(await status()).toBe(200);
    module.clock.aheadMs += 5000;
    await module.listening();
    expect(await status()).toBe(401);
  });

  it('asks each time while the stream is silent', async () => {
    expect(await status()).toBe(200);
    core.streaming = false;
    await module.silent();
    expect([await status(), await status()]).toEqual([200, 200]);
    expect(core.count(INTROSPECT)).toBe(3);
    core.inactive.add('the-jti');
    expect(await status()).toBe(401);
  });

  it('lets one that it accepted stand for the stale allowance while Core Auth is down, and no other', async () => {
    expect(await status()).toBe(200);
    core.streaming = false;
    core.down.add(INTROSPECT);
    await module.silent();
    expect(await status()).toBe(200);
    expect(await status(await core.opaqueToken(module.url))).toBe(503);
    module.clock.aheadMs += 901_000;
    expect(await status()).toBe(503);
  });

  it.each<[string, Record<string, unknown>]>([
    ['for another audience', { aud: 'http://elsewhere.example' }],
    ['without an audience, as a refresh token', { aud: undefined }],
    ['of another issuer', { iss: 'http://elsewhere.example' }],
    ['that has expired', { exp: 1000 }],
    ['without an end', { exp: undefined }],
    ['without a client', { client_id: undefined }],
  ])('RFC 7662 §4: refuses one %s, though it is live', async (_, claims) => {
    expect(await status(await core.opaqueToken(module.url, claims))).toBe(401);
  });

  it('refuses one that Core Auth does not know, and remembers nothing of it', async () => {
    expect([await status('made-up'), await status('made-up')]).toEqual([401, 401]);
    expect(core.count(INTROSPECT)).toBe(2);
  });

  it('RFC 9449 §7.2: refuses one that is bound to a key when it comes as a bearer token', async () => {
    const bound = await core.opaqueToken(module.url, { cnf: { jkt: 'a-thumbprint' } });
    const response = await call(bound);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token"/);
  });
});
