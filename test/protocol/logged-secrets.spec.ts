import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { eventually } from '../support/answers.js';
import { BuiltProcess } from '../support/built-process.js';
import { hiddenFields, HttpBrowser } from '../support/http-browser.js';
import { freePort } from '../support/ports.js';
import { basic, PASSWORD, World } from '../support/world.js';

const WRONG = 'a wrong password that somebody typed';

describe('what the server logs', () => {
  let world: World;
  let server: BuiltProcess;
  let url: string;

  beforeAll(async () => {
    world = await World.start();
    const port = await freePort();
    url = `http://localhost:${port}`;
    server = new BuiltProcess('dist/apps/server/main.js', {
      env: { ...world.env, PORT: String(port), CORE_AUTH_URL: url, LOG_LEVEL: 'trace' },
    });
    await server.answers(`${url}/health/live`);
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await world.stop();
  });

  it('no line, at the finest level, holds a code, state, token, password, client secret or cookie', async () => {
    const client = world.client('projects');
    const browser = new HttpBrowser(url);
    const secrets: Record<string, string | undefined> = {
      PASSWORD,
      WRONG,
      'client secret': client.secret,
      basic: basic(client).slice(6),
    };
    const post = async (path: string, fields: Record<string, string>, authorization = basic(client)) => {
      const response = await fetch(url + path, {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { authorization },
      });
      return {
        status: response.status,
        body: JSON.parse((await response.text()) || '{}') as Record<string, string>,
      };
    };

    const form = hiddenFields(await (await browser.get('/sign-in')).text());
    secrets['form token'] = form['csrf_token'];
    expect(
      (await browser.post('/sign-in', { ...form, email: 'member@acme.example', password: WRONG })).status,
    ).toBe(401);
    expect(
      (await browser.post('/sign-in', { ...form, email: 'member@acme.example', password: PASSWORD })).status,
    ).toBe(303);
    for (const name of browser.cookieNames) secrets[`cookie ${name}`] = browser.cookie(name);

    const { path, parameters, verifier } = world.authorizationRequest(client);
    Object.assign(secrets, { state: parameters['state'], nonce: parameters['nonce'], verifier });
    const answer = await browser.get(path);
    const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? '';
    secrets['code'] = code;
    const exchange = { grant_type: 'authorization_code', code, code_verifier: verifier };
    const { body: tokens } = await post('/oauth2/token', exchange);
    const { access_token: access = '', refresh_token: refresh = '', id_token: id = '' } = tokens;
    expect(access).not.toBe('');
    Object.assign(secrets, { access, refresh, id });
    const { body: refreshed } = await post('/oauth2/token', {
      grant_type: 'refresh_token',
      refresh_token: refresh,
    });
    Object.assign(secrets, {
      'second access': refreshed['access_token'],
      'second refresh': refreshed['refresh_token'],
    });
    await post('/oauth2/introspect', { token: access });
    await fetch(`${url}/oauth2/userinfo`, { headers: { authorization: `Bearer ${access}` } });
    await post('/oauth2/token', exchange);
    await post('/oauth2/token', exchange, `Basic ${Buffer.from(`projects:${WRONG}`).toString('base64')}`);
    await browser.get(`/oauth2/authorize?client_id=nobody&state=${parameters['state']}&redirect_uri=x`);
    await browser.get(`/oauth2/logout?id_token_hint=${id}x&state=${parameters['state']}`);
    await post('/oauth2/revoke', { token: refresh });

    // an error of ours, with a code in its hands
    const database = new Client({ connectionString: world.database.url });
    await database.connect();
    const second = world.authorizationRequest(client);
    const secondCode =
      new URL((await browser.get(second.path)).headers.get('location') ?? '').searchParams.get('code') ?? '';
    Object.assign(secrets, { 'second code': secondCode, 'second verifier': second.verifier });
    await database.query('ALTER TABLE authorizations RENAME TO hidden');
    const failed = await post('/oauth2/token', {
      ...exchange,
      code: secondCode,
      code_verifier: second.verifier,
    });
    await database.query('ALTER TABLE hidden RENAME TO authorizations');
    await database.end();
    expect(failed).toEqual({
      status: 500,
      body: { error: 'server_error', error_description: expect.not.stringContaining('authorizations') },
    });

    await eventually(() => server.output.includes('request failed') || undefined, 'the line about the error');
    await server.stop();
    const lines = server.output.split('\n').filter((line) => line !== '');
    const requests = lines.filter(
      (line) => line.includes('"path":"/oauth2/token"') && line.includes('"statusCode"'),
    );
    expect(requests.length).toBeGreaterThanOrEqual(4);
    expect(lines.some((line) => line.includes('request failed'))).toBe(true);
    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret?.length ?? 0).toBeGreaterThan(8);
      const shown = lines.find(
        (line) => line.includes(secret ?? '') || line.includes(encodeURIComponent(secret ?? '')),
      );
      expect(`${name}: ${shown ?? 'nowhere'}`).toBe(`${name}: nowhere`);
    }
  }, 60_000);
});
