import { Client } from 'pg';
import { ExpiryRepository } from '#oauth';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parametersOf, pathTo } from '../support/answers.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { PASSWORD, World, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';

describe('pushed authorization requests (RFC 9126)', () => {
  let world: World;
  let projects: TestClient;
  let pushing: TestClient;
  let member: HttpBrowser;

  beforeAll(async () => {
    world = await World.start();
    projects = world.client('projects');
    pushing = await world.createClient({ id: 'pushing', parRequired: true });
    member = await world.signIn(MEMBER);
  });
  afterAll(() => world.stop());

  const push = async (client: TestClient, extra: Readonly<Record<string, string>> = {}) => {
    const { parameters, verifier } = world.authorizationRequest(client, extra);
    const answer = await world.call('/oauth2/par', client, parameters);
    return { answer, verifier, parameters, uri: String(answer.body['request_uri']) };
  };
  const visit = (client: TestClient, uri: string, browser = member, more: Record<string, string> = {}) =>
    browser.get(
      `/oauth2/authorize?${new URLSearchParams({ client_id: client.id, request_uri: uri, ...more })}`,
    );

  it('§2.2: the answer is 201 with a request_uri and how long it lives, and must not be stored', async () => {
    const { answer } = await push(projects);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}$/),
      expires_in: 90,
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('§4: the browser brings only client_id and request_uri; the code can be exchanged', async () => {
    const { uri, verifier } = await push(projects, { state: 'pushed' });
    const parameters = parametersOf(await visit(projects, uri));
    expect(parameters).toMatchObject({ state: 'pushed', iss: world.url });
    const exchanged = await world.exchange(projects, { code: String(parameters['code']), verifier });
    expect(exchanged.status).toBe(200);
  });

  it('§4: nothing that the browser adds beside the request_uri counts', async () => {
    const { uri } = await push(projects, { state: 'pushed', scope: 'openid' });
    const answer = await visit(projects, uri, member, {
      state: 'other',
      redirect_uri: 'https://evil.example/',
      scope: 'openid projects:write',
      prompt: 'none',
    });
    expect(answer.headers.get('location')).toMatch(/^https:\/\/projects\.example\/callback\?/);
    expect(parametersOf(answer)).toMatchObject({ state: 'pushed' });
  });

  it('§2.1: the client must authenticate', async () => {
    const { parameters } = world.authorizationRequest(projects);
    const body = new URLSearchParams(parameters);
    const answer = await fetch(`${world.url}/oauth2/par`, { method: 'POST', body });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: 'invalid_client' });
  });

  it('§2.1: a request_uri cannot be pushed', async () => {
    const { answer } = await push(projects, { request_uri: 'urn:ietf:params:oauth:request_uri:x' });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it.each([
    ['invalid_request', { redirect_uri: 'https://evil.example/callback' }],
    ['invalid_request', { code_challenge_method: 'plain' }],
    ['invalid_scope', { scope: 'openid unheard:of' }],
    ['unsupported_response_type', { response_type: 'token' }],
    ['invalid_request', { prompt: 'none login' }],
    ['invalid_target', { resource: 'not a uri' }],
  ])('§2.3: what the authorization endpoint would refuse is refused at once: %s %j', async (error, extra) => {
    const { answer } = await push(projects, extra);
    expect(answer).toMatchObject({ status: 400, body: { error } });
    expect(answer.body).toHaveProperty('error_description');
  });

  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD'])('§2.3: %s is answered by 405', async (method) => {
    const answer = await fetch(`${world.url}/oauth2/par`, { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    if (method !== 'HEAD') expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  });

  it('§2.3: a request that is too large is answered by 413', async () => {
    const { answer } = await push(projects, { state: 'x'.repeat(70_000) });
    expect(answer).toMatchObject({ status: 413, body: { error: 'invalid_request' } });
    // where RFC 6749 §5.2 rules it is malformed
    const token = await world.token(projects, { grant_type: 'x'.repeat(70_000) });
    expect(token).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it('§2.2: a request_uri is bound to the client that pushed it', async () => {
    const twin = await world.createClient({ id: 'twin', redirectUris: [projects.redirectUri] });
    const { uri } = await push(projects);
    const answer = await visit(twin, uri);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
    expect(parametersOf(await visit(projects, uri))).toHaveProperty('code');
  });

  it('§2.2: it is used once', async () => {
    const { uri } = await push(projects);
    expect(parametersOf(await visit(projects, uri))).toHaveProperty('code');
    expect((await visit(projects, uri)).status).toBe(400);
  });

  it('an error answer uses it up too', async () => {
    const { uri } = await push(projects, { prompt: 'none' });
    expect(parametersOf(await visit(projects, uri, world.browser()))).toMatchObject({
      error: 'login_required',
    });
    expect((await visit(projects, uri)).status).toBe(400);
  });

  it('of 12 simultaneous visits one gets a code, on two nodes, repeated', async () => {
    const second = await World.start({ beside: world });
    const elsewhere = member.at(second.url);
    for (let round = 0; round < 10; round += 1) {
      const { uri } = await push(projects);
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, index) => visit(projects, uri, index % 2 ? elsewhere : member)),
      );
      expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 400)).toHaveLength(11);
    }
    await second.stop();
  });

  it('§2.2: it expires when nobody comes in time', async () => {
    const { uri } = await push(projects);
    world.clock.advance(90_000);
    expect((await visit(projects, uri)).status).toBe(400);
  });

  it('who came in time may take as long as a person needs to sign in', async () => {
    const { uri } = await push(projects);
    const browser = world.browser();
    const page = pathTo(await visit(projects, uri, browser));
    expect(page).toMatch(/^\/sign-in\?/);
    world.clock.advance(600_000);
    const signedIn = await browser.submit(page, '/sign-in', { email: MEMBER, password: PASSWORD });
    const answer = await browser.get(pathTo(signedIn));
    expect(parametersOf(answer)).toHaveProperty('code');
  });

  it('prompt=login of a pushed request is fulfilled by signing in, not by leaving it out of the address', async () => {
    const browser = await world.signIn(MEMBER);
    world.clock.advance(1000);
    const { uri } = await push(projects, { prompt: 'login' });
    const page = pathTo(await visit(projects, uri, browser));
    expect(page).toMatch(/^\/sign-in\?/);
    expect(pathTo(await visit(projects, uri, browser))).toMatch(/^\/sign-in\?/);
    world.clock.advance(1000);
    const signedIn = await browser.submit(page, '/sign-in', { email: MEMBER, password: PASSWORD });
    expect(parametersOf(await browser.get(pathTo(signedIn)))).toHaveProperty('code');
  });

  it('§5: a client that must push gets invalid_request for any other request, by redirection', async () => {
    const { path } = world.authorizationRequest(pushing, { state: 's' });
    expect(parametersOf(await member.get(path))).toMatchObject({ error: 'invalid_request', state: 's' });
    const { uri } = await push(pushing);
    expect(parametersOf(await visit(pushing, uri))).toHaveProperty('code');
  });

  it('the database holds references as digests and requests encrypted; those that expired are swept', async () => {
    const { uri, parameters } = await push(projects, { login_hint: 'somebody@acme.example' });
    const database = new Client({ connectionString: world.database.url });
    await database.connect();
    const rows = async () =>
      (await database.query<{ row: string }>('SELECT p::text AS row FROM pushed_requests p')).rows;
    expect((await rows()).length).toBeGreaterThan(0);
    for (const { row } of await rows()) {
      expect(row).not.toContain(uri.slice(-43));
      for (const name of ['state', 'nonce', 'login_hint']) expect(row).not.toContain(parameters[name]);
    }
    world.clock.advance(3_700_000);
    await world.app.get(ExpiryRepository).prune(1000);
    expect(await rows()).toEqual([]);
    await database.end();
  });
});
