import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { exportJWK, generateSecret, SignJWT } from 'jose';
import { ExpiryRepository } from '#oauth';
import { Database, numericDate, sql } from '#platform';
import { parametersOf } from '../support/answers.js';
import { DpopKey, type ProofOptions } from '../support/dpop-key.js';
import { answerOf, basic, claimsOf, World, type Answer, type TestClient } from '../support/world.js';

type Change = Partial<ProofOptions>;
type Header = Readonly<Record<string, string>>;

const ALGORITHMS = ['ES256', 'PS256', 'EdDSA'];
const NONCE = /^[\w-]+\.\d+\.[\w-]+$/;

let world: World;
let other: World;
let machine: TestClient;
let open: TestClient;
let key: DpopKey;

beforeAll(async () => {
  world = await World.start();
  other = await World.start({ beside: world });
  machine = await world.createClient({ id: 'machine', grantTypes: ['client_credentials'] });
  open = await world.createClient({ id: 'open', secretSha256: null });
  key = await DpopKey.create();
});
afterAll(async () => {
  await other.stop();
  await world.stop();
});

const post = async (
  path: string,
  client: TestClient,
  fields: Header,
  headers: Header = {},
  node = world,
): Promise<Answer> =>
  answerOf(
    await fetch(node.url + path, {
      method: 'POST',
      body: new URLSearchParams(
        client.secret === undefined ? { ...fields, client_id: client.id } : { ...fields },
      ),
      headers: client.secret === undefined ? headers : { ...headers, authorization: basic(client) },
    }),
  );

/** The issuer is one address, whichever node answers. */
const proofFor = (path: string, change: Change = {}, by = key) =>
  by.proof({ method: 'POST', url: world.url + path, now: world.clock.now(), ...change });

const MACHINE_REQUEST = { grant_type: 'client_credentials', scope: 'projects:read' };
const tokenWith = (dpop: string, node = world) =>
  post('/oauth2/token', machine, MACHINE_REQUEST, { dpop }, node);
const tokenProof = (change: Change = {}, by = key) => proofFor('/oauth2/token', change, by);

/** A nonce that the server gave. */
const nonceOf = async (node = world): Promise<string> => {
  const { headers } = await tokenWith(await tokenProof(), node);
  return headers.get('dpop-nonce') ?? '';
};

const userinfo = async (scheme: string, token: string, dpop?: string, init: RequestInit = {}) =>
  answerOf(
    await fetch(`${world.url}/oauth2/userinfo`, {
      ...init,
      headers: { authorization: `${scheme} ${token}`, ...(dpop === undefined ? {} : { dpop }) },
    }),
  );
const userinfoProof = (accessToken: string, change: Change = {}, by = key) =>
  proofFor('/oauth2/userinfo', { method: 'GET', accessToken, ...change }, by);

/** Exchanges a code of somebody who has signed in, with a proof. */
const boundTokens = async (client = open, by = key): Promise<Answer> => {
  const { code, verifier } = await world.code(client, await world.signIn('member@acme.example'));
  const fields = {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: client.redirectUri,
  };
  return post('/oauth2/token', client, fields, { dpop: await tokenProof({ nonce: await nonceOf() }, by) });
};

describe('DPoP proofs at the token endpoint (RFC 9449 §4.3, §5)', () => {
  const refused = async (dpop: string, error = 'invalid_dpop_proof') => {
    const answer = await tokenWith(dpop);
    expect(answer).toMatchObject({ status: 400, body: { error } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    return answer;
  };

  it.each(ALGORITHMS)(
    '§5: a proof by %s gives a token of the type DPoP, bound to the key (§6.1)',
    async (alg) => {
      const own = await DpopKey.create(alg);
      const { status, body } = await tokenWith(await tokenProof({ nonce: await nonceOf() }, own));
      expect([status, body['token_type']]).toEqual([200, 'DPoP']);
      expect(claimsOf(String(body['access_token']))['cnf']).toEqual({ jkt: own.thumbprint });
    },
  );

  it('§5: without a proof the token is a bearer token, bound to nothing', async () => {
    const { body } = await post('/oauth2/token', machine, MACHINE_REQUEST);
    expect(body['token_type']).toBe('Bearer');
    expect(claimsOf(String(body['access_token']))).not.toHaveProperty('cnf');
  });

  it('§8: a proof without a nonce is use_dpop_nonce, and the answer brings one', async () => {
    const answer = await refused(await tokenProof(), 'use_dpop_nonce');
    expect(answer.headers.get('dpop-nonce')).toMatch(NONCE);
  });

  it.each(['', 'x', `x.1.${'A'.repeat(43)}`, 'a.b.c.d'])(
    '§8: a nonce that this server never gave is use_dpop_nonce (%j)',
    async (nonce) => {
      await refused(await tokenProof({ nonce }), 'use_dpop_nonce');
    },
  );

  it('§8: a nonce is good for minutes, on every node, and no longer', async () => {
    const nonce = await nonceOf();
    world.clock.advance(230_000);
    expect((await tokenWith(await tokenProof({ nonce }), other)).status).toBe(200);
    world.clock.advance(71_000);
    await refused(await tokenProof({ nonce }), 'use_dpop_nonce');
  });

  it('§8.2: a good answer brings the next nonce, and so does a refusal', async () => {
    const good = await tokenWith(await tokenProof({ nonce: await nonceOf() }));
    const next = good.headers.get('dpop-nonce') ?? '';
    expect([good.status, next]).toEqual([200, expect.stringMatching(NONCE)]);
    expect((await tokenWith(await tokenProof({ nonce: next }))).status).toBe(200);
    const bad = await refused(await tokenProof({ nonce: next, claims: { htm: 'GET' } }));
    expect(bad.headers.get('dpop-nonce')).toMatch(NONCE);
  });

  it('§4.3 (1): more than one DPoP header is refused', async () => {
    const nonce = await nonceOf();
    const [first, second] = [await tokenProof({ nonce }), await tokenProof({ nonce })];
    await refused(`${first}, ${second}`);
    await refused(`${first},`);
  });

  it.each([
    '',
    ' ',
    'x',
    'a.b',
    'a.b.c',
    'a.b.c.d.e',
    'Bearer x',
    '{}',
    'eyJ9.eyJ9.eyJ9',
    `${'a'.repeat(9000)}.a.a`,
  ])('§4.3 (2): a header that is no JWT is refused (%#)', async (dpop) => {
    await refused(dpop);
  });

  it.each(['jti', 'htm', 'htu', 'iat'])('§4.3 (3): a proof without %s is refused', async (claim) => {
    await refused(await tokenProof({ nonce: await nonceOf(), claims: { [claim]: undefined } }));
  });

  it.each([undefined, 'JWT', 'at+jwt', 'dpop'])('§4.3 (4): the typ must be dpop+jwt, not %s', async (typ) => {
    await refused(await tokenProof({ nonce: await nonceOf(), header: { typ } }));
  });

  it('§4.3 (5): an algorithm that is symmetric, none, or not offered is refused', async () => {
    const nonce = await nonceOf();
    const secret = await generateSecret('HS256', { extractable: true });
    const claims = { jti: randomUUID(), htm: 'POST', htu: `${world.url}/oauth2/token`, nonce };
    const jwk = await exportJWK(secret);
    const iat = numericDate(world.clock.now());
    await refused(
      await new SignJWT({ ...claims, iat })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk })
        .sign(secret),
    );
    for (const algorithm of ['RS256', 'ES384', 'PS512']) {
      await refused(await tokenProof({ nonce }, await DpopKey.create(algorithm)));
    }
    const [, payload, signature] = (await tokenProof({ nonce })).split('.');
    const header = { typ: 'dpop+jwt', alg: 'none', jwk: key.jwk };
    const none = Buffer.from(JSON.stringify(header)).toString('base64url');
    await refused([none, payload, ''].join('.'));
    await refused([none, payload, signature].join('.'));
  });

  it('§4.3 (6): a proof that another key has signed is refused', async () => {
    const foreign = await DpopKey.create();
    await refused(await tokenProof({ nonce: await nonceOf(), header: { jwk: foreign.jwk } }));
  });

  it.each(ALGORITHMS)('§4.3 (7): a jwk with a private key is refused (%s)', async (algorithm) => {
    const own = await DpopKey.create(algorithm);
    const jwk = await exportJWK(own.privateKey);
    await refused(await tokenProof({ nonce: await nonceOf(), header: { jwk } }, own));
  });

  it.each([undefined, null, 'x', [], {}, { kty: 'EC' }, { kty: 'oct', k: 'AAAA' }, { kty: '__proto__' }])(
    '§4.2: a jwk that is no public key is refused (%j)',
    async (jwk) => {
      await refused(await tokenProof({ nonce: await nonceOf(), header: { jwk } }));
    },
  );

  it('a jwk that would cost too much to verify with is refused', async () => {
    const large = { kty: 'RSA', n: randomBytes(1024).toString('base64url'), e: 'AQAB' };
    const answer = await refused(await tokenProof({ nonce: await nonceOf(), header: { jwk: large } }));
    expect(answer.body['error_description']).toContain('too large');
  });

  it.each(['GET', 'post', '', 1, ['POST']])('§4.3 (8): htm must be the method: not %j', async (htm) => {
    await refused(await tokenProof({ nonce: await nonceOf(), claims: { htm } }));
  });

  it('§4.3 (9): htu must be the address of this endpoint', async () => {
    const nonce = await nonceOf();
    for (const htu of [
      `${world.url}/oauth2/par`,
      `${world.url}/oauth2/token/`,
      `${world.url.replace('http:', 'https:')}/oauth2/token`,
      'https://evil.example/oauth2/token',
      '/oauth2/token',
      1,
    ]) {
      await refused(await tokenProof({ nonce, claims: { htu } }));
    }
  });

  it('§4.3 (9): htu is compared without query and fragment, and normalized', async () => {
    const nonce = await nonceOf();
    for (const htu of [
      `${world.url}/oauth2/token?a=b#c`,
      `${world.url.replace('localhost', 'LOCALHOST')}/oauth2/./%74oken`,
    ]) {
      expect((await tokenWith(await tokenProof({ nonce, claims: { htu } }))).status).toBe(200);
    }
  });

  it('§4.3 (9): an address that a proxy names does not make another htu right', async () => {
    const dpop = await tokenProof({
      nonce: await nonceOf(),
      claims: { htu: 'https://evil.example/oauth2/token' },
    });
    const forged = { dpop, 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    expect((await post('/oauth2/token', machine, MACHINE_REQUEST, forged)).status).toBe(400);
  });

  it('§4.3 (11): iat may be five minutes ago and a minute ahead, no more', async () => {
    const nonce = await nonceOf();
    const at = (seconds: number) =>
      tokenProof({ nonce, claims: { iat: numericDate(world.clock.now()) + seconds } });
    for (const seconds of [-300, -10, 10, 60]) expect((await tokenWith(await at(seconds))).status).toBe(200);
    for (const seconds of [-301, -86_400, 61, 86_400]) await refused(await at(seconds));
    await refused(await tokenProof({ nonce, claims: { iat: 'now' } }));
  });

  it.each(['', 1, null, 'a'.repeat(257)])(
    '§4.2: a jti that is empty, too long or no text is refused',
    async (jti) => {
      await refused(await tokenProof({ nonce: await nonceOf(), claims: { jti } }));
    },
  );

  it('§11.1: a proof counts once, on whichever node, and so does its jti', async () => {
    const dpop = await tokenProof({ nonce: await nonceOf() });
    expect((await tokenWith(dpop)).status).toBe(200);
    await refused(dpop);
    expect(await tokenWith(dpop, other)).toMatchObject({
      status: 400,
      body: { error: 'invalid_dpop_proof' },
    });
    // the same jti in a proof that is signed anew
    const again = await tokenProof({ nonce: await nonceOf(), claims: { jti: claimsOf(dpop)['jti'] } });
    await refused(again);
  });

  it('§11.1: the jti of one key is not that of another', async () => {
    const jti = randomUUID();
    const nonce = await nonceOf();
    const foreign = await DpopKey.create();
    expect((await tokenWith(await tokenProof({ nonce, claims: { jti } }))).status).toBe(200);
    expect((await tokenWith(await tokenProof({ nonce, claims: { jti } }, foreign))).status).toBe(200);
  });

  it('§11.1: of 30 uses of one proof at once, on two nodes, one wins; 20 times', async () => {
    for (let round = 0; round < 20; round += 1) {
      const dpop = await tokenProof({ nonce: await nonceOf() });
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, index) => tokenWith(dpop, index % 2 === 0 ? world : other)),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([200, ...Array<number>(29).fill(400)]);
    }
  }, 60_000);

  it('§8, §11.1: a refused proof is not spent', async () => {
    const jti = randomUUID();
    await refused(await tokenProof({ claims: { jti } }), 'use_dpop_nonce');
    const nonce = await nonceOf();
    await refused(await tokenProof({ nonce, claims: { jti, htm: 'GET' } }));
    expect((await tokenWith(await tokenProof({ nonce, claims: { jti } }))).status).toBe(200);
  });

  it('what was used is forgotten once no node would take it any more', async () => {
    await tokenWith(await tokenProof({ nonce: await nonceOf() }));
    const expiry = world.app.get(ExpiryRepository);
    const database = world.app.get(Database);
    const remembered = async () => (await database.query(sql`SELECT FROM used_jtis`)).length;
    await expiry.prune(1000);
    expect(await remembered()).toBeGreaterThan(0);
    await database.query(sql`
      INSERT INTO used_jtis (context, jti_sha256, expires_at)
      SELECT 'dpop', sha256(n::text::bytea), ${world.clock.now()}::timestamptz FROM generate_series(1, 2500) AS n`);
    world.clock.advance(901_000);
    // however many there are by then
    await expiry.prune(1000);
    expect(await remembered()).toBe(0);
  });

  it('whatever the header is, the answer is never a 500', async () => {
    const text = fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    });
    const headers = fc.oneof(
      text,
      fc.array(text, { maxLength: 6 }).map((parts) => parts.join('.')),
    );
    await fc.assert(
      fc.asyncProperty(headers, async (dpop) => {
        expect((await tokenWith(dpop)).status).toBe(400);
      }),
      { numRuns: 200 },
    );
    const good = await tokenProof({ nonce: await nonceOf() });
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length), text, async (place, inserted) => {
        fc.pre(inserted.trim() !== '');
        const changed = good.slice(0, place) + inserted + good.slice(place);
        expect((await tokenWith(changed.trim() === good ? 'x' : changed)).status).toBe(400);
      }),
      { numRuns: 200 },
    );
  });
});

describe('DPoP-bound tokens at protected resources (RFC 9449 §7)', () => {
  let token: string;

  beforeAll(async () => {
    const { status, body } = await boundTokens();
    expect([status, body['token_type']]).toEqual([200, 'DPoP']);
    token = String(body['access_token']);
  });

  const refused = async (answer: Answer, error: string) => {
    expect(answer).toMatchObject({ status: 401, body: { error } });
    const challenge = answer.headers.get('www-authenticate') ?? '';
    expect(challenge).toMatch(
      new RegExp(`^DPoP error="${error}", error_description="[^"\\\\]+", algs="ES256 PS256 EdDSA"$`),
    );
  };

  it('§7.1: the token, a proof with its hash, and the same key open the resource', async () => {
    const nonce = await nonceOf();
    for (const scheme of ['DPoP', 'dpop']) {
      const answer = await userinfo(scheme, token, await userinfoProof(token, { nonce }));
      expect([answer.status, answer.body['sub']]).toEqual([200, world.id('member@acme.example')]);
      expect(answer.headers.get('dpop-nonce')).toMatch(NONCE);
    }
    const posted = await userinfoProof(token, { nonce, method: 'POST' });
    expect((await userinfo('DPoP', token, posted, { method: 'POST' })).status).toBe(200);
  });

  it('§9: a proof without a nonce is 401 use_dpop_nonce, and the answer brings one', async () => {
    const answer = await userinfo('DPoP', token, await userinfoProof(token));
    await refused(answer, 'use_dpop_nonce');
    const nonce = answer.headers.get('dpop-nonce') ?? '';
    expect((await userinfo('DPoP', token, await userinfoProof(token, { nonce }))).status).toBe(200);
  });

  it('§7.1: without a proof the token is refused', async () => {
    await refused(await userinfo('DPoP', token), 'invalid_dpop_proof');
  });

  it('§7.2: a bound token as a bearer token is refused, with a proof or without', async () => {
    await refused(await userinfo('Bearer', token), 'invalid_token');
    const proof = await userinfoProof(token, { nonce: await nonceOf() });
    await refused(await userinfo('Bearer', token, proof), 'invalid_token');
  });

  it('§7.1: a token that is not bound is refused under the scheme DPoP', async () => {
    const { tokens } = await world.signedInClient();
    const proof = await userinfoProof(tokens.access_token, { nonce: await nonceOf() });
    await refused(await userinfo('DPoP', tokens.access_token, proof), 'invalid_token');
    await refused(await userinfo('DPoP', tokens.access_token), 'invalid_token');
    expect((await userinfo('Bearer', tokens.access_token)).status).toBe(200);
  });

  it('§7.1: the proof of another key is refused', async () => {
    const thief = await DpopKey.create();
    const proof = await userinfoProof(token, { nonce: await nonceOf() }, thief);
    await refused(await userinfo('DPoP', token, proof), 'invalid_token');
  });

  it('§4.3 (12): ath must be the hash of this token', async () => {
    const nonce = await nonceOf();
    for (const ath of [undefined, '', 'x', 1, (await userinfoProof('another')).split('.')[2]]) {
      const proof = await userinfoProof(token, { nonce, claims: { ath } });
      await refused(await userinfo('DPoP', token, proof), 'invalid_dpop_proof');
    }
  });

  it('§4.3 (8), (9): a proof for another method or address is refused', async () => {
    const nonce = await nonceOf();
    for (const change of [{ method: 'POST' }, { url: `${world.url}/oauth2/token` }]) {
      const proof = await userinfoProof(token, { nonce, ...change });
      await refused(await userinfo('DPoP', token, proof), 'invalid_dpop_proof');
    }
  });

  it('§11.1: a proof is not taken twice', async () => {
    const proof = await userinfoProof(token, { nonce: await nonceOf() });
    expect((await userinfo('DPoP', token, proof)).status).toBe(200);
    await refused(await userinfo('DPoP', token, proof), 'invalid_dpop_proof');
  });

  it('§7.1: what is no token of ours is challenged by DPoP too; a malformed header is invalid_request', async () => {
    await refused(await userinfo('DPoP', 'nothing', 'x'), 'invalid_token');
    for (const header of ['DPoP', 'DPoP ', 'DPoP a b', 'DPoP !']) {
      const response = await fetch(`${world.url}/oauth2/userinfo`, { headers: { authorization: header } });
      expect(response.status).toBe(400);
      expect(response.headers.get('www-authenticate')).toBe('DPoP error="invalid_request"');
    }
  });

  it('§6.2: introspection tells the type and the key of a bound token', async () => {
    const { body } = await world.introspect(world.client('projects'), token);
    expect(body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.thumbprint } });
  });
});

describe('DPoP-bound refresh tokens and codes (RFC 9449 §5, §10)', () => {
  const refresh = async (client: TestClient, refreshToken: unknown, by?: DpopKey) =>
    post(
      '/oauth2/token',
      client,
      { grant_type: 'refresh_token', refresh_token: String(refreshToken) },
      by === undefined ? {} : { dpop: await tokenProof({ nonce: await nonceOf() }, by) },
    );

  const exchange = async (by: DpopKey | undefined, asked: { code: string; verifier: string }) =>
    post(
      '/oauth2/token',
      open,
      {
        grant_type: 'authorization_code',
        code: asked.code,
        code_verifier: asked.verifier,
        redirect_uri: open.redirectUri,
      },
      by === undefined ? {} : { dpop: await tokenProof({ nonce: await nonceOf() }, by) },
    );

  it("§5: a public client's refresh token works with its key alone", async () => {
    const { body } = await boundTokens();
    const thief = await DpopKey.create();
    for (const attempt of [
      await refresh(open, body['refresh_token'], thief),
      await refresh(open, body['refresh_token']),
    ]) {
      expect(attempt.status).toBe(400);
    }
    const good = await refresh(open, body['refresh_token'], key);
    expect([good.status, good.body['token_type']]).toEqual([200, 'DPoP']);
    expect(claimsOf(String(good.body['access_token']))['cnf']).toEqual({ jkt: key.thumbprint });
  });

  it('§10: a code that was asked for with dpop_jkt is exchanged with that key alone', async () => {
    const browser = await world.signIn('member@acme.example');
    const asked = await world.code(open, browser, { dpop_jkt: key.thumbprint });
    expect(await exchange(await DpopKey.create(), asked)).toMatchObject({ status: 400 });
    expect(await exchange(undefined, asked)).toMatchObject({ status: 400 });
    expect((await exchange(key, asked)).status).toBe(200);
  });

  it('§10.1: a request that was pushed with a proof gives a code for that key alone, whatever key dpop_jkt names', async () => {
    const browser = await world.signIn('member@acme.example');
    const thief = await DpopKey.create();
    const push = async (extra: Header) => {
      const { parameters, verifier } = world.authorizationRequest(open, extra);
      const dpop = await proofFor('/oauth2/par', { nonce: await nonceOf() });
      return { verifier, answer: await post('/oauth2/par', open, parameters, { dpop }) };
    };
    expect((await push({ dpop_jkt: thief.thumbprint })).answer).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    const { verifier, answer } = await push({});
    const request = { client_id: open.id, request_uri: String(answer.body['request_uri']) };
    const answered = await browser.get(`/oauth2/authorize?${new URLSearchParams(request)}`);
    const asked = { code: parametersOf(answered)['code'] ?? '', verifier };
    for (const by of [thief, undefined])
      expect(await exchange(by, asked)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await exchange(key, asked)).status).toBe(200);
  });

  it('§5: a public client’s refresh token is bound from the first refresh with a proof', async () => {
    const browser = await world.signIn('member@acme.example');
    const first = await world.exchange(open, await world.code(open, browser));
    const refresh = async (token: unknown, by?: DpopKey) => {
      const fields = { grant_type: 'refresh_token', refresh_token: String(token) };
      const headers = by && { dpop: await tokenProof({ nonce: await nonceOf() }, by) };
      return post('/oauth2/token', open, fields, headers);
    };
    const bound = await refresh(first.body['refresh_token'], key);
    expect([bound.status, bound.body['token_type']]).toEqual([200, 'DPoP']);
    const token = bound.body['refresh_token'];
    for (const by of [undefined, await DpopKey.create()])
      expect(await refresh(token, by)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await refresh(token, key)).status).toBe(200);
  });

  it('a client that is held to DPoP gets nothing without a proof', async () => {
    const held = await world.createClient({ id: 'held', dpopRequired: true });
    expect(await post('/oauth2/token', held, MACHINE_REQUEST)).toMatchObject({
      status: 400,
      body: { error: 'invalid_dpop_proof' },
    });
    const dpop = await tokenProof({ nonce: await nonceOf() });
    expect((await post('/oauth2/token', held, MACHINE_REQUEST, { dpop })).status).toBe(200);
  });

  it('§5.1: the algorithms are advertised', async () => {
    const response = await fetch(`${world.url}/.well-known/oauth-authorization-server`);
    expect(await response.json()).toMatchObject({ dpop_signing_alg_values_supported: ALGORITHMS });
  });
});
