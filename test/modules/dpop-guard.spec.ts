import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { createHash, randomUUID } from 'node:crypto';
import { FakeCoreAuth } from './fake-core-auth.js';
import { startModule, type GuardedModule } from './guarded-module.js';

interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly jkt: string;
  readonly alg: string;
}

async function makeKey(alg = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { privateKey, jwk, jkt: await calculateJwkThumbprint(jwk), alg };
}

const athOf = (token: string) => createHash('sha256').update(token).digest('base64url');

describe('the guard of a module API before a token that is bound to a key (RFC 9449)', () => {
  let core: FakeCoreAuth;
  let module: GuardedModule;
  let key: Key;
  let token: string;

  beforeAll(async () => {
    core = await FakeCoreAuth.start();
    module = await startModule(core);
    await module.listening();
    key = await makeKey();
  });
  afterAll(async () => {
    await module.stop();
    await core.stop();
  });
  beforeEach(async () => {
    token = await core.accessToken(module.url, { cnf: { jkt: key.jkt } });
  });

  const now = () => Math.floor(Date.now() / 1000);
  /** A good proof for `GET /api/read` with the token, but for what is laid over it. */
  const proof = (claims: object = {}, header: object = {}, signer: Key = key) =>
    new SignJWT({
      jti: randomUUID(),
      htm: 'GET',
      htu: `${module.url}/api/read`,
      iat: now(),
      ath: athOf(token),
      ...claims,
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: signer.alg, jwk: signer.jwk, ...header })
      .sign(signer.privateKey);
  const call = (dpop: string | undefined, { path = '/api/read', scheme = 'DPoP', at = module } = {}) =>
    fetch(at.url + path, {
      headers: { authorization: `${scheme} ${token}`, ...(dpop === undefined ? {} : { dpop }) },
    });
  const refused = async (dpop: string | undefined) => {
    const response = await call(dpop);
    expect(response.status).toBe(401);
    const challenge = response.headers.get('www-authenticate') ?? '';
    expect(challenge).toMatch(/^DPoP error="invalid_dpop_proof", .*algs="PS256 ES256 EdDSA"/);
    expect(await response.json()).toMatchObject({ code: 'invalid_dpop_proof' });
  };

  it.each(['ES256', 'PS256', 'EdDSA'])(
    '§7.1: lets it in with a proof by its key, signed by %s',
    async (alg) => {
      const other = await makeKey(alg);
      token = await core.accessToken(module.url, { cnf: { jkt: other.jkt } });
      expect((await call(await proof({}, {}, other))).status).toBe(200);
    },
  );

  it('§4.3 (9): the address is compared without query and fragment, normalized', async () => {
    const spelled = `${module.url.replace('http', 'HTTP')}/api/%72ead?x=1#y`;
    expect((await call(await proof({ htu: spelled }), { path: '/api/read?a=b' })).status).toBe(200);
  });

  it('§7.2: refuses it as a bearer token, with or without a proof, and says how it is to come', async () => {
    for (const dpop of [undefined, await proof()]) {
      const response = await call(dpop, { scheme: 'Bearer' });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token"/);
    }
  });

  it('§7.1: refuses a token that is bound to no key under the DPoP scheme', async () => {
    token = await core.accessToken(module.url);
    const response = await call(await proof());
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/);
    expect((await call(undefined, { scheme: 'Bearer' })).status).toBe(200);
  });

  it('RFC 7800 §3.1: refuses a token that is bound in a way that it does not know', async () => {
    token = await core.accessToken(module.url, { cnf: { 'x5t#S256': 'x' } });
    expect((await call(undefined, { scheme: 'Bearer' })).status).toBe(401);
  });

  it('§4.3 (1), (2): refuses none, two, and what is no JWT', async () => {
    await refused(undefined);
    await refused(`${await proof()}, ${await proof()}`);
    await refused('a.b');
    await refused(`${'x'.repeat(9000)}.x.x`);
  });

  it('§4.3 (3): refuses a proof that lacks a claim', async () => {
    for (const name of ['jti', 'htm', 'htu', 'iat', 'ath']) await refused(await proof({ [name]: undefined }));
  });

  it.each<[string, object, object]>([
    ['(4): of another type', {}, { typ: 'JWT' }],
    ['(8): for another method', { htm: 'POST' }, {}],
    ['(8): for the method in another case', { htm: 'get' }, {}],
    ['(9): for another path', { htu: 'PATH' }, {}],
    ['(9): for another origin', { htu: 'http://elsewhere.example/api/read' }, {}],
    ['(9): for no address', { htu: 'x' }, {}],
    ['(11): too old', { iat: now() - 301 }, {}],
    ['(11): from the future', { iat: now() + 60 }, {}],
    ['(12): for another access token', { ath: athOf('another') }, {}],
    ['§4.2: with a jti that is empty', { jti: '' }, {}],
    ['§4.2: with a jti beyond measure', { jti: 'x'.repeat(300) }, {}],
  ])('§4.3 %s: refuses a proof', async (_, claims, header) => {
    const { htu } = claims as { htu?: string };
    await refused(await proof(htu === 'PATH' ? { htu: `${module.url}/api/admin` } : claims, header));
  });

  it('§4.3 (12): refuses a proof by another key', async () => {
    await refused(await proof({}, {}, await makeKey()));
  });

  it('§4.3 (5), (6), (7): refuses a shared secret, a wrong signature and a private key', async () => {
    const secret = await new SignJWT({
      jti: 'x',
      htm: 'GET',
      htu: `${module.url}/api/read`,
      iat: now(),
      ath: athOf(token),
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } as JWK })
      .sign(new Uint8Array(32));
    await refused(secret);
    const other = await makeKey();
    await refused(await proof({}, { jwk: key.jwk }, other));
    await refused(await proof({}, { jwk: await exportJWK(key.privateKey) }));
    await refused(await proof({}, { jwk: undefined }));
    await refused(await proof({}, { jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }));
    await refused(await proof({}, { jwk: { kty: 'RSA', n: 'x'.repeat(700), e: 'AQAB' } }));
  });

  it('§11.1: takes each proof once, for as long as it is good', async () => {
    const dpop = await proof();
    expect((await call(dpop)).status).toBe(200);
    await refused(dpop);
    module.clock.aheadMs += 200_000;
    await refused(dpop);
    module.clock.aheadMs -= 200_000;
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => call(index ? dpop : undefined)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 401));
  });

  it('§11.1: of one proof sent eight times at once, one is let in', async () => {
    const dpop = await proof();
    const answers = await Promise.all(Array.from({ length: 8 }, () => call(dpop)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('§11.1: a store that processes share refuses at one what was used at another', async () => {
    const used = new Set<string>();
    const dpopReplayStore = {
      use: async (id: string, lifetimeMs: number) => lifetimeMs >= 300_000 && used.size < used.add(id).size,
    };
    // one public address, two processes behind it
    const moduleUrl = 'https://projects.example';
    const processes = [
      await startModule(core, { moduleUrl, dpopReplayStore }),
      await startModule(core, { moduleUrl, dpopReplayStore }),
    ];
    token = await core.accessToken(moduleUrl, { cnf: { jkt: key.jkt } });
    const dpop = await proof({ htu: `${moduleUrl}/api/read` });
    const statuses: number[] = [];
    for (const at of processes) statuses.push((await call(dpop, { at })).status);
    expect(statuses).toEqual([200, 401]);
    for (const each of processes) await each.stop();
  });

  it('RFC 6750 §3.1: a scope that is missing is named under the scheme that was used', async () => {
    const response = await call(await proof({ htu: `${module.url}/api/admin` }), { path: '/api/admin' });
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toMatch(
      /^DPoP error="insufficient_scope".*scope="projects:admin"/,
    );
  });
});
