import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { pathTo } from '../support/answers.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { World, type TestClient, type Tokens } from '../support/world.js';

const MEMBER = 'member@acme.example';
const CONSULTANT = 'consultant@partners.example';
const SCOPE = 'openid profile offline_access projects:read';
const PAGE = '/account/applications';

describe('the applications that a person allowed', () => {
  let world: World;
  let database: Client;
  let calendar: TestClient;

  beforeAll(async () => {
    world = await World.start();
    database = new Client({ connectionString: world.database.url });
    await database.connect();
    calendar = await world.createClient({
      id: 'calendar',
      name: 'Team Calendar',
      firstParty: false,
      scopes: SCOPE.split(' '),
    });
  });
  beforeEach(() => database.query('DELETE FROM outbox'));
  afterAll(async () => {
    await database.end();
    await world.stop();
  });

  const choose = (browser: HttpBrowser, organization: string) =>
    browser.submit('/choose-organization', '/choose-organization', {
      organization_id: world.id(organization),
    });
  /** Allows the calendar, and gives it its tokens. */
  const allow = async (browser: HttpBrowser): Promise<Tokens> => {
    const { path } = world.authorizationRequest(calendar, { scope: SCOPE });
    const asked = pathTo(await browser.get(path));
    expect(asked).toMatch(/^\/consent\?/);
    expect((await browser.submit(asked, '/consent', { decision: 'allow' })).status).toBe(303);
    const code = await world.code(calendar, browser, { scope: SCOPE });
    return (await world.exchange(calendar, code)).body as unknown as Tokens;
  };
  const revoke = (browser: HttpBrowser, organization: string) =>
    browser.submit(PAGE, `${PAGE}/revoke`, {
      client_id: calendar.id,
      organization_id: world.id(organization),
    });
  const alive = async ({ access_token: token }: Tokens) =>
    (await world.introspect(calendar, token)).body['active'];

  it('are shown by organization with what they may do, in the words of the consent page', async () => {
    const browser = await world.signIn(CONSULTANT);
    await choose(browser, 'acme');
    await allow(browser);
    await choose(browser, 'globex');
    await allow(browser);
    const html = await (await browser.get(PAGE)).text();
    expect(html.match(/Team Calendar <span class="muted">for [\w ]+/g)).toEqual([
      expect.stringContaining('Acme Corporation'),
      expect.stringContaining('Globex'),
    ]);
    for (const words of [
      'Know that it is you who signs in',
      'See your name',
      'Keep this access while you are away, until it is withdrawn',
      'See what your organization keeps in Projects',
    ]) {
      expect(html).toContain(words);
    }
    expect(await (await (await world.signIn(MEMBER)).get(PAGE)).text()).toContain(
      'No application has access',
    );
  });

  it('lose their access when it is ended: tokens die, and consent is asked for again', async () => {
    const browser = await world.signIn(CONSULTANT);
    await choose(browser, 'globex');
    const elsewhere = await world.exchange(calendar, await world.code(calendar, browser, { scope: SCOPE }));
    await choose(browser, 'acme');
    const code = await world.code(calendar, browser, { scope: SCOPE });
    const unspent = await world.code(calendar, browser, { scope: SCOPE });
    const tokens = (await world.exchange(calendar, code)).body as unknown as Tokens;
    const stranger = await world.signIn(MEMBER);
    const strangers = await allow(stranger);
    expect(pathTo(await revoke(browser, 'acme'))).toBe(`${PAGE}?done=ended`);
    expect(await alive(tokens)).toBe(false);
    expect((await world.refresh(calendar, tokens.refresh_token)).status).toBe(400);
    expect((await world.exchange(calendar, unspent)).status).toBe(400);
    const { path } = world.authorizationRequest(calendar, { scope: SCOPE });
    expect(pathTo(await browser.get(path))).toMatch(/^\/consent\?/);
    // another organization's, and another person's, go on
    expect(await alive(elsewhere.body as unknown as Tokens)).toBe(true);
    expect(await alive(strangers)).toBe(true);
    expect(await (await browser.get(PAGE)).text()).not.toContain('for Acme');
    const { rows } = await database.query(
      `SELECT kind, count(*)::int FROM outbox WHERE kind = 'authorization-revoked' GROUP BY kind`,
    );
    // the one of before, the exchanged code, and the one that was not spent
    expect(rows).toEqual([{ kind: 'authorization-revoked', count: 3 }]);
    const audited = await database.query(
      `SELECT actor, target, factor, detail, organization_id FROM audit_events WHERE act = 'application.revoke'`,
    );
    expect(audited.rows).toEqual([
      {
        actor: world.id(CONSULTANT),
        target: 'calendar',
        factor: 'pwd',
        organization_id: world.id('acme'),
        detail: { scopes: expect.arrayContaining(SCOPE.split(' ')), authorizations: 3 },
      },
    ]);
    expect((await revoke(browser, 'acme')).status).toBe(404);
  });

  it('belong to the suite too, without consent, while they are signed in', async () => {
    const { browser, client, tokens } = await world.signedInClient(MEMBER);
    const html = await (await browser.get(PAGE)).text();
    expect(html).toContain('Part of the suite');
    const answer = await browser.submit(PAGE, `${PAGE}/revoke`, {
      client_id: client.id,
      organization_id: world.id('acme'),
    });
    expect(answer.status).toBe(303);
    expect((await world.refresh(client, tokens.refresh_token)).status).toBe(400);
    expect(await (await browser.get(PAGE)).text()).not.toContain('Part of the suite');
    expect((await browser.get('/account')).status).toBe(200);
  });

  it('of many who end one at once, one does', async () => {
    const browser = await world.signIn(CONSULTANT);
    await choose(browser, 'acme');
    await allow(browser);
    await database.query('DELETE FROM outbox');
    const { rows: last } = await database.query<{ id: string }>('SELECT max(id) AS id FROM audit_events');
    const fields = hiddenFields(await (await browser.get(PAGE)).text());
    const form = { ...fields, client_id: calendar.id, organization_id: world.id('acme') };
    const answers = await Promise.all(Array.from({ length: 12 }, () => browser.post(`${PAGE}/revoke`, form)));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, ...Array<number>(11).fill(404)]);
    const { rows } = await database.query(
      "SELECT count(*)::int FROM audit_events WHERE act = 'application.revoke' AND id > $1",
      [last[0]?.id],
    );
    expect(rows).toEqual([{ count: 1 }]);
  });

  it('a form that is not of this browser, or names nothing, ends nothing', async () => {
    const { browser, client, tokens } = await world.signedInClient(MEMBER);
    const form = { client_id: client.id, organization_id: world.id('acme') };
    expect((await browser.post(`${PAGE}/revoke`, form)).status).toBe(403);
    for (const wrong of [
      { client_id: '\u0000' },
      { client_id: 'x'.repeat(513) },
      { organization_id: 'acme' },
    ]) {
      const answer = await browser.submit(PAGE, `${PAGE}/revoke`, { ...form, ...wrong });
      expect(answer.status).toBe(400);
    }
    expect((await world.refresh(client, tokens.refresh_token)).status).toBe(200);
  });
});
