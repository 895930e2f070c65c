import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import * as openid from 'openid-client';
import { destinationOf } from '../support/answers.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { World, type TestClient } from '../support/world.js';

const SCOPE = 'openid profile email offline_access projects:read';
const SIGNED_OUT = 'https://stranger.example/signed-out';

/** What one sign-in leaves behind. */
interface SignedIn {
  readonly browser: HttpBrowser;
  readonly tokens: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers;
}

describe('openid-client, which knows nothing of us but the address of the issuer', () => {
  let world: World;
  let client: TestClient;
  let stranger: openid.Configuration;

  beforeAll(async () => {
    world = await World.start();
    client = await world.createClient({
      id: 'stranger',
      scopes: SCOPE.split(' '),
      postLogoutRedirectUris: [SIGNED_OUT],
    });
    stranger = await discover(client.secret);
  });
  afterAll(() => world.stop());

  const discover = (
    secret = '',
    algorithm: 'oidc' | 'oauth2' = 'oidc',
    authentication = openid.ClientSecretBasic(secret),
  ) =>
    openid.discovery(
      new URL(world.url),
      client.id,
      secret,
      authentication,
      // plain http is for the loopback interface alone
      { algorithm, execute: [openid.allowInsecureRequests] },
    );

  const signIn = async (
    email = 'member@acme.example',
    checks: Partial<openid.AuthorizationCodeGrantChecks> = {},
  ): Promise<SignedIn> => {
    const browser = await world.signIn(email);
    const verifier = openid.randomPKCECodeVerifier();
    const [state, nonce] = [openid.randomState(), openid.randomNonce()];
    const address = openid.buildAuthorizationUrl(stranger, {
      redirect_uri: client.redirectUri,
      scope: SCOPE,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const answer = await browser.get(`${address.pathname}${address.search}`);
    const tokens = await openid.authorizationCodeGrant(stranger, destinationOf(answer), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
      ...checks,
    });
    return { browser, tokens };
  };

  const userinfo = (tokens: openid.TokenEndpointResponse, subject: string) =>
    openid.fetchUserInfo(stranger, tokens.access_token, subject);

  it.each(['oidc', 'oauth2'] as const)('finds every endpoint that it needs by %s discovery', async (kind) => {
    const found = (await discover(client.secret, kind)).serverMetadata();
    expect(found.issuer).toBe(world.url);
    expect(found.supportsPKCE()).toBe(true);
    for (const endpoint of [
      found.authorization_endpoint,
      found.token_endpoint,
      found.jwks_uri,
      found.userinfo_endpoint,
      found.revocation_endpoint,
      found.introspection_endpoint,
      found.end_session_endpoint,
    ]) {
      expect(endpoint).toMatch(/^http:\/\/localhost:\d+\/oauth2\//);
    }
  });

  it('signs in by code, PKCE, state and nonce, checks the ID token, and reads the person from userinfo', async () => {
    const { tokens } = await signIn();
    const claims = tokens.claims();
    expect(claims).toMatchObject({
      iss: world.url,
      aud: client.id,
      sub: world.id('member@acme.example'),
      name: 'Max Member',
      email: 'member@acme.example',
      organization: 'acme',
    });
    expect(tokens.expiresIn()).toBeGreaterThan(86_390);
    expect(await userinfo(tokens, claims?.sub ?? '')).toMatchObject({
      sub: claims?.sub,
      name: 'Max Member',
      email: 'member@acme.example',
    });
  });

  it('verifies signatures by the keys that we publish, and accepts none by another key of the same name', async () => {
    openid.enableNonRepudiationChecks(stranger);
    try {
      expect((await signIn()).tokens.claims()?.sub).toBe(world.id('member@acme.example'));
      const { publicKey } = await generateKeyPair('ES256', { extractable: true });
      stranger = await discover(client.secret);
      openid.enableNonRepudiationChecks(stranger);
      stranger[openid.customFetch] = async (url, options) => {
        const answer = await fetch(url, options as RequestInit);
        if (!url.endsWith('/oauth2/jwks')) return answer;
        const { keys } = (await answer.json()) as { keys: JWK[] };
        const forged = await exportJWK(publicKey);
        return Response.json({ keys: keys.map((key) => (key.kty === 'EC' ? { ...key, ...forged } : key)) });
      };
      await expect(signIn()).rejects.toMatchObject({
        code: 'OAUTH_INVALID_RESPONSE',
        cause: { message: 'JWT signature verification failed' },
      });
    } finally {
      stranger = await discover(client.secret);
    }
  });

  it('refuses the answer when it is for another state or another nonce', async () => {
    await expect(signIn(undefined, { expectedState: openid.randomState() })).rejects.toMatchObject({
      cause: { message: 'unexpected "state" response parameter value' },
    });
    await expect(signIn(undefined, { expectedNonce: openid.randomNonce() })).rejects.toMatchObject({
      code: 'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
    });
  });

  it('is refused with another verifier', async () => {
    await expect(
      signIn(undefined, { pkceCodeVerifier: openid.randomPKCECodeVerifier() }),
    ).rejects.toMatchObject({ error: 'invalid_grant', status: 400 });
  });

  it('refreshes, keeps the person, and gets a new refresh token', async () => {
    const { tokens } = await signIn();
    const renewed = await openid.refreshTokenGrant(stranger, tokens.refresh_token ?? '');
    expect(renewed.refresh_token).not.toBe(tokens.refresh_token);
    expect(renewed.claims()).toMatchObject({
      sub: tokens.claims()?.sub,
      auth_time: tokens.claims()?.auth_time,
    });
    const info = await userinfo(renewed, tokens.claims()?.sub ?? '');
    expect(info.email).toBe('member@acme.example');
  });

  it('introspects, revokes, and then nothing of that sign-in works', async () => {
    const { tokens } = await signIn();
    expect((await openid.tokenIntrospection(stranger, tokens.access_token)).active).toBe(true);
    await openid.tokenRevocation(stranger, tokens.refresh_token ?? '');
    expect((await openid.tokenIntrospection(stranger, tokens.access_token)).active).toBe(false);
    await expect(openid.refreshTokenGrant(stranger, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    await expect(userinfo(tokens, tokens.claims()?.sub ?? '')).rejects.toMatchObject({ status: 401 });
  });

  it('signs the person out by its ID token and comes back to its own page with its state', async () => {
    const { browser, tokens } = await signIn();
    const address = openid.buildEndSessionUrl(stranger, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: SIGNED_OUT,
      state: 'back at work',
    });
    const answer = await browser.get(`${address.pathname}${address.search}`);
    expect(destinationOf(answer).href).toBe(`${SIGNED_OUT}?state=back+at+work`);
    expect((await browser.get('/')).headers.get('location')).toContain('/sign-in');
    // Back-Channel Logout §2.7: what was granted for offline access goes on until it is revoked
    const offline = await openid.refreshTokenGrant(stranger, tokens.refresh_token ?? '');
    await openid.tokenRevocation(stranger, offline.refresh_token ?? '');
    await expect(openid.refreshTokenGrant(stranger, offline.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('gets a token for itself by client credentials', async () => {
    const tokens = await openid.clientCredentialsGrant(stranger, { scope: 'projects:read' });
    expect(tokens).toMatchObject({ scope: 'projects:read', token_type: 'bearer' });
    expect(tokens.refresh_token).toBeUndefined();
    expect(await openid.tokenIntrospection(stranger, tokens.access_token)).toMatchObject({
      active: true,
      sub: client.id,
    });
  });

  it('is told why with a wrong secret, by a challenge when it used Basic', async () => {
    const wrong = `${client.secret}x`;
    await expect(openid.clientCredentialsGrant(await discover(wrong))).rejects.toMatchObject({
      status: 401,
      cause: [{ scheme: 'basic' }],
    });
    const post = await discover(wrong, 'oidc', openid.ClientSecretPost(wrong));
    await expect(openid.clientCredentialsGrant(post)).rejects.toMatchObject({
      error: 'invalid_client',
      status: 401,
    });
  });
});
