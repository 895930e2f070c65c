import { isBackground, type LoggedStatement } from '../support/statement-log.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/answers.js';
import { beginDevice, decideDevice, DEVICE_GRANT, pollDevice } from '../support/device.js';
import { formOf } from '../support/factors.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { basic, PASSWORD, World, type TestClient } from '../support/world.js';

describe('the statement budget (counted in the log of PostgreSQL)', () => {
  let world: World;
  let client: TestClient;
  let device: TestClient;
  let browser: HttpBrowser;

  beforeAll(async () => {
    world = await World.start({ logStatements: true });
    client = world.client('projects');
    device = await world.createClient({ id: 'device', grantTypes: [DEVICE_GRANT], redirectUris: [] });
    browser = await world.signIn('member@acme.example');
    // the changes that made the world are heard; then what a node remembers it has read once
    await world.heard();
    await world.exchange(client, await world.code(client, browser));
    await world.token(client, { grant_type: 'client_credentials', scope: 'projects:read' });
  });
  afterAll(() => world.stop());
  beforeEach(() => world.database.statements.clear());

  /** Reads and writes since the last look, without the background's; the log is written before a statement runs. */
  const spent = () => {
    const statements = world.database.statements.take().filter((statement) => !isBackground(statement));
    const count = (kind: string) => statements.filter((statement) => statement.kind === kind);
    return {
      reads: count('read').length,
      writes: count('write').length,
      texts: statements.filter(({ kind }) => kind === 'read' || kind === 'write').map(({ text }) => text),
    };
  };
  const expectSpent = (reads: number, writes: number) => {
    const { texts, ...counted } = spent();
    expect({ ...counted, texts }).toEqual({ reads, writes, texts });
  };
  const start = async () => {
    const { body } = await world.exchange(client, await world.code(client, browser));
    world.database.statements.clear();
    return { access: String(body['access_token']), refresh: String(body['refresh_token']) };
  };

  it('the background alone is told apart from what requests ask', async () => {
    const all: LoggedStatement[] = [];
    await eventually(() => {
      all.push(...world.database.statements.take());
      return all.filter(isBackground).length > 4 || undefined;
    }, 'the background');
    expect(all.filter((statement) => !isBackground(statement) && statement.kind !== 'transaction')).toEqual(
      [],
    );
  });

  it.each(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/oauth2/jwks'])(
    '%s: no statement',
    async (path) => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(world.url + path)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      // nor what the background asks too, as it does once a minute
      const keyReads = world.database.statements.take().filter(({ text }) => /\bFROM keys\b/.test(text));
      expect(keyReads.length).toBeLessThan(2);
      for (let time = 0; time < 3; time += 1) await fetch(world.url + path);
      expectSpent(0, 0);
    },
  );

  it('client credentials: no statement', async () => {
    expect(
      (await world.token(client, { grant_type: 'client_credentials', scope: 'projects:read' })).status,
    ).toBe(200);
    expectSpent(0, 0);
  });

  it("client credentials of an organization's client, whose license is looked at: no statement", async () => {
    const machine = await world.createClient({ id: 'machine', organizationId: world.id('acme') });
    await world.heard();
    const ask = () => world.token(machine, { grant_type: 'client_credentials', scope: 'projects:read' });
    expect((await ask()).status).toBe(200);
    world.database.statements.clear();
    expect((await ask()).status).toBe(200);
    expectSpent(0, 0);
  });

  it('authorize, signed in already: one read and one write', async () => {
    await world.code(client, browser);
    expectSpent(1, 1);
  });

  it('code exchange: one write', async () => {
    const exchange = await world.code(client, browser);
    world.database.statements.clear();
    expect((await world.exchange(client, exchange)).status).toBe(200);
    expectSpent(0, 1);
  });

  it('refresh: one write; the retry of a lost answer too', async () => {
    const { refresh } = await start();
    expect((await world.refresh(client, refresh)).status).toBe(200);
    expectSpent(0, 1);
    expect((await world.refresh(client, refresh)).status).toBe(200);
    expectSpent(0, 1);
  });

  it('for no organization each costs what it costs for one', async () => {
    const own = await world.createClient({ id: 'own', scopes: ['openid', 'account:read'] });
    await world.createPerson('nobody@self.example', 'Noor Nobody', {});
    const alone = await world.signIn('nobody@self.example');
    await world.heard();
    const account = { scope: 'openid account:read', resource: world.url };
    await world.code(own, alone, account);
    world.database.statements.clear();
    const code = await world.code(own, alone, account);
    expectSpent(1, 1);
    const { body } = await world.exchange(own, code);
    expectSpent(0, 1);
    expect((await world.introspect(own, String(body['access_token']))).body).toMatchObject({ active: true });
    expectSpent(1, 0);
    expect((await world.refresh(own, String(body['refresh_token']))).status).toBe(200);
    expectSpent(0, 1);
  });

  it('introspection of an access or a refresh token: one read', async () => {
    const tokens = await start();
    for (const token of [tokens.access, tokens.refresh]) {
      expect((await world.introspect(client, token)).body).toMatchObject({ active: true });
      expectSpent(1, 0);
    }
  });

  it('userinfo: one read', async () => {
    const { access } = await start();
    const response = await fetch(`${world.url}/oauth2/userinfo`, {
      headers: { authorization: `Bearer ${access}` },
    });
    expect(response.status).toBe(200);
    expectSpent(1, 0);
  });

  it('revocation of a refresh or an access token: one write', async () => {
    for (const kind of ['refresh', 'access'] as const) {
      const tokens = await start();
      expect((await world.revoke(client, tokens[kind])).status).toBe(200);
      expectSpent(0, 1);
    }
  });

  it('a license check over HTTP: one read', async () => {
    const response = await fetch(`${world.url}/v1/licenses/snapshot?organization_id=${world.id('acme')}`, {
      headers: { authorization: basic(client) },
    });
    expect(response.status).toBe(200);
    expectSpent(1, 0);
  });

  it('a license question over HTTP: one read', async () => {
    const ask = () =>
      fetch(`${world.url}/v1/licenses/check`, {
        method: 'POST',
        headers: { authorization: basic(client), 'content-type': 'application/json' },
        body: JSON.stringify({ organization_id: world.id('acme'), feature: 'export' }),
      });
    expect((await ask()).status).toBe(200);
    world.database.statements.clear();
    expect((await ask()).status).toBe(200);
    expectSpent(1, 0);
  });

  it('a device: its request and each poll one write, the poll that gets tokens one more, a forged code nothing', async () => {
    const { device_code: known } = await beginDevice(world, device);
    world.database.statements.clear();
    const codes = await beginDevice(world, device);
    expectSpent(0, 1);
    expect((await pollDevice(world, device, codes)).body['error']).toBe('authorization_pending');
    expectSpent(0, 1);
    await pollDevice(world, device, { device_code: `${known.slice(0, -4)}AAAA` });
    expectSpent(0, 0);
    await decideDevice(browser, codes);
    world.database.statements.clear();
    expect((await pollDevice(world, device, codes)).status).toBe(200);
    expectSpent(0, 2);
  });

  it('a sign-in from a known browser: two writes, of which the first finds the account', async () => {
    const person = await world.signIn('member@acme.example');
    const form = await formOf(person, '/sign-in');
    world.database.statements.clear();
    const answer = await person.post('/sign-in', {
      ...form,
      email: 'member@acme.example',
      password: PASSWORD,
    });
    expect(answer.status).toBe(303);
    expectSpent(0, 2);
  });

  it('a sign-in from another browser: four writes, of which the first finds the account', async () => {
    const stranger = world.browser();
    const form = await formOf(stranger, '/sign-in');
    world.database.statements.clear();
    await stranger.post('/sign-in', { ...form, email: 'member@acme.example', password: PASSWORD });
    expectSpent(0, 4);
  });

  it.each(['member@acme.example', 'nobody@acme.example'])(
    'a wrong password for %s: two writes, whether there is such an account or not',
    async (email) => {
      const stranger = world.browser();
      const form = await formOf(stranger, '/sign-in');
      world.database.statements.clear();
      const answer = await stranger.post('/sign-in', { ...form, email, password: 'a wrong password' });
      expect(answer.status).toBe(401);
      expectSpent(0, 2);
    },
  );

  it('a forged code, refresh token or access token: no statement', async () => {
    const forged = 'x'.repeat(22);
    await world.exchange(client, { code: `kid.${forged}.0.${forged}.${forged}`, verifier: 'v'.repeat(43) });
    await world.refresh(client, `kid.${forged}.1.${forged}.${forged}`);
    await world.introspect(client, 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.x');
    await world.revoke(client, 'nothing');
    expectSpent(0, 0);
  });
});
