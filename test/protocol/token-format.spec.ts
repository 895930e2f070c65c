import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeProtectedHeader } from 'jose';
import type { NewClient } from '#oauth';
import { beginDevice, decideDevice, DEVICE_GRANT, pollDevice } from '../support/device.js';
import { DpopKey } from '../support/dpop-key.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { answerOf, basic, claimsOf, World, type Answer, type TestClient } from '../support/world.js';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const GRANT_TYPES: NewClient['grantTypes'] = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  DEVICE_GRANT,
  EXCHANGE,
];

type Headers = Readonly<Record<string, string>>;

let world: World;
/** One that signs people in, has a machine's tokens and exchanges both. */
const clients: Record<string, TestClient> = {};
const client = (name: string) => clients[name] as TestClient;

beforeAll(async () => {
  world = await World.start();
  for (const accessTokenFormat of ['jwt', 'opaque'] as const) {
    clients[accessTokenFormat] = await world.createClient({
      id: `of-${accessTokenFormat}`,
      moduleKey: 'projects',
      grantTypes: GRANT_TYPES,
      scopes: ['openid', 'profile', 'projects:read', 'reports:read'],
      accessTokenFormat,
    });
  }
});
afterAll(() => world.stop());

const signedIn = (email = 'member@acme.example') => world.signIn(email);
const codeTokens = async (who: TestClient, browser: HttpBrowser, scope = 'openid profile projects:read') =>
  world.exchange(who, await world.code(who, browser, { scope }));
const exchangeOf = (who: TestClient, token: string, extra: Headers = {}) =>
  world.token(who, {
    grant_type: EXCHANGE,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    ...extra,
  });
const tokenIn = (answer: Answer) => {
  expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
  return String(answer.body['access_token']);
};
const isSealed = (token: string) =>
  token.split('.').length === 5 && decodeProtectedHeader(token).typ === 'at+jwe';

const approvedDevice = async (
  who: TestClient,
  browser: HttpBrowser,
  scope = 'openid profile projects:read',
) => {
  const codes = await beginDevice(world, who, { scope });
  await decideDevice(browser, codes);
  return codes;
};

/** Access tokens by every grant of a client. */
const everyGrant = async (who: TestClient): Promise<Record<string, string>> => {
  const code = await codeTokens(who, await signedIn());
  return {
    authorization_code: tokenIn(code),
    refresh_token: tokenIn(await world.refresh(who, String(code.body['refresh_token']))),
    [DEVICE_GRANT]: tokenIn(await pollDevice(world, who, await approvedDevice(who, await signedIn()))),
    client_credentials: tokenIn(await world.token(who, { grant_type: 'client_credentials' })),
    [EXCHANGE]: tokenIn(await exchangeOf(who, tokenIn(code))),
  };
};

describe('the access token format of a client (RFC 6749 §1.4: opaque to the client)', () => {
  it('opaque: every grant gives opaque access tokens; jwt: every grant gives JWTs (RFC 9068)', async () => {
    for (const [grant, token] of Object.entries(await everyGrant(client('opaque')))) {
      expect([grant, isSealed(token)]).toEqual([grant, true]);
    }
    for (const [grant, token] of Object.entries(await everyGrant(client('jwt')))) {
      expect([grant, decodeProtectedHeader(token).typ]).toEqual([grant, 'at+jwt']);
    }
  });

  it('RFC 7662 §2.2: introspection tells of an opaque token whatever a JWT would have told', async () => {
    const [opaque, jwt] = [await everyGrant(client('opaque')), await everyGrant(client('jwt'))];
    for (const grant of GRANT_TYPES) {
      const { body } = await world.introspect(client('opaque'), opaque[grant] ?? '');
      const { active, token_type: type, ...told } = body;
      expect([grant, active, type]).toEqual([grant, true, 'Bearer']);
      expect(Object.keys(told).sort()).toEqual(Object.keys(claimsOf(jwt[grant] ?? '')).sort());
    }
    expect((await world.introspect(client('opaque'), opaque['authorization_code'] ?? '')).body).toMatchObject(
      {
        iss: world.url,
        sub: world.id('member@acme.example'),
        client_id: 'of-opaque',
        aud: ['https://projects.example', world.url],
        scope: 'openid profile projects:read',
        organization_id: world.id('acme'),
        roles: ['member'],
        modules: ['projects'],
      },
    );
  });

  it('RFC 7662 §4: a module may introspect the opaque tokens that are meant for it, and nobody else', async () => {
    const token = tokenIn(await codeTokens(client('opaque'), await signedIn()));
    expect((await world.introspect(world.client('projects'), token)).body).toMatchObject({ active: true });
    expect((await world.introspect(world.client('reports'), token)).body).toEqual({ active: false });
  });

  it('OpenID Connect Core §5.3: userinfo takes an opaque token', async () => {
    const token = tokenIn(await codeTokens(client('opaque'), await signedIn()));
    const response = await fetch(`${world.url}/oauth2/userinfo`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([response.status, await response.json()]).toEqual([
      200,
      { sub: world.id('member@acme.example'), name: 'Max Member' },
    ]);
  });

  it('RFC 7009 §2.1: an opaque token is revoked as a JWT is, with its authorization', async () => {
    const code = await codeTokens(client('opaque'), await signedIn());
    const token = tokenIn(code);
    const machine = tokenIn(await world.token(client('opaque'), { grant_type: 'client_credentials' }));
    for (const revoked of [token, machine]) {
      await world.revoke(client('jwt'), revoked);
      expect((await world.introspect(client('opaque'), revoked)).body).toMatchObject({ active: true });
      await world.revoke(client('opaque'), revoked);
      expect((await world.introspect(client('opaque'), revoked)).body).toEqual({ active: false });
    }
    expect(await world.refresh(client('opaque'), String(code.body['refresh_token']))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });

  it('RFC 8693 §2.1: an opaque token is a subject token and an actor token, and each client gets its own format', async () => {
    const subject = tokenIn(await codeTokens(client('opaque'), await signedIn()));
    const actor = {
      actor_token: tokenIn(await world.token(client('jwt'), { grant_type: 'client_credentials' })),
      actor_token_type: ACCESS_TOKEN,
    };
    const jwt = tokenIn(await exchangeOf(client('jwt'), subject, actor));
    expect(claimsOf(jwt)).toMatchObject({
      sub: world.id('member@acme.example'),
      act: { sub: 'of-jwt', client_id: 'of-jwt' },
    });
    expect(isSealed(tokenIn(await exchangeOf(client('opaque'), jwt)))).toBe(true);
  });

  it('RFC 8693 §3: an opaque token is no JWT, neither when it is presented nor when one is asked for', async () => {
    const subject = tokenIn(await codeTokens(client('opaque'), await signedIn()));
    for (const extra of [{ subject_token_type: JWT }, { requested_token_type: JWT }]) {
      expect(await exchangeOf(client('opaque'), subject, extra)).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      });
    }
    expect((await exchangeOf(client('jwt'), subject, { requested_token_type: JWT })).status).toBe(200);
  });
});

describe('tokens that are bound to a key (RFC 9449), exchanged', () => {
  let nonce: string | undefined;

  const withProof = async (who: TestClient, key: DpopKey, fields: Headers): Promise<Answer> => {
    const url = `${world.url}/oauth2/token`;
    for (;;) {
      const proof = await key.proof({ method: 'POST', url, now: world.clock.now(), nonce });
      const answer = await answerOf(
        await fetch(url, {
          method: 'POST',
          body: new URLSearchParams(fields),
          headers: { authorization: basic(who), dpop: proof },
        }),
      );
      if (answer.body['error'] !== 'use_dpop_nonce') return answer;
      nonce = answer.headers.get('dpop-nonce') ?? undefined;
    }
  };
  const exchange = { grant_type: EXCHANGE, subject_token_type: ACCESS_TOKEN };

  it.each(['jwt', 'opaque'])(
    '§5: a %s token is bound to the key that the client proves as it exchanges',
    async (format) => {
      const key = await DpopKey.create();
      const subject_token = tokenIn(await codeTokens(client(format), await signedIn()));
      const answer = await withProof(client(format), key, { ...exchange, subject_token });
      expect([answer.status, answer.body['token_type']]).toEqual([200, 'DPoP']);
      const { body } = await world.introspect(client(format), tokenIn(answer));
      expect(body['cnf']).toEqual({ jkt: key.thumbprint });
    },
  );

  it('§7: its own client exchanges a bound token only with the same key; a module of its audience with a key of its own, never for a bearer token', async () => {
    const [key, other] = [await DpopKey.create(), await DpopKey.create()];
    const own = client('jwt');
    const { code, verifier } = await world.code(own, await signedIn(), { scope: 'openid projects:read' });
    const bound = await withProof(own, key, {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
    });
    const subject_token = tokenIn(bound);
    expect(bound.body['token_type']).toBe('DPoP');

    const refused = { status: 400, body: { error: 'invalid_request' } };
    expect(await exchangeOf(own, subject_token)).toMatchObject(refused);
    expect(await withProof(own, other, { ...exchange, subject_token })).toMatchObject(refused);
    expect((await withProof(own, key, { ...exchange, subject_token })).status).toBe(200);
    expect(await exchangeOf(client('opaque'), subject_token)).toMatchObject(refused);
    const module = await withProof(client('opaque'), other, { ...exchange, subject_token });
    expect([module.status, module.body['token_type']]).toEqual([200, 'DPoP']);
  });

  it('RFC 8693 §2.1: a bound actor token is taken with a proof of its key alone', async () => {
    const key = await DpopKey.create();
    const own = client('jwt');
    const machine = await withProof(own, key, { grant_type: 'client_credentials' });
    const fields = {
      ...exchange,
      subject_token: tokenIn(await codeTokens(own, await signedIn())),
      actor_token: tokenIn(machine),
      actor_token_type: ACCESS_TOKEN,
    };
    expect((await world.token(own, fields)).body['error']).toBe('invalid_request');
    expect((await withProof(own, key, fields)).status).toBe(200);
  });
});

describe('no token for a module without a license, whatever the grant, the format and the state of the license', () => {
  const STATES = {
    licensed: async () => undefined,
    'never licensed': async () => undefined,
    suspended: (license: string) => world.licenses.changeStatus(license, 'suspended', 'test'),
    cancelled: (license: string) => world.licenses.changeStatus(license, 'cancelled', 'test'),
    revoked: (license: string) => world.licenses.changeStatus(license, 'revoked', 'test'),
    expired: async () => void world.clock.advance(2000),
    'without a seat': async () => undefined,
  };
  type State = keyof typeof STATES;
  let number = 0;

  /** An organization that may use reports, a person of it, and how they come to be in the state. */
  const prepare = async (state: State) => {
    const organization = `org-${(number += 1)}`;
    const email = `person@${organization}.example`;
    await world.createOrganization(organization, organization);
    await world.createPerson(email, 'Person', { [organization]: 'member' });
    await world.license(organization, 'projects');
    const endsAt = state === 'expired' ? new Date(world.clock.now().getTime() + 1000) : null;
    const license =
      state === 'never licensed'
        ? ''
        : await world.license(organization, 'reports', {
            endsAt,
            ...(state === 'without a seat' ? { seatModel: 'named', seatLimit: 1 } : {}),
          });
    return { organization, email, enter: () => STATES[state](license) };
  };

  const cases = (Object.keys(STATES) as State[]).flatMap((state) =>
    (['jwt', 'opaque'] as const).map((format) => [state, format] as const),
  );

  it.each(cases)('%s, %s', async (state, format) => {
    const { organization, email, enter } = await prepare(state);
    const who = client(format);
    const browser = await signedIn(email);
    const neverThere = state === 'never licensed' || state === 'without a seat';
    const both = 'openid projects:read reports:read';
    // authorized while the license was there
    const wide = neverThere ? undefined : await codeTokens(who, browser, both);
    const device = neverThere ? undefined : await approvedDevice(who, browser, both);
    const code = neverThere ? undefined : await world.code(who, browser, { scope: both });
    const narrow = tokenIn(await codeTokens(who, browser));
    const machine = await world.createClient({
      id: `machine-${organization}`,
      organizationId: world.id(organization),
      grantTypes: ['client_credentials', EXCHANGE],
      scopes: ['reports:read'],
      accessTokenFormat: format,
    });
    const before = neverThere ? undefined : await world.token(machine, { grant_type: 'client_credentials' });
    await enter();

    const allowed = state === 'licensed';
    const answers: Record<string, Answer> = {
      ...(code ? { code: await world.exchange(who, code) } : {}),
      ...(device ? { device: await pollDevice(world, who, device) } : {}),
      ...(wide
        ? {
            refresh: await world.refresh(who, String(wide.body['refresh_token'])),
            exchange: await exchangeOf(who, tokenIn(wide), { audience: 'reports' }),
            'exchange for all': await exchangeOf(who, tokenIn(wide)),
          }
        : {}),
      ...(before ? { 'exchange of a machine’s': await exchangeOf(machine, tokenIn(before)) } : {}),
    };
    // a machine has no seat of its own
    if (state !== 'without a seat') {
      answers['client credentials'] = await world.token(machine, { grant_type: 'client_credentials' });
    }
    for (const [grant, { status, body }] of Object.entries(answers)) {
      expect([grant, status, body['error']]).toEqual(
        allowed ? [grant, 200, undefined] : [grant, 400, 'access_denied'],
      );
      if (!allowed) expect(body).not.toHaveProperty('access_token');
    }
    const authorize = await browser.get(world.authorizationRequest(who, { scope: both }).path);
    expect(authorize.headers.get('location')).toMatch(allowed ? /[?&]code=/ : /^\/license-refused\?/);
    // an exchange opens nothing that the subject token does not
    expect(await exchangeOf(who, narrow, { audience: 'reports' })).toMatchObject({
      body: { error: 'invalid_target' },
    });
    expect((await exchangeOf(who, narrow)).status).toBe(200);
  });
});
