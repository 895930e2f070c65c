import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import { Client } from 'pg';
import { CLIENT } from '../modules/fake-core-auth.js';
import { startModule, type GuardedModule } from '../modules/guarded-module.js';
import { DocumentServer } from '../support/document-server.js';
import { World } from '../support/world.js';

const REDIRECT = 'http://127.0.0.1/callback';
/** Where it happens to listen today (RFC 8252 §7.3). */
const LISTENS_AT = 'http://127.0.0.1:49321/callback';
const INSECURE = { [oauth.allowInsecureRequests]: true };
const METADATA = {
  client_name: 'Some Agent',
  redirect_uris: [REDIRECT],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
};

/** What an MCP client does, which knows the address of a module and nothing else; by oauth4webapi. */
describe('a client that nobody has heard of', () => {
  let world: World;
  let module: GuardedModule;
  let documents: DocumentServer;

  beforeAll(async () => {
    documents = await DocumentServer.start();
    world = await World.start({
      env: {
        CORE_AUTH_REGISTRATION: 'open',
        CORE_AUTH_REGISTRATION_SCOPES: 'openid profile offline_access projects:read',
        CORE_AUTH_CLIENT_ID_METADATA_DOCUMENTS: 'on',
      },
    });
    const { id, secret } = world.client(CLIENT.id);
    module = await startModule({ issuer: world.url }, { clientId: id, clientSecret: secret ?? '' });
    await module.listening();
    const database = new Client({ connectionString: world.database.url });
    await database.connect();
    await database.query("UPDATE modules SET base_url = $1 WHERE key = 'projects'", [module.url]);
    await database.query("INSERT INTO outbox (kind, subject) VALUES ('catalog-changed', 'projects')");
    await database.end();
    await world.heard();
  });
  afterAll(async () => {
    await module.stop();
    await world.stop();
    await documents.stop();
  });

  /** RFC 9728 §5: from a 401 to the resource, and from there to who issues its tokens. */
  const discover = async () => {
    const refused = await fetch(`${module.url}/api/read`);
    expect(refused.status).toBe(401);
    const address = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '')?.[1];
    const { resource, authorization_servers: servers } = await oauth.processResourceDiscoveryResponse(
      new URL(module.url),
      await fetch(address ?? ''),
    );
    const issuer = new URL(servers?.[0] ?? '');
    const server = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...INSECURE }),
    );
    return { resource, server };
  };
  const register = async (server: oauth.AuthorizationServer): Promise<oauth.Client> =>
    oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(server, METADATA, INSECURE),
    );
  const publish = (): oauth.Client => {
    const id = documents.url('/agent.json');
    documents.documents.set('/agent.json', { body: JSON.stringify({ ...METADATA, client_id: id }) });
    return { client_id: id, token_endpoint_auth_method: 'none' };
  };
  /** The person signs in, and allows it. */
  const authorize = async (address: URL): Promise<URL> => {
    const browser = await world.signIn('member@acme.example');
    const asked = await browser.get(`${address.pathname}${address.search}`);
    const page = asked.headers.get('location') ?? '';
    expect(page).toMatch(/^\/consent\?/);
    const allowed = await browser.submit(page, '/consent', { decision: 'allow' });
    const answer = await browser.get(allowed.headers.get('location') ?? '');
    return new URL(answer.headers.get('location') ?? '');
  };

  it.each([
    ['registers itself (RFC 7591)', register],
    [
      'has a metadata document (draft-ietf-oauth-client-id-metadata-document)',
      () => Promise.resolve(publish()),
    ],
  ])('finds its way from a 401 to an answer of the module when it %s', async (_, becomeClient) => {
    const { resource, server } = await discover();
    expect(server.client_id_metadata_document_supported).toBe(true);
    expect(server.code_challenge_methods_supported).toContain('S256');
    const client = await becomeClient(server);

    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const address = new URL(server.authorization_endpoint ?? '');
    for (const [name, value] of Object.entries({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: LISTENS_AT,
      scope: 'projects:read offline_access',
      resource,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }))
      address.searchParams.set(name, value);
    const answer = oauth.validateAuthResponse(server, client, await authorize(address), state);
    const tokens = await oauth.processAuthorizationCodeResponse(
      server,
      client,
      await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), answer, LISTENS_AT, verifier, {
        additionalParameters: { resource },
        ...INSECURE,
      }),
    );
    const ask = (token: string) =>
      fetch(`${module.url}/api/read`, { headers: { authorization: `Bearer ${token}` } });
    expect(await (await ask(tokens.access_token)).json()).toEqual({
      user: world.id('member@acme.example'),
      organization: 'acme',
    });
    const renewed = await oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(
        server,
        client,
        oauth.None(),
        tokens.refresh_token ?? '',
        INSECURE,
      ),
    );
    expect((await ask(renewed.access_token)).status).toBe(200);
  });
});
