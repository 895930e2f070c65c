import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { numericDate } from '#platform';
import { parametersOf } from '../support/answers.js';
import { DpopKey } from '../support/dpop-key.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { answerOf, World, type Answer, type TestClient } from '../support/world.js';

type Fields = Readonly<Record<string, string>>;

describe('a client that is held to the FAPI 2.0 Security Profile', () => {
  let world: World;
  let bank: TestClient;
  let member: HttpBrowser;
  let privateKey: CryptoKey;
  let proofKey: DpopKey;

  beforeAll(async () => {
    world = await World.start();
    const pair = await generateKeyPair('ES256');
    privateKey = pair.privateKey;
    proofKey = await DpopKey.create();
    // every switch stands as an ordinary client may have it
    bank = await world.createClient({
      id: 'bank',
      profile: 'fapi2',
      secretSha256: null,
      tokenEndpointAuthMethod: 'private_key_jwt',
      jwks: { keys: [await exportJWK(pair.publicKey)] },
      pkceRequired: false,
      parRequired: false,
      dpopRequired: false,
      codeSeconds: 300,
    });
  });
  beforeEach(async () => {
    member = await world.signIn('member@acme.example');
  });
  afterAll(() => world.stop());

  const assertion = () => {
    const now = numericDate(world.clock.now());
    return new SignJWT({ jti: randomUUID(), iat: now, exp: now + 60 })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('bank')
      .setSubject('bank')
      .setAudience(world.url)
      .sign(privateKey);
  };
  const post = async (path: string, fields: Fields, dpop?: string): Promise<Answer> => {
    const body = new URLSearchParams({
      ...fields,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion(),
    });
    const headers: Record<string, string> = dpop === undefined ? {} : { dpop };
    return answerOf(await fetch(world.url + path, { method: 'POST', body, headers }));
  };
  const proved = async (fields: Fields): Promise<Answer> => {
    const proof = (nonce?: string) =>
      proofKey.proof({ method: 'POST', url: `${world.url}/oauth2/token`, now: world.clock.now(), nonce });
    const { headers } = await post('/oauth2/token', fields, await proof());
    return post('/oauth2/token', fields, await proof(headers.get('dpop-nonce') ?? ''));
  };
  const pushed = (without: readonly string[] = [], extra: Fields = {}) => {
    const { parameters, verifier } = world.authorizationRequest(bank, extra);
    for (const name of without) delete parameters[name];
    return { verifier, answer: post('/oauth2/par', parameters) };
  };
  /** A good exchange of a new code. */
  const code = async (): Promise<Fields> => {
    const { verifier, answer } = pushed();
    const { body } = await answer;
    const request = new URLSearchParams({ client_id: 'bank', request_uri: String(body['request_uri']) });
    const answered = parametersOf(await member.get(`/oauth2/authorize?${request}`));
    return { grant_type: 'authorization_code', code: answered['code'] ?? '', code_verifier: verifier };
  };

  it('FAPI 2.0 §5.3.2.1: gets no token without a DPoP proof, by whichever grant', async () => {
    const exchange = await code();
    const { body } = await proved(await code());
    expect(body).toMatchObject({ token_type: 'DPoP', refresh_token: expect.any(String) });
    const refresh = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) };
    for (const fields of [exchange, refresh, { grant_type: 'client_credentials' }]) {
      expect(await post('/oauth2/token', fields)).toMatchObject({
        status: 400,
        // FAPI 2.0 conformance: a refresh without the proof is no request
        body: { error: fields === refresh ? 'invalid_request' : 'invalid_dpop_proof' },
      });
      expect(await proved(fields)).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
    }
  });

  it('FAPI 2.0 §5.3.2.2: pushes a challenge by S256 with every request', async () => {
    const refusals = [
      pushed(['code_challenge', 'code_challenge_method']),
      pushed(['code_challenge']),
      pushed(['code_challenge_method']),
      pushed([], { code_challenge_method: 'plain' }),
    ];
    for (const { answer } of refusals)
      expect(await answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect((await pushed().answer).status).toBe(201);
  });

  it('FAPI 2.0 §5.3.2.1: has 60 seconds for a code, whatever it would like', async () => {
    const [late, just] = [await code(), await code()];
    world.clock.advance(59_000);
    expect((await proved(just)).status).toBe(200);
    world.clock.advance(1000);
    expect(await proved(late)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('FAPI 2.0 §5.3.2.1: keeps its refresh token, however late it is used again', async () => {
    const { body } = await proved(await code());
    const fields = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) };
    for (const seconds of [0, 30, 3600]) {
      world.clock.advance(seconds * 1000);
      const refreshed = await proved(fields);
      expect([refreshed.status, refreshed.body['refresh_token']]).toEqual([200, fields.refresh_token]);
    }
  });
});
