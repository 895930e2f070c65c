import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { exportJWK } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { destinationOf } from '../support/answers.js';
import { claimsOf, World } from '../support/world.js';

const SCOPE = 'openid profile projects:read';
const KID = 'signing';

let world: World;
/** The key of the client's assertions, and that of its proofs. */
let assertionKeys: oauth.CryptoKeyPair;
let proofKeys: oauth.CryptoKeyPair;

beforeAll(async () => {
  world = await World.start();
  assertionKeys = await oauth.generateKeyPair('ES256', { extractable: true });
  proofKeys = await oauth.generateKeyPair('ES256', { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(assertionKeys.publicKey)), kid: KID }] };
  const common = { scopes: SCOPE.split(' '), secretSha256: null };
  await world.createClient({
    ...common,
    id: 'bank',
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks,
    profile: 'fapi2',
  });
  await world.createClient({ ...common, id: 'phone', dpopRequired: true });
});
afterAll(() => world.stop());
// these clients know the time by themselves
beforeEach(() => world.clock.set(new Date()));

const subject = () => world.id('member@acme.example');

/** What a browser is answered at the authorization endpoint for somebody who has signed in. */
const approve = async (address: URL): Promise<URL> => {
  const browser = await world.signIn('member@acme.example');
  return destinationOf(await browser.get(`${address.pathname}${address.search}`));
};

describe('oauth4webapi, unchanged, by the FAPI 2.0 Security Profile: PAR, private_key_jwt and DPoP', () => {
  const client: oauth.Client = { client_id: 'bank' };
  const insecure = { [oauth.allowInsecureRequests]: true };
  let server: oauth.AuthorizationServer;
  let authentication: oauth.ClientAuth;
  let DPoP: oauth.DPoPHandle;

  beforeAll(async () => {
    const issuer = new URL(world.url);
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    server = await oauth.processDiscoveryResponse(issuer, found);
    authentication = oauth.PrivateKeyJwt({ key: assertionKeys.privateKey, kid: KID });
    DPoP = oauth.DPoP(client, proofKeys);
  });

  /** As its documentation says: once more with the nonce that the server asks for. */
  const withNonce = async <T>(attempt: () => Promise<T>): Promise<T> => {
    try {
      return await attempt();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return attempt();
    }
  };

  it('gets a token of its own by client credentials', async () => {
    const token = await withNonce(async () =>
      oauth.processClientCredentialsResponse(
        server,
        client,
        await oauth.clientCredentialsGrantRequest(
          server,
          client,
          authentication,
          { scope: 'projects:read' },
          { DPoP, ...insecure },
        ),
      ),
    );
    expect(token.token_type).toBe('dpop');
    expect(claimsOf(token.access_token)['cnf']).toEqual({ jkt: await DPoP.calculateThumbprint() });
  });

  it('pushes its request, signs somebody in, reads userinfo, and refreshes', async () => {
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const redirectUri = 'https://bank.example/callback';
    const parameters = {
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: SCOPE,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    };
    const pushed = await withNonce(async () =>
      oauth.processPushedAuthorizationResponse(
        server,
        client,
        await oauth.pushedAuthorizationRequest(server, client, authentication, parameters, {
          DPoP,
          ...insecure,
        }),
      ),
    );
    const address = new URL(server.authorization_endpoint ?? '');
    address.search = new URLSearchParams({ client_id: 'bank', request_uri: pushed.request_uri }).toString();
    const answer = oauth.validateAuthResponse(server, client, await approve(address), state);
    const tokens = await withNonce(async () =>
      oauth.processAuthorizationCodeResponse(
        server,
        client,
        await oauth.authorizationCodeGrantRequest(
          server,
          client,
          authentication,
          answer,
          redirectUri,
          verifier,
          {
            DPoP,
            ...insecure,
          },
        ),
        { expectedNonce: nonce, requireIdToken: true },
      ),
    );
    expect(tokens.token_type).toBe('dpop');
    const info = await withNonce(async () =>
      oauth.processUserInfoResponse(
        server,
        client,
        subject(),
        await oauth.userInfoRequest(server, client, tokens.access_token, { DPoP, ...insecure }),
      ),
    );
    expect(info.name).toBe('Max Member');
    const renewed = await withNonce(async () =>
      oauth.processRefreshTokenResponse(
        server,
        client,
        await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token ?? '', {
          DPoP,
          ...insecure,
        }),
      ),
    );
    expect(claimsOf(renewed.access_token)['cnf']).toEqual({ jkt: await DPoP.calculateThumbprint() });
  });
});

describe('openid-client, unchanged, as a public client with DPoP', () => {
  let stranger: openid.Configuration;
  let DPoP: openid.DPoPHandle;

  beforeAll(async () => {
    stranger = await openid.discovery(new URL(world.url), 'phone', undefined, openid.None(), {
      execute: [openid.allowInsecureRequests],
    });
    DPoP = openid.getDPoPHandle(stranger, proofKeys);
  });

  const signIn = async () => {
    const verifier = openid.randomPKCECodeVerifier();
    const [state, nonce] = [openid.randomState(), openid.randomNonce()];
    const address = openid.buildAuthorizationUrl(stranger, {
      redirect_uri: 'https://phone.example/callback',
      scope: SCOPE,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      dpop_jkt: await DPoP.calculateThumbprint(),
      state,
      nonce,
    });
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
    return openid.authorizationCodeGrant(stranger, await approve(address), checks, undefined, { DPoP });
  };

  it('signs somebody in by code, PKCE and dpop_jkt, and reads userinfo', async () => {
    const tokens = await signIn();
    expect(tokens.token_type).toBe('dpop');
    const info = await openid.fetchUserInfo(stranger, tokens.access_token, subject(), { DPoP });
    expect(info.name).toBe('Max Member');
  });

  it('refreshes by a refresh token that is bound to its key, which is no good to another', async () => {
    const tokens = await signIn();
    const thief = openid.getDPoPHandle(stranger, await openid.randomDPoPKeyPair());
    const stolen = openid.refreshTokenGrant(stranger, tokens.refresh_token ?? '', undefined, { DPoP: thief });
    await expect(stolen).rejects.toMatchObject({ error: 'invalid_grant' });
    const renewed = await openid.refreshTokenGrant(stranger, tokens.refresh_token ?? '', undefined, { DPoP });
    expect(claimsOf(renewed.access_token)['cnf']).toEqual({ jkt: await DPoP.calculateThumbprint() });
    const bearer = openid.fetchUserInfo(stranger, renewed.access_token, subject());
    await expect(bearer).rejects.toMatchObject({ code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' });
  });
});

describe('openid-client, unchanged, with private_key_jwt', () => {
  it('gets a token of its own, bound to its key', async () => {
    const configuration = await openid.discovery(
      new URL(world.url),
      'bank',
      undefined,
      openid.PrivateKeyJwt({ key: assertionKeys.privateKey, kid: KID }),
      { execute: [openid.allowInsecureRequests] },
    );
    const DPoP = openid.getDPoPHandle(configuration, proofKeys);
    const parameters = { scope: 'projects:read' };
    const token = await openid.clientCredentialsGrant(configuration, parameters, { DPoP });
    expect(token.token_type).toBe('dpop');
    await expect(openid.clientCredentialsGrant(configuration, parameters)).rejects.toMatchObject({
      error: 'invalid_dpop_proof',
    });
  });
});
