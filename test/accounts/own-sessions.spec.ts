import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { SessionRepository } from '#sessions';
import { pathTo } from '../support/answers.js';
import { present, setUpApp, withPassword } from '../support/factors.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { PASSWORD, World } from '../support/world.js';

const MEMBER = 'member@acme.example';
const OWNER = 'owner@acme.example';
const CONSULTANT = 'consultant@partners.example';
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
const PAGE = '/account/sessions';

describe('a person’s own sessions', () => {
  let world: World;
  let second: World;
  let database: Client;

  beforeAll(async () => {
    world = await World.start();
    second = await World.start({ beside: world });
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  beforeEach(async () => {
    await database.query('UPDATE sessions SET ended_at = now() WHERE ended_at IS NULL');
    await database.query('DELETE FROM outbox');
  });
  afterAll(async () => {
    await database.end();
    await second.stop();
    await world.stop();
  });

  const live = async (browser: HttpBrowser) => (await browser.get('/account')).status === 200;
  const sessionIds = async (email: string) => {
    const { rows } = await database.query<{ id: string }>(
      'SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL ORDER BY auth_time, id',
      [world.id(email)],
    );
    return rows.map(({ id }) => id);
  };
  const told = async () => {
    const { rows } = await database.query<{ subject: string }>(
      "SELECT subject FROM outbox WHERE kind = 'session-ended'",
    );
    return rows.map(({ subject }) => subject);
  };
  const signInBy = async (email: string, userAgent: string) => {
    const browser = world.browser();
    const fields = hiddenFields(await (await browser.get('/sign-in')).text());
    const answer = await browser.post(
      '/sign-in',
      { ...fields, email, password: PASSWORD },
      { 'user-agent': userAgent },
    );
    expect(answer.status).toBe(303);
    return browser;
  };

  it('are listed with the device, the address and which of them this is; nobody else’s are', async () => {
    await signInBy(MEMBER, FIREFOX);
    await signInBy(OWNER, 'Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X)');
    world.clock.advance(1000);
    const browser = await signInBy(MEMBER, '"><script>alert(1)</script> Chrome/1 Linux');
    const html = await (await browser.get(PAGE)).text();
    expect(html.match(/(Firefox|Chrome|browser) on \w+/g)).toEqual(['Chrome on Linux', 'Firefox on Windows']);
    expect(html.match(/This one/g)).toHaveLength(1);
    expect(html.indexOf('This one')).toBeLessThan(html.indexOf('Firefox'));
    expect(html).toContain('Acme Corporation');
    expect(html).toMatch(/from (127\.0\.0\.1|::1|::ffff:127\.0\.0\.1)/);
    expect(html).not.toContain('alert(1)');
  });

  it('one of which nothing is known any more is listed without device and address', async () => {
    const browser = await signInBy(MEMBER, FIREFOX);
    await database.query('UPDATE sessions SET browser_envelope = NULL');
    const html = await (await browser.get(PAGE)).text();
    expect(html).toContain('Unknown device');
    expect(html).not.toMatch(/Firefox|127\.0\.0\.1|undefined|null/);
  });

  it('end one by one, with the tokens that hang on them, and what is offline goes on', async () => {
    const { client, browser: lost, tokens } = await world.signedInClient(MEMBER);
    const scope = 'openid offline_access projects:read';
    const offline = await world.exchange(client, await world.code(client, lost, { scope }));
    const [id = ''] = await sessionIds(MEMBER);
    const browser = await world.signIn(MEMBER);
    const answer = await browser.submit(PAGE, `${PAGE}/${id}/end`, {});
    expect(pathTo(answer)).toBe(`${PAGE}?done=ended`);
    expect(await (await browser.get(pathTo(answer))).text()).toContain('The session has ended.');
    expect(await live(lost)).toBe(false);
    expect(await live(browser)).toBe(true);
    expect((await world.refresh(client, tokens.refresh_token)).status).toBe(400);
    expect((await world.introspect(client, tokens.access_token)).body).toEqual({ active: false });
    expect((await world.refresh(client, String(offline.body['refresh_token']))).status).toBe(200);
    expect(await told()).toEqual([id]);
    const { rows } = await database.query(
      "SELECT actor, factor, result, address FROM audit_events WHERE act = 'session.end' AND target = $1",
      [id],
    );
    expect(rows).toEqual([
      {
        actor: world.id(MEMBER),
        factor: 'pwd',
        result: 'success',
        address: expect.stringMatching(/127|::1/),
      },
    ]);
  });

  it('of somebody else are not to be found, and go on', async () => {
    const owner = await world.signIn(OWNER);
    const [foreign = ''] = await sessionIds(OWNER);
    const browser = await world.signIn(MEMBER);
    for (const id of [foreign, randomUUID()]) {
      expect((await browser.submit(PAGE, `${PAGE}/${id}/end`, {})).status).toBe(404);
    }
    expect((await browser.submit(PAGE, `${PAGE}/%00/end`, {})).status).toBe(400);
    expect(await live(owner)).toBe(true);
    expect(await told()).toEqual([]);
  });

  it('all others end at once, and no session of anybody else', async () => {
    const others = [await world.signIn(MEMBER), await world.signIn(MEMBER), await world.signIn(MEMBER)];
    const ids = await sessionIds(MEMBER);
    const owner = await world.signIn(OWNER);
    const browser = await world.signIn(MEMBER);
    expect(pathTo(await browser.submit(PAGE, `${PAGE}/end-others`, {}))).toBe(`${PAGE}?done=others-ended`);
    expect(await Promise.all(others.map(live))).toEqual([false, false, false]);
    expect(await live(browser)).toBe(true);
    expect(await live(owner)).toBe(true);
    expect((await told()).sort()).toEqual(ids.sort());
    expect(await (await browser.get(PAGE)).text()).not.toContain('End all other sessions');
  });

  it('OWASP ASVS V7.5.2: who signed in long ago signs in again before any of them ends', async () => {
    const other = await world.signIn(MEMBER);
    const [id = ''] = await sessionIds(MEMBER);
    const browser = await world.signIn(MEMBER);
    const fields = hiddenFields(await (await browser.get(PAGE)).text());
    world.clock.advance(15 * 60_000 + 1000);
    for (const act of [`${PAGE}/${id}/end`, `${PAGE}/end-others`]) {
      expect(pathTo(await browser.post(act, fields))).toMatch(/^\/step-up\?/);
    }
    expect(await live(other)).toBe(true);
    expect(await told()).toEqual([]);
  });

  it('of many who end one at once, on two nodes, one does, and it is told once', async () => {
    for (let round = 0; round < 3; round += 1) {
      await world.signIn(MEMBER);
      const [id = ''] = (await sessionIds(MEMBER)).slice(-1);
      const browser = await world.signIn(MEMBER);
      const fields = hiddenFields(await (await browser.get(PAGE)).text());
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          browser.at(index % 2 ? world.url : second.url).post(`${PAGE}/${id}/end`, fields),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([303, ...Array<number>(19).fill(404)]);
      expect((await told()).filter((subject) => subject === id)).toHaveLength(1);
    }
  });

  it('OWASP ASVS 5.0 7.1.2: are a hundred at most: a further sign-in ends the one that was longest unused', async () => {
    const longest = await signInBy(MEMBER, FIREFOX);
    world.clock.advance(1000);
    const sessions = world.app.get(SessionRepository);
    const userId = world.id(MEMBER);
    const start = (currentSecret?: string) =>
      sessions.start({ userId, amr: ['pwd'], userAgent: FIREFOX, address: '192.0.2.1', currentSecret });
    const [secret] = await Promise.all(Array.from({ length: 99 }, () => start()));
    const [first] = await sessionIds(MEMBER);
    // the same browser again takes no place
    await start(secret);
    expect(await sessionIds(MEMBER)).toHaveLength(100);
    expect(await live(longest)).toBe(true);
    await database.query(
      "UPDATE sessions SET last_seen_at = last_seen_at - interval '1 minute' WHERE id = $1",
      [first],
    );
    const another = await signInBy(MEMBER, FIREFOX);
    expect(await sessionIds(MEMBER)).toHaveLength(100);
    expect(await told()).toEqual([first]);
    expect([await live(longest), await live(another)]).toEqual([false, true]);
    const { rows } = await database.query(
      "SELECT actor FROM audit_events WHERE act = 'session.end' AND target = $1",
      [first],
    );
    expect(rows).toEqual([{ actor: userId }]);
  });

  it('OWASP ASVS 5.0 7.4.3: the others can be ended once a factor was added, codes were made anew, or one was removed', async () => {
    const email = `${randomUUID()}@acme.example`;
    await world.createPerson(email, 'Fay Factor', { acme: 'member' });
    const browser = await signInBy(email, FIREFOX);
    const offer = 'action="/account/sessions/end-others"';
    const alone = await setUpApp(world, browser);
    expect(await alone.response.text()).not.toContain(offer);

    const elsewhere = await withPassword(world, email);
    expect((await present(elsewhere, { method: 'totp', code: alone.app.freshCode() })).status).toBe(303);
    const form = async () => ({
      csrf_token: hiddenFields(await (await browser.get('/account/security')).text())['csrf_token'] ?? '',
    });
    const made = await (await browser.post('/account/security/recovery-codes', await form())).text();
    expect(made).toContain(offer);
    expect(made).toContain('Keep the codes before you do');
    world.clock.advance(30_000);
    expect(await (await setUpApp(world, browser)).response.text()).toContain(offer);
    expect(await (await browser.get('/account/security')).text()).not.toContain(offer);
    const removed = await browser.post('/account/security/totp/remove', await form());
    expect(await (await browser.get(pathTo(removed))).text()).toContain(offer);
    expect(await live(elsewhere)).toBe(true);

    const ended = await browser.post('/account/sessions/end-others', await form());
    expect(pathTo(ended)).toBe(`${PAGE}?done=others-ended`);
    expect([await live(browser), await live(elsewhere)]).toEqual([true, false]);
  });

  it('a form of another site ends nothing', async () => {
    const lost = await world.signIn(MEMBER);
    const [id = ''] = await sessionIds(MEMBER);
    const browser = await world.signIn(MEMBER);
    for (const act of [`${id}/end`, 'end-others']) {
      expect((await browser.post(`${PAGE}/${act}`, {})).status).toBe(403);
    }
    expect(await live(lost)).toBe(true);
  });

  it('who is not signed in is sent to sign in', async () => {
    expect(pathTo(await world.browser().get(PAGE))).toBe(`/sign-in?return_to=%2Faccount%2Fsessions`);
  });

  const choose = (browser: HttpBrowser, organization: string) =>
    browser.submit('/choose-organization', '/choose-organization', {
      organization_id: world.id(organization),
    });

  it('go on under another secret when another organization is chosen: the old cookie is dead', async () => {
    const browser = await world.signIn(CONSULTANT);
    const before = browser.clone();
    const [id] = await sessionIds(CONSULTANT);
    expect((await choose(browser, 'globex')).status).toBe(303);
    expect(await live(before)).toBe(false);
    expect(await live(browser)).toBe(true);
    expect(await sessionIds(CONSULTANT)).toEqual([id]);
    expect(await (await browser.get('/')).text()).toContain('Globex');
  });

  it('go on under another secret when the person signs in once more: the old cookie is dead', async () => {
    const browser = await world.signIn(MEMBER);
    const before = browser.clone();
    const [id] = await sessionIds(MEMBER);
    await world.signIn(MEMBER, browser);
    expect(await live(before)).toBe(false);
    expect(await live(browser)).toBe(true);
    expect(await sessionIds(MEMBER)).toEqual([id]);
  });

  it('of two choices at once in two tabs one counts, and nobody is signed out', async () => {
    for (let round = 0; round < 5; round += 1) {
      const browser = await world.signIn(CONSULTANT);
      const fields = hiddenFields(await (await browser.get('/choose-organization')).text());
      const nodes = [world.url, second.url].map((url) => browser.at(url));
      const before = nodes.map((tab) => tab.cookie('core_auth_session'));
      const answers = await Promise.all(
        nodes.map((tab, index) =>
          tab.post('/choose-organization', {
            ...fields,
            organization_id: world.id(index === 0 ? 'acme' : 'globex'),
          }),
        ),
      );
      const winners = nodes.filter((tab, index) => tab.cookie('core_auth_session') !== before[index]);
      // who came after the other's choice had been made is asked to sign in by a cookie that is dead
      expect(winners).toHaveLength(1);
      expect(answers.every(({ status }) => status === 303)).toBe(true);
      expect(await live(winners[0] as HttpBrowser)).toBe(true);
    }
  });
});
