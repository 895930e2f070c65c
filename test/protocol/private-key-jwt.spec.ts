import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK } from 'jose';
import type { NewClient } from '#oauth';
import { numericDate, randomSecret, sha256 } from '#platform';
import { DpopKey } from '../support/dpop-key.js';
import { JwksPublisher } from '../support/jwks-publisher.js';
import { answerOf, basic, World, type Answer } from '../support/world.js';

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const FAPI_ALGORITHMS = ['ES256', 'PS256', 'EdDSA'];

type Members = Readonly<Record<string, unknown>>;

interface Signer {
  readonly algorithm: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function signer(algorithm = 'ES256', kid: string = randomUUID()): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { algorithm, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid } };
}

let world: World;
let other: World;
let key: Signer;
/** A client of the FAPI profile, and one that is held to nothing. */
let fapi: string;
let plain: string;

beforeAll(async () => {
  world = await World.start();
  other = await World.start({ beside: world });
  key = await signer();
  fapi = await register('fapi', { profile: 'fapi2', jwks: { keys: [key.jwk] } });
  plain = await register('plain', { jwks: { keys: [key.jwk] } });
});
afterAll(async () => {
  await other.stop();
  await world.stop();
});

async function register(id: string, keys: Partial<NewClient>): Promise<string> {
  await world.clients.save(
    {
      id,
      name: id,
      grantTypes: [
        'client_credentials',
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
      scopes: ['projects:read'],
      redirectUris: [`https://${id}.example/callback`],
      tokenEndpointAuthMethod: 'private_key_jwt',
      ...keys,
    },
    'test',
  );
  return id;
}

const now = () => numericDate(world.clock.now());

const claimsFor = (client: string, claims: Members = {}): Members => ({
  iss: client,
  sub: client,
  aud: world.url,
  jti: randomUUID(),
  iat: now(),
  exp: now() + 60,
  ...claims,
});

const assertionOf = (client: string, claims: Members = {}, header: Members = {}, by = key): Promise<string> =>
  new SignJWT({ ...claimsFor(client, claims) })
    .setProtectedHeader({ alg: by.algorithm, kid: by.kid, ...header })
    .sign(by.privateKey);

const send = async (
  path: string,
  fields: Readonly<Record<string, string>> | string,
  { authorization, node = world }: { authorization?: string; node?: World } = {},
): Promise<Answer> =>
  answerOf(
    await fetch(node.url + path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: authorization === undefined ? {} : { authorization },
    }),
  );

const REQUEST = { grant_type: 'client_credentials', scope: 'projects:read', token: 'x' };
const withAssertion = (assertion: string, extra: Readonly<Record<string, string>> = {}) => ({
  ...REQUEST,
  client_assertion_type: TYPE,
  client_assertion: assertion,
  ...extra,
});

/** Authenticates at the revocation endpoint, which asks for nothing more. */
const authenticate = (assertion: string, node = world) =>
  send('/oauth2/revoke', withAssertion(assertion), { node });
const taken = async (assertion: string) => expect((await authenticate(assertion)).status).toBe(200);
const refused = async (assertion: string) => {
  const answer = await authenticate(assertion);
  expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  expect(answer.headers.get('cache-control')).toBe('no-store');
};

describe('private_key_jwt (RFC 7523 §3, OpenID Connect Core §9, FAPI 2.0 §5.3.2.1)', () => {
  it.each(FAPI_ALGORITHMS)('FAPI 2.0 §5.4.1: %s is taken from every client', async (algorithm) => {
    const own = await signer(algorithm);
    for (const profile of ['fapi2', 'oauth21'] as const) {
      const id = await register(`${profile}-${algorithm}`, { profile, jwks: { keys: [own.jwk] } });
      await taken(await assertionOf(id, {}, {}, own));
    }
  });

  it('FAPI 2.0 §5.4.1: RS256 is for clients outside of the profile alone', async () => {
    const own = await signer('RS256');
    const jwks = { keys: [own.jwk] };
    await taken(await assertionOf(await register('rs256', { jwks }), {}, {}, own));
    await refused(await assertionOf(await register('fapi-rs256', { profile: 'fapi2', jwks }), {}, {}, own));
  });

  it('a client gets a token by it', async () => {
    const answer = await send('/oauth2/token', withAssertion(await assertionOf(plain)));
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', scope: 'projects:read' } });
  });

  it.each([
    '/oauth2/token',
    '/oauth2/introspect',
    '/oauth2/revoke',
    '/oauth2/par',
    '/oauth2/device_authorization',
  ])('it is taken at %s, and refused there as anywhere', async (path) => {
    const request = {
      response_type: 'code',
      redirect_uri: 'https://plain.example/callback',
      code_challenge: 'A'.repeat(43),
      code_challenge_method: 'S256',
    };
    const assertion = await assertionOf(plain);
    expect([200, 201]).toContain((await send(path, withAssertion(assertion, request))).status);
    const bad = await send(
      path,
      withAssertion(await assertionOf(plain, { aud: 'https://x.example' }), request),
    );
    expect(bad).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it.each(['iss', 'sub', 'aud', 'exp', 'jti'])(
    'RFC 7523 §3, Core §9: without %s it is refused',
    async (claim) => {
      await refused(await assertionOf(plain, { [claim]: undefined }));
    },
  );

  it('RFC 7523 §3 (1), (2): issuer and subject must both be the client', async () => {
    await refused(await assertionOf(plain, { iss: 'fapi' }));
    await refused(await assertionOf(plain, { iss: world.url }));
    await refused(await assertionOf(plain, { sub: 'projects' }));
    await refused(await assertionOf('nobody'));
  });

  it('RFC 7523 §3 (3): the audience may be the issuer, the token endpoint, or the endpoint that is called', async () => {
    for (const aud of [
      world.url,
      [world.url],
      ['https://else.example', world.url],
      `${world.url}/oauth2/token`,
      [`${world.url}/oauth2/revoke`],
    ]) {
      await taken(await assertionOf(plain, { aud }));
    }
    for (const aud of [
      'https://else.example',
      `${world.url}/`,
      `${world.url}/oauth2/introspect`,
      plain,
      [],
      '',
      [[world.url]],
      1,
    ]) {
      await refused(await assertionOf(plain, { aud }));
    }
  });

  it('FAPI 2.0 §5.3.2.1: under the profile the audience is the issuer as a string, nothing else', async () => {
    await taken(await assertionOf(fapi));
    for (const aud of [
      [world.url],
      `${world.url}/oauth2/token`,
      `${world.url}/oauth2/revoke`,
      ['https://else.example', world.url],
    ]) {
      await refused(await assertionOf(fapi, { aud }));
    }
  });

  it('RFC 7523 §3 (4): one that has expired is refused, and one that lives longer than ten minutes', async () => {
    await taken(await assertionOf(plain, { exp: now() + 1 }));
    await taken(await assertionOf(plain, { exp: now() + 600 }));
    for (const exp of [now(), now() - 1, now() - 3600, now() + 601, now() + 86_400, 'never', null, 1e300]) {
      await refused(await assertionOf(plain, { exp }));
    }
  });

  it.each(['iat', 'nbf'])(
    'FAPI 2.0 §5.3.2.1: %s may be 10 seconds in the future, and no more than 60',
    async (claim) => {
      for (const seconds of [-300, 10, 60]) {
        await taken(await assertionOf(plain, { [claim]: now() + seconds, exp: now() + 120 }));
      }
      for (const seconds of [61, 600]) {
        await refused(await assertionOf(plain, { [claim]: now() + seconds, exp: now() + 120 }));
      }
      await refused(await assertionOf(plain, { [claim]: 'soon' }));
      await taken(await assertionOf(plain, { [claim]: undefined }));
    },
  );

  it.each(['', 'a'.repeat(257), 1, null])(
    'Core §9: a jti that cannot be remembered is refused',
    async (jti) => {
      await refused(await assertionOf(plain, { jti }));
    },
  );

  it('Core §9: an assertion counts once, at whichever endpoint of whichever node', async () => {
    const assertion = await assertionOf(plain);
    await taken(assertion);
    await refused(assertion);
    expect((await authenticate(assertion, other)).status).toBe(401);
    expect((await send('/oauth2/token', withAssertion(assertion))).status).toBe(401);
    const { jti } = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()) as Members;
    await refused(await assertionOf(plain, { jti }));
    // what is unique is so for one client
    await taken(await assertionOf(fapi, { jti }));
  });

  it('of 30 uses of one assertion at once, on two nodes, one wins; 20 times', async () => {
    for (let round = 0; round < 20; round += 1) {
      const assertion = await assertionOf(plain);
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, index) => authenticate(assertion, index % 2 === 0 ? world : other)),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(29).fill(401)]);
    }
  }, 60_000);

  it('an assertion that was refused is not spent', async () => {
    const jti = randomUUID();
    await refused(await assertionOf(plain, { jti, aud: 'https://else.example' }));
    await taken(await assertionOf(plain, { jti }));
  });

  it.each(['/oauth2/token', '/oauth2/par'])(
    'RFC 9449 §8: a proof without a nonce is refused at %s before the assertion is spent, which is then good for the next try',
    async (path) => {
      const proofKey = await DpopKey.create();
      const { parameters } = world.authorizationRequest(
        { id: plain, secret: undefined, redirectUri: `https://${plain}.example/callback` },
        { scope: 'projects:read' },
      );
      const fields = {
        ...(path === '/oauth2/par' ? parameters : REQUEST),
        client_assertion_type: TYPE,
        client_assertion: await assertionOf(plain),
      };
      const proved = async (nonce?: string) => {
        const dpop = await proofKey.proof({
          ...{ method: 'POST', url: world.url + path, now: world.clock.now(), nonce },
        });
        const body = new URLSearchParams(fields);
        return answerOf(await fetch(world.url + path, { method: 'POST', body, headers: { dpop } }));
      };
      const challenge = await proved();
      expect(challenge).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } });
      const nonce = challenge.headers.get('dpop-nonce') ?? '';
      expect((await proved(nonce)).status).toBe(path === '/oauth2/par' ? 201 : 200);
      // and then it is spent
      expect(await proved(nonce)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    },
  );

  it('RFC 8725 §3.1: none, symmetric algorithms and a public key used as a secret are refused', async () => {
    const claims = { ...claimsFor(plain) };
    await refused(new UnsecuredJWT(claims).encode());
    await refused(`${new UnsecuredJWT(claims).encode()}AAAA`);
    for (const secret of [
      Buffer.from(JSON.stringify(key.jwk)),
      Buffer.from(String(key.jwk.x), 'base64url'),
    ]) {
      const header = { alg: 'HS256', kid: key.kid };
      await refused(await new SignJWT(claims).setProtectedHeader(header).sign(secret));
    }
  });

  it('RFC 8725 §3.11: a JWT that says that it is something else is refused', async () => {
    for (const typ of ['JWT', 'jwt', 'client-authentication+jwt'])
      await taken(await assertionOf(plain, {}, { typ }));
    for (const typ of ['dpop+jwt', 'at+jwt', 'oauth-authz-req+jwt', 'logout+jwt']) {
      await refused(await assertionOf(plain, {}, { typ }));
    }
  });

  it('a key that is not the client’s own is refused, also under a kid that it has', async () => {
    const foreign = await signer();
    await refused(await assertionOf(plain, {}, {}, foreign));
    await refused(await assertionOf(plain, {}, { kid: key.kid }, foreign));
    await refused(await assertionOf(plain, {}, { jwk: foreign.jwk, kid: undefined }, foreign));
  });

  it('Core §10.1: of several keys kid names one; without it only a single fitting key is taken', async () => {
    const [second, third] = [await signer(), await signer('PS256')];
    const id = await register('several', { jwks: { keys: [key.jwk, second.jwk, third.jwk] } });
    for (const by of [key, second, third]) await taken(await assertionOf(id, {}, {}, by));
    await refused(await assertionOf(id, {}, { kid: second.kid }, key));
    await refused(await assertionOf(id, {}, { kid: undefined }, second));
    await taken(await assertionOf(id, {}, { kid: undefined }, third));
  });

  it('RFC 7517 §4.2: a key for encryption does not authenticate', async () => {
    const id = await register('encryption', { jwks: { keys: [{ ...key.jwk, use: 'enc' }] } });
    await refused(await assertionOf(id));
  });

  it('a key that was taken out of the registration counts no more', async () => {
    const [before, after] = [await signer(), await signer()];
    const id = await register('rolling', { jwks: { keys: [before.jwk] } });
    await taken(await assertionOf(id, {}, {}, before));
    await register('rolling', { jwks: { keys: [after.jwk] } });
    await world.heard();
    await refused(await assertionOf(id, {}, {}, before));
    await taken(await assertionOf(id, {}, {}, after));
  });
});

describe('one method per request, and the one that was registered (RFC 6749 §2.3, RFC 7521 §4.2)', () => {
  const isInvalidClient = { status: 401, body: { error: 'invalid_client' } };
  const isInvalidRequest = { status: 400, body: { error: 'invalid_request' } };

  it('RFC 7521 §4.2: a client_id beside the assertion must name the same client', async () => {
    const assertion = await assertionOf(plain);
    expect(await send('/oauth2/token', withAssertion(assertion, { client_id: 'fapi' }))).toMatchObject(
      isInvalidRequest,
    );
    expect((await send('/oauth2/token', withAssertion(assertion, { client_id: plain }))).status).toBe(200);
  });

  it('RFC 6749 §2.3: an assertion beside a secret is invalid_request, by either method', async () => {
    const assertion = await assertionOf(plain);
    const both = withAssertion(assertion);
    const projects = world.client('projects');
    expect(await send('/oauth2/token', both, { authorization: basic(projects) })).toMatchObject(
      isInvalidRequest,
    );
    expect(await send('/oauth2/token', { ...both, client_secret: 'x' })).toMatchObject(isInvalidRequest);
    expect(await send('/oauth2/token', both, { authorization: 'Basic !' })).toMatchObject(isInvalidClient);
  });

  it('RFC 7521 §4.2: assertion and type come together, once each, and of the one known type', async () => {
    const assertion = await assertionOf(plain);
    for (const fields of [
      { ...REQUEST, client_assertion: assertion },
      { ...REQUEST, client_id: plain, client_assertion: assertion },
      { ...REQUEST, client_id: plain, client_assertion_type: TYPE },
    ]) {
      expect(await send('/oauth2/token', fields)).toMatchObject(isInvalidRequest);
    }
    const query = new URLSearchParams(withAssertion(assertion)).toString();
    for (const twice of ['client_assertion=x', `client_assertion_type=${TYPE}`]) {
      expect(await send('/oauth2/token', `${query}&${twice}`)).toMatchObject(isInvalidRequest);
    }
    const saml = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' };
    expect(await send('/oauth2/token', withAssertion(assertion, saml))).toMatchObject(isInvalidClient);
  });

  it('a client that is registered for private_key_jwt gets nowhere with a secret, or with its name alone', async () => {
    for (const client of [plain, fapi]) {
      const named = { ...REQUEST, client_id: client };
      expect(await send('/oauth2/token', named)).toMatchObject(isInvalidClient);
      expect(await send('/oauth2/token', { ...named, client_secret: 'x' })).toMatchObject(isInvalidClient);
      const authorization = basic({ id: client, secret: '', redirectUri: '' });
      expect(await send('/oauth2/token', REQUEST, { authorization })).toMatchObject(isInvalidClient);
    }
  });

  it('a client with a secret, or a public one, gets nowhere with an assertion', async () => {
    await world.createClient({ id: 'public', secretSha256: null });
    for (const client of ['projects', 'public']) {
      expect(await authenticate(await assertionOf(client))).toMatchObject(isInvalidClient);
    }
    // not even with keys in its registration, which are for something else then
    await world.createClient({
      id: 'with-keys',
      secretSha256: sha256(randomSecret()),
      tokenEndpointAuthMethod: 'client_secret_basic',
      jwks: { keys: [key.jwk] },
    });
    expect(await authenticate(await assertionOf('with-keys'))).toMatchObject(isInvalidClient);
  });

  it('whatever the assertion is, it is refused, and never by a 500', async () => {
    const part = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.base64String());
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
      fc
        .tuple(fc.jsonValue(), fc.oneof(fc.jsonValue(), fc.record({ sub: fc.constantFrom(plain, fapi) })))
        .map((parts) =>
          [...parts.map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')), 'AA'].join('.'),
        ),
    );
    await fc.assert(
      fc.asyncProperty(text, async (assertion) => {
        const { status } = await authenticate(assertion);
        expect([400, 401]).toContain(status);
      }),
      { numRuns: 300 },
    );
    await refused('a'.repeat(60_000));
  });

  it('RFC 8414 §2: the methods and their algorithms are advertised', async () => {
    const metadata = (await (
      await fetch(`${world.url}/.well-known/oauth-authorization-server`)
    ).json()) as Members;
    for (const endpoint of ['token', 'introspection', 'revocation']) {
      expect(metadata[`${endpoint}_endpoint_auth_methods_supported`]).toContain('private_key_jwt');
      expect(metadata[`${endpoint}_endpoint_auth_signing_alg_values_supported`]).toEqual([
        ...FAPI_ALGORITHMS,
        'RS256',
      ]);
    }
  });
});

describe('keys from jwks_uri (OpenID Connect Core §10.1, RFC 7591 §2)', () => {
  let publisher: JwksPublisher;

  beforeAll(async () => {
    publisher = await JwksPublisher.start();
  });
  afterAll(() => publisher.stop());

  /** A client whose keys are at an address of its own, of which nothing is remembered. */
  const published = async (keys: JWK[]): Promise<string> => {
    const id = `published-${randomUUID()}`;
    Object.assign(publisher, { keys, body: undefined, status: 200, headers: {}, delay: 0, requests: 0 });
    return register(id, { jwksUri: publisher.url(id) });
  };

  it('are fetched once, and once only by many who ask at once', async () => {
    const id = await published([key.jwk]);
    publisher.delay = 100;
    const assertions = await Promise.all(Array.from({ length: 10 }, () => assertionOf(id)));
    await Promise.all(assertions.map(taken));
    await taken(await assertionOf(id));
    expect(publisher.requests).toBe(1);
  });

  it('are remembered as long as their headers say', async () => {
    const id = await published([key.jwk]);
    publisher.headers = { 'cache-control': 'max-age=600' };
    await taken(await assertionOf(id));
    world.clock.advance(599_000);
    await taken(await assertionOf(id));
    expect(publisher.requests).toBe(1);
    world.clock.advance(2000);
    await taken(await assertionOf(id));
    expect(publisher.requests).toBe(2);
  });

  it('Core §10.1.1: are looked up again for an unknown kid, once a minute at most', async () => {
    const id = await published([key.jwk]);
    const [next, unknown] = [await signer(), await signer()];
    await taken(await assertionOf(id));
    publisher.keys = [key.jwk, next.jwk];
    for (let count = 0; count < 5; count += 1) await refused(await assertionOf(id, {}, {}, unknown));
    expect(publisher.requests).toBe(1);
    world.clock.advance(61_000);
    await taken(await assertionOf(id, {}, {}, next));
    for (let count = 0; count < 5; count += 1) await refused(await assertionOf(id, {}, {}, unknown));
    expect(publisher.requests).toBe(2);
  });

  it('that were taken away count no more once the memory has ended', async () => {
    const id = await published([key.jwk]);
    await taken(await assertionOf(id));
    publisher.keys = [];
    world.clock.advance(301_000);
    await refused(await assertionOf(id));
  });

  it('that cannot be fetched refuse the client, are asked for once a minute, and then let it in', async () => {
    const id = await published([key.jwk]);
    publisher.status = 503;
    for (let count = 0; count < 5; count += 1) await refused(await assertionOf(id));
    expect(publisher.requests).toBe(1);
    publisher.status = 200;
    world.clock.advance(61_000);
    await taken(await assertionOf(id));
  });

  it('that were known outlive an outage of their address by a day, and no longer', async () => {
    const id = await published([key.jwk]);
    await taken(await assertionOf(id));
    publisher.status = 500;
    world.clock.advance(12 * 3_600_000);
    await taken(await assertionOf(id));
    expect(publisher.requests).toBe(2);
    world.clock.advance(13 * 3_600_000);
    await refused(await assertionOf(id));
  });

  it.each([
    '',
    'no JSON',
    'null',
    '[]',
    '{"keys":{}}',
    '{"keys":[1,null]}',
    `{"keys":[],"filler":"${'x'.repeat(70_000)}"}`,
  ])('that are no JWK set of a sensible size refuse the client (%#)', async (body) => {
    const id = await published([]);
    publisher.body = body;
    await refused(await assertionOf(id));
  });

  it('are not looked for behind a redirect', async () => {
    const id = await published([key.jwk]);
    Object.assign(publisher, { status: 302, headers: { location: publisher.url('elsewhere') } });
    await refused(await assertionOf(id));
    expect(publisher.requests).toBe(1);
  });

  it('are not looked for in the network of the deployment', async () => {
    const closed = await World.start({ beside: world, env: { CORE_AUTH_OUTBOUND_NETWORKS: '' } });
    const id = await published([key.jwk]);
    expect((await authenticate(await assertionOf(id), closed)).status).toBe(401);
    expect(publisher.requests).toBe(0);
    await closed.stop();
  });
});
