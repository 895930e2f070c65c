import { Database, sql } from '#platform';
import { hiddenFields } from './http-browser.js';
import { beginDevice, decideDevice, DEVICE_GRANT } from './device.js';
import { basic, type TestClient, type World } from './world.js';

const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const SCOPE = 'openid profile email offline_access projects:read';

/** What one endpoint, or one grant of it, takes, by a request of it that is good. */
export interface Endpoint {
  readonly title: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Its parameters with good values. */
  readonly good: Readonly<Record<string, string>>;
  readonly required: readonly string[];
  /** May come several times, each checked (RFC 8707 §2, RFC 8693 §2.1). */
  readonly repeatable?: readonly string[];
  /** Any text is good: what it means is the client's own matter, or a wish that may stay unheard. */
  readonly free?: readonly string[];
  /** Decide nothing, so that nothing can be wrong with them. */
  readonly ignored?: readonly string[];
  /** Makes good values anew, when a request that was taken has used them up. */
  readonly renew?: () => Promise<Readonly<Record<string, string>>>;
  /** How the good request is answered. */
  readonly success: number;
  /** The errors that its specification has for a bad request. */
  readonly errors: readonly string[];
}

/** RFC 6749 §5.2 and its extensions */
const TOKEN_ERRORS = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
];
/** RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6, RFC 8707 §2 */
const AUTHORIZATION_ERRORS = [
  'invalid_request',
  'unauthorized_client',
  'unsupported_response_type',
  'invalid_scope',
  'invalid_target',
  'request_not_supported',
  'request_uri_not_supported',
];

/** Who may do everything, so that a refusal is about the parameter alone. */
export async function createEverythingClient(world: World): Promise<TestClient> {
  return world.createClient({
    id: 'everything',
    moduleKey: 'projects',
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials', DEVICE_GRANT, EXCHANGE_GRANT],
    scopes: SCOPE.split(' '),
    redirectUris: ['https://projects.example/callback'],
    postLogoutRedirectUris: ['https://projects.example/signed-out'],
  });
}

/** Every endpoint that takes a form or a query. */
export async function formEndpoints(world: World, client: TestClient): Promise<Endpoint[]> {
  const browser = await world.signIn('member@acme.example');
  const cookie = browser.cookieNames.map((name) => `${name}=${browser.cookie(name)}`).join('; ');
  return [
    ...authorizationEndpoints(world, client, cookie),
    ...(await tokenEndpoints(world, client)),
    ...(await clientEndpoints(world, client)),
    ...(await personEndpoints(world, client, cookie)),
  ];
}

function authorizationEndpoints(world: World, client: TestClient, cookie: string): Endpoint[] {
  const { parameters } = world.authorizationRequest(client, {
    scope: SCOPE,
    response_mode: 'query',
    resource: 'https://projects.example',
    max_age: '3600',
    prompt: 'consent',
    login_hint: 'member@acme.example',
    acr_values: '1',
    ui_locales: 'en',
    claims: '{"id_token":{"email":null}}',
    dpop_jkt: 'a'.repeat(43),
    display: 'page',
    id_token_hint: 'x',
    claims_locales: 'en',
  });
  const signedIn = Object.fromEntries(
    Object.entries(parameters).filter(([name]) => name !== 'prompt' && name !== 'dpop_jkt'),
  );
  const common = {
    required: ['response_type', 'client_id', 'redirect_uri', 'code_challenge', 'code_challenge_method'],
    repeatable: ['resource'],
    free: ['state', 'nonce', 'login_hint', 'acr_values', 'ui_locales'],
    // nothing here depends on them; that each comes once is asked of all
    ignored: ['display', 'id_token_hint', 'claims_locales'],
    errors: AUTHORIZATION_ERRORS,
  };
  const headers = { cookie, accept: 'text/html' };
  const path = '/oauth2/authorize';
  return [
    { ...common, title: 'authorization by GET', method: 'GET', path, headers, good: signedIn, success: 303 },
    {
      ...common,
      title: 'authorization by POST',
      method: 'POST',
      path,
      headers,
      good: signedIn,
      success: 303,
    },
    {
      ...common,
      title: 'pushed authorization (RFC 9126)',
      method: 'POST',
      path: '/oauth2/par',
      headers: { authorization: basic(client) },
      good: parameters,
      // the client is known by its authentication
      required: common.required.filter((name) => name !== 'client_id'),
      success: 201,
      errors: [...AUTHORIZATION_ERRORS, 'invalid_client'],
    },
  ];
}

async function tokenEndpoints(world: World, client: TestClient): Promise<Endpoint[]> {
  const resource = 'https://projects.example';
  const issued = await freshTokens(world, client);
  const browser = await world.signIn('member@acme.example');
  const freshCode = async () => {
    const { code, verifier } = await world.code(client, browser, { scope: SCOPE });
    const redirect = { redirect_uri: client.redirectUri, resource };
    return { grant_type: 'authorization_code', code, code_verifier: verifier, ...redirect };
  };
  const freshDevice = async () => {
    const device = await beginDevice(world, client, { scope: 'openid projects:read' });
    await decideDevice(browser, device);
    return { grant_type: DEVICE_GRANT, device_code: device.device_code, resource };
  };
  const grants: readonly Pick<Endpoint, 'title' | 'good' | 'renew' | 'required'>[] = [
    {
      title: 'authorization_code',
      good: await freshCode(),
      renew: freshCode,
      required: ['grant_type', 'code', 'code_verifier'],
    },
    {
      title: 'refresh_token',
      good: { grant_type: 'refresh_token', refresh_token: issued.refresh_token, scope: 'openid', resource },
      required: ['grant_type', 'refresh_token'],
    },
    {
      title: 'client_credentials',
      good: { grant_type: 'client_credentials', scope: 'projects:read', resource },
      required: ['grant_type'],
    },
    {
      title: 'device_code (RFC 8628)',
      good: await freshDevice(),
      renew: freshDevice,
      required: ['grant_type', 'device_code'],
    },
    {
      title: 'token-exchange (RFC 8693)',
      good: {
        grant_type: EXCHANGE_GRANT,
        subject_token: issued.access_token,
        subject_token_type: ACCESS_TOKEN,
        requested_token_type: ACCESS_TOKEN,
        audience: 'projects',
        scope: 'projects:read',
        resource,
      },
      required: ['grant_type', 'subject_token', 'subject_token_type'],
    },
  ];
  const headers = { authorization: basic(client) };
  const byPost = {
    title: 'token by client_secret_post',
    headers: {},
    good: { grant_type: 'client_credentials', client_id: client.id, client_secret: client.secret ?? '' },
    required: ['grant_type', 'client_id', 'client_secret'],
  };
  return [...grants.map((grant) => ({ headers, ...grant, title: `token by ${grant.title}` })), byPost].map(
    (each) => ({
      ...each,
      method: 'POST',
      path: '/oauth2/token',
      repeatable: ['resource', 'audience'],
      success: 200,
      errors: TOKEN_ERRORS,
    }),
  );
}

async function clientEndpoints(world: World, client: TestClient): Promise<Endpoint[]> {
  const { access_token: token } = await freshTokens(world, client);
  const webhook = { url: 'http://127.0.0.1:1/hook', kinds: 'session-ended' };
  /** Makes room for another. */
  const withoutWebhooks = async () => {
    await world.app.get(Database).query(sql`DELETE FROM webhooks`);
    return webhook;
  };
  const common = { method: 'POST', headers: { authorization: basic(client) }, errors: TOKEN_ERRORS } as const;
  return [
    {
      ...common,
      title: 'introspection (RFC 7662)',
      path: '/oauth2/introspect',
      good: { token, token_type_hint: 'access_token' },
      required: ['token'],
      // an unknown token is no error (§2.2)
      free: ['token'],
      ignored: ['token_type_hint'],
      success: 200,
    },
    {
      ...common,
      title: 'revocation (RFC 7009)',
      path: '/oauth2/revoke',
      good: { token: 'unknown', token_type_hint: 'access_token' },
      required: ['token'],
      free: ['token'],
      ignored: ['token_type_hint'],
      success: 200,
    },
    {
      ...common,
      title: 'device authorization (RFC 8628)',
      path: '/oauth2/device_authorization',
      good: { scope: 'openid projects:read', resource: 'https://projects.example' },
      required: [],
      repeatable: ['resource'],
      success: 200,
    },
    {
      ...common,
      title: 'a new webhook',
      path: '/v1/webhooks',
      good: webhook,
      renew: withoutWebhooks,
      required: ['url'],
      success: 201,
    },
  ];
}

async function personEndpoints(world: World, client: TestClient, cookie: string): Promise<Endpoint[]> {
  const { access_token: bearer, id_token: hint } = await freshTokens(world, client);
  const device = await beginDevice(world, client);
  const headers = { cookie, accept: 'text/html' };
  const errors = ['invalid_request', 'access_denied', 'not_found'];
  const form = await fetch(`${world.url}/device`, { headers });
  const fields = hiddenFields(await form.text());
  const userinfo = {
    path: '/oauth2/userinfo',
    headers: { authorization: `Bearer ${bearer}` },
    good: { access_token: bearer, schema: 'openid' },
    required: [],
    // the token is taken from the header alone
    ignored: ['access_token', 'schema'],
    success: 200,
    errors,
  };
  const logout = {
    path: '/oauth2/logout',
    headers: { accept: 'text/html' },
    good: {
      id_token_hint: hint,
      client_id: client.id,
      post_logout_redirect_uri: 'https://projects.example/signed-out',
      state: 'x',
    },
    required: [],
    free: ['state'],
    ignored: ['logout_hint', 'ui_locales'],
    success: 303,
    errors,
  };
  return [
    { ...userinfo, title: 'userinfo by GET', method: 'GET' },
    { ...userinfo, title: 'userinfo by POST', method: 'POST' },
    { ...logout, title: 'logout by GET', method: 'GET' },
    { ...logout, title: 'logout by POST', method: 'POST' },
    {
      title: 'the page for a device',
      method: 'GET',
      path: '/device',
      headers,
      good: { user_code: device.user_code },
      required: [],
      // a code that can be none leaves the field empty
      free: ['user_code'],
      success: 200,
      errors,
    },
    {
      title: 'the form for a device',
      method: 'POST',
      path: '/device',
      headers: { ...headers, 'sec-fetch-site': 'same-origin' },
      good: { ...fields, user_code: device.user_code },
      required: ['csrf_token', 'user_code'],
      success: 200,
      errors,
    },
    {
      title: 'the picture for a device',
      method: 'GET',
      path: '/device/qr',
      headers: {},
      good: { user_code: device.user_code },
      required: ['user_code'],
      success: 200,
      errors,
    },
  ];
}

async function freshTokens(world: World, client: TestClient) {
  const browser = await world.signIn('member@acme.example');
  const answer = await world.exchange(client, await world.code(client, browser, { scope: SCOPE }));
  if (answer.status !== 200) throw new Error(`exchange answered ${JSON.stringify(answer.body)}`);
  return answer.body as { access_token: string; refresh_token: string; id_token: string };
}
