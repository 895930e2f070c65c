import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { destinationOf } from '../support/answers.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { claimsOf, World, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';
const SCOPE = 'openid profile email offline_access projects:read';
const SIGNED_OUT = 'https://web.example/signed-out';
const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** The resource that `projects` tokens are for. */
const PROJECTS = 'https://projects.example';

let world: World;
let web: TestClient;
let service: TestClient;
let browser: HttpBrowser;

beforeAll(async () => {
  world = await World.start({ env: { CORE_AUTH_REGISTRATION: 'open' } });
  web = await world.createClient({
    id: 'web',
    grantTypes: ['authorization_code', 'refresh_token', EXCHANGE_GRANT],
    scopes: SCOPE.split(' '),
    postLogoutRedirectUris: [SIGNED_OUT],
  });
  service = await world.createClient({
    id: 'service',
    moduleKey: 'projects',
    scopes: ['projects:read'],
    grantTypes: ['client_credentials', EXCHANGE_GRANT],
  });
  browser = await world.signIn(MEMBER);
});
afterAll(() => world.stop());
// these clients know the time by themselves
beforeEach(() => world.clock.set(new Date()));

/** What the browser is answered at this address. */
const visit = (address: URL): Promise<Response> => browser.get(`${address.pathname}${address.search}`);
/** What the browser posts to the client, as the page of the form_post response mode tells it to. */
const posted = async (page: Response): Promise<Request> => {
  const html = await page.text();
  const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1] ?? '';
  return new Request(action, { method: 'POST', body: new URLSearchParams(hiddenFields(html)) });
};

describe('openid-client, from discovery alone', () => {
  let configuration: openid.Configuration;

  const discover = ({ id, secret }: TestClient) =>
    openid.discovery(new URL(world.url), id, secret, undefined, {
      // plain http is for the loopback interface alone
      execute: [openid.allowInsecureRequests],
    });
  beforeAll(async () => {
    configuration = await discover(web);
  });

  const request = async (extra: Record<string, string> = {}) => {
    const verifier = openid.randomPKCECodeVerifier();
    const [state, nonce] = [openid.randomState(), openid.randomNonce()];
    const parameters = {
      redirect_uri: web.redirectUri,
      scope: SCOPE,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...extra,
    };
    const checks = {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    };
    return { parameters, checks };
  };
  const signIn = async (extra: Record<string, string> = {}) => {
    const { parameters, checks } = await request(extra);
    const answer = await visit(openid.buildAuthorizationUrl(configuration, parameters));
    return openid.authorizationCodeGrant(configuration, destinationOf(answer), checks);
  };

  it('RFC 9126 §2: pushes its request, and only a reference to it goes through the browser', async () => {
    const { parameters, checks } = await request();
    const address = await openid.buildAuthorizationUrlWithPAR(configuration, parameters);
    expect([...address.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    const tokens = await openid.authorizationCodeGrant(
      configuration,
      destinationOf(await visit(address)),
      checks,
    );
    expect(tokens.claims()?.sub).toBe(world.id(MEMBER));
  });

  it('RFC 9126 §2.3: is told at once what is wrong with a pushed request', async () => {
    const { parameters } = await request({ redirect_uri: 'https://elsewhere.example/' });
    await expect(openid.buildAuthorizationUrlWithPAR(configuration, parameters)).rejects.toMatchObject({
      error: 'invalid_request',
      status: 400,
    });
    const elsewhere = await request({ resource: 'https://elsewhere.example' });
    await expect(
      openid.buildAuthorizationUrlWithPAR(configuration, elsewhere.parameters),
    ).rejects.toMatchObject({ error: 'invalid_target', status: 400 });
  });

  it('RFC 9449 §10.1: binds a pushed request, and the tokens that come of it, to its key', async () => {
    const DPoP = openid.getDPoPHandle(configuration, await openid.randomDPoPKeyPair());
    const { parameters, checks } = await request();
    const address = await openid.buildAuthorizationUrlWithPAR(configuration, parameters, { DPoP });
    const answer = destinationOf(await visit(address));
    const tokens = await openid.authorizationCodeGrant(configuration, answer, checks, undefined, { DPoP });
    expect(tokens.token_type).toBe('dpop');
    expect(claimsOf(tokens.access_token)['cnf']).toEqual({ jkt: await DPoP.calculateThumbprint() });
    const info = await openid.fetchUserInfo(configuration, tokens.access_token, world.id(MEMBER), { DPoP });
    expect(info.email).toBe(MEMBER);
  });

  it('OAuth 2.0 Form Post Response Mode §2: takes its answer from a form that the browser posts', async () => {
    const { parameters, checks } = await request({ response_mode: 'form_post' });
    const page = await visit(openid.buildAuthorizationUrl(configuration, parameters));
    const tokens = await openid.authorizationCodeGrant(configuration, await posted(page), checks);
    expect(tokens.claims()?.sub).toBe(world.id(MEMBER));
  });

  it('RFC 9207 §2.4: takes no answer of another issuer, and the errors of ours', async () => {
    const { parameters, checks } = await request({ prompt: 'none', scope: 'openid nothing:known' });
    const answer = destinationOf(await visit(openid.buildAuthorizationUrl(configuration, parameters)));
    await expect(openid.authorizationCodeGrant(configuration, answer, checks)).rejects.toMatchObject({
      error: 'invalid_scope',
    });
    answer.searchParams.set('iss', 'https://elsewhere.example');
    await expect(openid.authorizationCodeGrant(configuration, answer, checks)).rejects.toMatchObject({
      code: 'OAUTH_INVALID_RESPONSE',
    });
  });

  it('OpenID Connect Core §3.1.2.1: sees by max_age when somebody signed in', async () => {
    const { parameters, checks } = await request({ max_age: '3600' });
    const answer = destinationOf(await visit(openid.buildAuthorizationUrl(configuration, parameters)));
    const maxAge = { ...checks, maxAge: 3600 };
    const tokens = await openid.authorizationCodeGrant(configuration, answer, maxAge);
    expect(tokens.claims()?.auth_time).toBeLessThanOrEqual(Date.now() / 1000);
  });

  it('RFC 8693 §2: exchanges somebody’s token for one of its own', async () => {
    const { access_token: subject } = await signIn();
    const other = await discover(service);
    const traded = await openid.genericGrantRequest(other, EXCHANGE_GRANT, {
      subject_token: subject,
      subject_token_type: ACCESS_TOKEN,
      scope: 'projects:read',
      resource: PROJECTS,
    });
    expect(traded).toMatchObject({
      issued_token_type: ACCESS_TOKEN,
      token_type: 'bearer',
      scope: 'projects:read',
    });
    expect(await openid.tokenIntrospection(other, traded.access_token)).toMatchObject({
      active: true,
      sub: world.id(MEMBER),
      client_id: service.id,
    });
    await expect(
      openid.genericGrantRequest(other, EXCHANGE_GRANT, {
        subject_token: 'x',
        subject_token_type: ACCESS_TOKEN,
      }),
    ).rejects.toMatchObject({ error: 'invalid_request', status: 400 });
  });

  it('RFC 7591 §3: registers itself, and is from then on a client like others', async () => {
    const registered = await openid.dynamicClientRegistration(
      new URL(world.url),
      {
        redirect_uris: ['https://newcomer.example/callback'],
        client_name: 'Newcomer',
        scope: 'openid profile',
      },
      undefined,
      { execute: [openid.allowInsecureRequests] },
    );
    const address = openid.buildAuthorizationUrl(registered, {
      redirect_uri: 'https://newcomer.example/callback',
      scope: 'openid',
      code_challenge: await openid.calculatePKCECodeChallenge(openid.randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
    });
    // nobody has allowed it yet
    expect(destinationOf(await visit(address)).pathname).toBe('/consent');
  });
});

describe('oauth4webapi, from discovery alone', () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const client: oauth.Client = { client_id: 'web' };
  let server: oauth.AuthorizationServer;
  let authentication: oauth.ClientAuth;

  beforeAll(async () => {
    const issuer = new URL(world.url);
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    authentication = oauth.ClientSecretBasic(web.secret ?? '');
  });

  const request = async (extra: Record<string, string> = {}) => {
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const address = new URL(server.authorization_endpoint ?? '');
    address.search = new URLSearchParams({
      client_id: client.client_id,
      response_type: 'code',
      redirect_uri: web.redirectUri,
      scope: SCOPE,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...extra,
    }).toString();
    return { address, verifier, state, nonce };
  };
  const exchange = async (
    answer: URL | URLSearchParams,
    { verifier, state, nonce }: Awaited<ReturnType<typeof request>>,
  ) => {
    const parameters = oauth.validateAuthResponse(server, client, answer, state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      parameters,
      web.redirectUri,
      verifier,
      insecure,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    return { tokens, response };
  };
  const signIn = async () => {
    const asked = await request();
    return exchange(destinationOf(await visit(asked.address)), asked);
  };

  it('signs in by code, PKCE, state and nonce, and verifies the ID token by our keys (OpenID Connect Core §3.1.3.7)', async () => {
    const { tokens, response } = await signIn();
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({ sub: world.id(MEMBER), aud: 'web' });
    await oauth.validateApplicationLevelSignature(server, response, insecure);
  });

  it('takes its answer from a form that the browser posts (OAuth 2.0 Form Post Response Mode §2)', async () => {
    const asked = await request({ response_mode: 'form_post' });
    const form = await posted(await visit(asked.address));
    const { tokens } = await exchange(new URLSearchParams(await form.text()), asked);
    expect(oauth.getValidatedIdTokenClaims(tokens)?.sub).toBe(world.id(MEMBER));
  });

  it('verifies our access tokens as a resource server does (RFC 9068 §4)', async () => {
    const { tokens } = await signIn();
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    const claims = await oauth.validateJwtAccessToken(
      server,
      new Request(PROJECTS, { headers }),
      PROJECTS,
      insecure,
    );
    expect(claims).toMatchObject({
      sub: world.id(MEMBER),
      client_id: 'web',
      scope: expect.stringContaining('projects:read'),
    });
    await expect(
      oauth.validateJwtAccessToken(
        server,
        new Request(PROJECTS, { headers }),
        'https://elsewhere.example',
        insecure,
      ),
    ).rejects.toMatchObject({ code: 'OAUTH_JWT_CLAIM_COMPARISON_FAILED' });
  });

  it('reads userinfo, refreshes, introspects and revokes, until nothing of the sign-in works', async () => {
    const { tokens } = await signIn();
    const info = await oauth.processUserInfoResponse(
      server,
      client,
      world.id(MEMBER),
      await oauth.userInfoRequest(server, client, tokens.access_token, insecure),
    );
    expect(info.name).toBe('Max Member');
    const refresh = async (token = '') =>
      oauth.processRefreshTokenResponse(
        server,
        client,
        await oauth.refreshTokenGrantRequest(server, client, authentication, token, insecure),
      );
    const renewed = await refresh(tokens.refresh_token);
    const introspect = async () =>
      oauth.processIntrospectionResponse(
        server,
        client,
        await oauth.introspectionRequest(server, client, authentication, renewed.access_token, insecure),
      );
    expect((await introspect()).active).toBe(true);
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, authentication, renewed.refresh_token ?? '', insecure),
    );
    expect(await introspect()).toEqual({ active: false });
    await expect(refresh(renewed.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('exchanges a token in its generic request, and names an actor (RFC 8693 §2.1, §4.1)', async () => {
    const { tokens } = await signIn();
    const other: oauth.Client = { client_id: service.id };
    const secret = oauth.ClientSecretPost(service.secret ?? '');
    const own = await oauth.processClientCredentialsResponse(
      server,
      other,
      await oauth.clientCredentialsGrantRequest(server, other, secret, { scope: 'projects:read' }, insecure),
    );
    const response = await oauth.genericTokenEndpointRequest(
      server,
      other,
      secret,
      EXCHANGE_GRANT,
      {
        subject_token: tokens.access_token,
        subject_token_type: ACCESS_TOKEN,
        actor_token: own.access_token,
        actor_token_type: ACCESS_TOKEN,
        scope: 'projects:read',
      },
      insecure,
    );
    const traded = await oauth.processGenericTokenEndpointResponse(server, other, response);
    expect(claimsOf(traded.access_token)).toMatchObject({ sub: world.id(MEMBER), act: { sub: service.id } });
  });

  it('finds where to sign out, and comes back with its state (RP-Initiated Logout §2)', async () => {
    const { tokens } = await signIn();
    const address = new URL(server.end_session_endpoint ?? '');
    address.search = new URLSearchParams({
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: SIGNED_OUT,
      state: 'back',
    }).toString();
    expect(destinationOf(await visit(address)).href).toBe(`${SIGNED_OUT}?state=back`);
    browser = await world.signIn(MEMBER);
  });
});
