import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { altered } from '../support/answers.js';
import { basic, World, type TestClient } from '../support/world.js';

const ENDPOINTS = ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke'] as const;

describe('client authentication (RFC 6749 §2.3, §5.2)', () => {
  let world: World;
  let client: TestClient;
  let open: TestClient;

  beforeAll(async () => {
    world = await World.start();
    client = world.client('projects');
    open = await world.createClient({ id: 'open', secretSha256: null });
  });
  afterAll(() => world.stop());

  const post = async (path: string, fields: Record<string, string> | string, authorization?: string) => {
    const response = await fetch(world.url + path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: authorization === undefined ? {} : { authorization },
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
    };
  };
  const request = { grant_type: 'client_credentials', scope: 'projects:read', token: 'x' };

  it('client_secret_basic, client_secret_post and none are taken', async () => {
    expect((await post('/oauth2/token', request, basic(client))).status).toBe(200);
    const posted = { ...request, client_id: client.id, client_secret: client.secret ?? '' };
    expect((await post('/oauth2/token', posted)).status).toBe(200);
    expect((await post('/oauth2/revoke', { token: 'x', client_id: 'open' })).status).toBe(200);
  });

  it('§2.3.1: a secret is taken by Basic and in the body, whichever of the two the client is registered for', async () => {
    const posting = await world.createClient({
      id: 'posting',
      tokenEndpointAuthMethod: 'client_secret_post',
    });
    for (const each of [client, posting]) {
      const posted = { ...request, client_id: each.id, client_secret: each.secret ?? '' };
      expect((await post('/oauth2/token', posted)).status).toBe(200);
      expect((await post('/oauth2/token', request, basic(each))).status).toBe(200);
    }
  });

  it.each(ENDPOINTS)(
    '§5.2: a wrong secret by Basic is 401 invalid_client with a Basic challenge at %s',
    async (path) => {
      const answer = await post(path, request, basic({ ...client, secret: altered(client.secret ?? '') }));
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    },
  );

  it.each(ENDPOINTS)(
    '§5.2: a wrong secret in the body, or none at all, is 401 invalid_client at %s',
    async (path) => {
      for (const fields of [
        { ...request, client_id: client.id, client_secret: 'wrong' },
        { ...request, client_id: client.id },
        { ...request, client_secret: client.secret ?? '' },
        request,
      ]) {
        expect(await post(path, fields)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      }
    },
  );

  it.each(ENDPOINTS)('an unknown client is answered as a wrong secret is at %s', async (path) => {
    const wrong = await post(path, request, basic({ ...client, secret: 'wrong' }));
    const unknown = await post(path, request, basic({ ...client, id: 'nobody' }));
    expect([unknown.status, unknown.body]).toEqual([wrong.status, wrong.body]);
    expect(unknown.headers.get('www-authenticate')).toBe(wrong.headers.get('www-authenticate'));
  });

  it.each([
    'Basic',
    'Basic !!!',
    'Basic =',
    `Basic ${Buffer.from('no-colon').toString('base64')}`,
    `Basic ${Buffer.from(':').toString('base64')}`,
    `Basic ${Buffer.from('%zz:%zz').toString('base64')}`,
    `Basic ${Buffer.from('projects\0:x').toString('base64')}`,
    'Bearer x',
    'Digest username="projects"',
  ])('malformed credentials are 401 with a challenge: %s', async (authorization) => {
    const answer = await post('/oauth2/token', request, authorization);
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(answer.headers.get('www-authenticate')).toContain('Basic');
  });

  it('§2.3: more than one method in one request is invalid_request', async () => {
    const both = { ...request, client_secret: client.secret ?? '' };
    expect(await post('/oauth2/token', both, basic(client))).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    const other = { ...request, client_id: 'reports' };
    expect(await post('/oauth2/token', other, basic(client))).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    expect((await post('/oauth2/token', { ...request, client_id: 'projects' }, basic(client))).status).toBe(
      200,
    );
  });

  it('§3.2: credentials sent twice are invalid_request', async () => {
    const secret = encodeURIComponent(client.secret ?? '');
    for (const twice of [`client_id=projects`, `client_secret=${secret}`]) {
      const fields = `grant_type=client_credentials&client_id=projects&client_secret=${secret}&${twice}`;
      expect(await post('/oauth2/token', fields)).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      });
    }
  });

  it('§2.3.1: identifier and secret are form-decoded after Basic', async () => {
    const encoded = `%70rojects:${[...(client.secret ?? '')].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('')}`;
    const authorization = `Basic ${Buffer.from(encoded).toString('base64')}`;
    expect((await post('/oauth2/token', request, authorization)).status).toBe(200);
  });

  it('a public client that sends a secret is refused, by either method', async () => {
    expect((await post('/oauth2/revoke', { token: 'x' }, basic({ ...open, secret: '' }))).status).toBe(401);
    expect((await post('/oauth2/revoke', { token: 'x', client_id: 'open', client_secret: 'x' })).status).toBe(
      401,
    );
  });

  it('§3.2: credentials in the address are not taken', async () => {
    const query = new URLSearchParams({ client_id: client.id, client_secret: client.secret ?? '' });
    expect((await post(`/oauth2/token?${query}`, request)).status).toBe(401);
  });

  it('the token endpoint answers POST alone', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const response = await fetch(`${world.url}/oauth2/token`, {
        method,
        headers: { authorization: basic(client) },
      });
      expect(response.status).toBe(404);
    }
  });

  it('the database holds the SHA-256 of the secret, not the secret', async () => {
    const { Client } = await import('pg');
    const database = new Client({ connectionString: world.database.url });
    await database.connect();
    const { rows } = await database.query<{ row: string; digest: string }>(
      "SELECT c::text AS row, encode(secret_sha256, 'hex') AS digest FROM clients c WHERE id = 'projects'",
    );
    await database.end();
    const expected = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(client.secret ?? '')));
    expect(rows[0]?.row).not.toContain(client.secret);
    expect(rows[0]?.digest).toBe(expected.toString('hex'));
  });

  it('a client that was disabled authenticates nowhere, and its tokens are inactive', async () => {
    const gone = await world.createClient({ id: 'gone', moduleKey: 'projects' });
    await world.heard();
    const { body } = await world.token(gone, request);
    await world.clients.disable('gone', world.clock.now(), 'test');
    expect((await world.introspect(client, String(body['access_token']))).body).toEqual({ active: false });
    await world.heard();
    expect((await world.token(gone, request)).status).toBe(401);
  });
});
