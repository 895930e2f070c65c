// The server that ours is measured beside: oidc-provider with our lifetimes, keys and rotation, in a process of its own.
// PEER_SETTINGS says what it is to be; when it is ready it writes the cookies of the sessions that it has opened.
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';
import pg from 'pg';
import { adapterOn, createTable } from './adapter.mjs';

// a parent that died leaves no orphan behind
process.on('disconnect', () => process.exit(0));
start(JSON.parse(process.env.PEER_SETTINGS)).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});

async function start(settings) {
  const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: settings.poolSize });
  await createTable(pool);
  const provider = new Provider(settings.issuer, configuration(settings, adapterOn(pool)));
  const server = provider.listen(settings.port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const sessions = [];
  for (let number = 0; number < settings.sessions; number += 1) {
    sessions.push(await openSession(provider, settings, `person-${number}`));
  }
  process.stdout.write(`ready ${JSON.stringify(sessions)}\n`);
}

function configuration(settings, adapter) {
  return {
    adapter,
    clients: settings.clients.map(({ id, secret, redirectUri }) => ({
      client_id: id,
      client_secret: secret,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
    })),
    jwks: { keys: [keyOf('ec', { namedCurve: 'P-256' }), keyOf('rsa', { modulusLength: 2048 })] },
    scopes: ['openid', 'profile', 'email'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    // our ID tokens carry the claims of their scopes too
    conformIdTokenClaims: false,
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: 'Max Member', email: `${id}@acme.example` }),
    }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      userinfo: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // it introspects no JWT, so the client that does has opaque tokens
        defaultResource: (_ctx, client, oneOf) =>
          oneOf ?? (client.clientId === settings.opaqueClient ? undefined : settings.resource),
        useGrantedResource: (_ctx, model) => model.clientId !== settings.opaqueClient,
        getResourceServerInfo: () => ({
          scope: settings.resourceScope,
          audience: settings.resource,
          accessTokenTTL: settings.lifetimes.accessToken,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    pkce: { required: () => true },
    interactions: { url: () => '/interaction' },
    ttl: {
      AccessToken: settings.lifetimes.accessToken,
      ClientCredentials: settings.lifetimes.accessToken,
      AuthorizationCode: settings.lifetimes.code,
      RefreshToken: settings.lifetimes.refreshToken,
      IdToken: settings.lifetimes.idToken,
      Session: settings.lifetimes.session,
      Grant: settings.lifetimes.refreshToken,
    },
  };
}

function keyOf(type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: type === 'ec' ? 'ES256' : 'RS256' };
}

/** Somebody who has signed in and has allowed every client what it asks for. */
async function openSession(provider, settings, accountId) {
  const session = new provider.Session();
  session.loginAccount({ accountId, amr: ['pwd'] });
  for (const { id: clientId } of settings.clients) {
    const grant = new provider.Grant({ accountId, clientId });
    grant.addOIDCScope('openid profile email');
    if (clientId !== settings.opaqueClient) grant.addResourceScope(settings.resource, settings.resourceScope);
    const grantId = await grant.save();
    session.ensureClientContainer(clientId);
    session.grantIdFor(clientId, grantId);
  }
  await session.save(settings.lifetimes.session);
  return `${provider.cookieName('session')}=${session.id}`;
}
