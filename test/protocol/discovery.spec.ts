import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { World } from '../support/world.js';

describe('discovery (OpenID Connect Discovery §4, RFC 8414 §3)', () => {
  let world: World;
  let metadata: Record<string, unknown>;

  beforeAll(async () => {
    world = await World.start();
    metadata = (await (await get('/.well-known/openid-configuration')).json()) as Record<string, unknown>;
  });
  afterAll(() => world.stop());

  const get = (path: string, headers: Record<string, string> = {}) => fetch(world.url + path, { headers });

  it('one document is at both places, public and cacheable, for other origins too', async () => {
    const other = await get('/.well-known/oauth-authorization-server');
    expect(await other.json()).toEqual(metadata);
    expect(other.headers.get('content-type')).toContain('application/json');
    expect(other.headers.get('cache-control')).toContain('public');
    expect(other.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('Discovery §4.3: the issuer is exactly the address that was asked', () => {
    expect(metadata['issuer']).toBe(world.url);
  });

  it('RFC 8414 §2: every endpoint that it names exists', async () => {
    const endpoints = Object.entries(metadata).filter(([name]) => /_endpoint$|^jwks_uri$/.test(name));
    expect(endpoints.length).toBeGreaterThanOrEqual(7);
    for (const [name, address] of endpoints) {
      const response = await fetch(String(address), {
        method: /token|introspection|revocation|pushed|device/.test(name) ? 'POST' : 'GET',
        redirect: 'manual',
      });
      expect(`${name} ${response.status}`).not.toBe(`${name} 404`);
      expect(response.status).toBeLessThan(500);
    }
  });

  it('it promises what the server does: code alone, S256 alone, iss in answers (RFC 9207 §3), no password or implicit grant', () => {
    expect(metadata).toMatchObject({
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'form_post'],
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: [
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
        'none',
      ],
      introspection_endpoint_auth_methods_supported: [
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
      ],
      subject_types_supported: ['public'],
      authorization_response_iss_parameter_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    });
    expect(metadata['id_token_signing_alg_values_supported']).toContain('RS256');
    expect(metadata['scopes_supported']).toContain('openid');
  });

  it('RFC 7517 §4: the key set holds public keys alone, each with kid, use and alg', async () => {
    const response = await fetch(String(metadata['jwks_uri']));
    expect(response.headers.get('cache-control')).toContain('public');
    const { keys } = (await response.json()) as { keys: Record<string, unknown>[] };
    expect(keys.map(({ alg }) => alg).sort()).toEqual(['ES256', 'RS256']);
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
    for (const key of keys) {
      expect(key).toMatchObject({ kid: expect.any(String), use: 'sig' });
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(secret);
    }
  });

  it('the signing, MAC, encryption and license keys lie encrypted in the database', async () => {
    const { Client } = await import('pg');
    const database = new Client({ connectionString: world.database.url });
    await database.connect();
    const { rows } = await database.query<{ secret_envelope: string; row: string }>(
      'SELECT secret_envelope, k::text AS row FROM keys k',
    );
    await database.end();
    expect(rows).toHaveLength(5);
    for (const { secret_envelope: envelope, row } of rows) {
      expect(envelope).toMatch(/^v1\.test\.[\w-]{16}\.[\w-]+\.[\w-]{22}$/);
      expect(row).not.toMatch(/"d":|PRIVATE KEY/);
    }
  });

  it('two nodes that start on one database have one key set, and a third finds it', async () => {
    const other = await World.start({ beside: world });
    const ours = await (await get('/oauth2/jwks')).json();
    const theirs = await (await fetch(`${other.url}/oauth2/jwks`)).json();
    await other.stop();
    expect(theirs).toEqual(ours);
  });

  it('an inbound host name changes nothing in the document', async () => {
    const response = await get('/.well-known/openid-configuration', {
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example',
    });
    expect(await response.json()).toEqual(metadata);
  });
});
